"""What the encoder says about one picture: for two dimensions the posterior's ellipse under a magnifying glass, for more
a dot and a bar per dimension, both against the standard normal prior."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from playground.ui.theme import theme

_ROOM = 4.0  # the glass shows so many of the larger sigma to each side


class Posterior(QWidget):
    """Paints N(mu, sigma^2) of one picture; ``draws`` are points drawn from it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mu, self._sigma = np.zeros(0), np.zeros(0)
        self._draws = np.zeros((0, 0))
        self._points, self._labels = np.zeros((0, 2)), np.zeros(0, np.int64)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("The encoder's distribution over z")
        theme.signals.changed.connect(self.update)

    def set_posterior(self, mu: np.ndarray, sigma: np.ndarray, draws: np.ndarray) -> None:
        """``mu`` and ``sigma`` (D,), sigma 0 for a code that is a point; ``draws`` (N,D)."""
        self._mu, self._sigma, self._draws = np.asarray(mu), np.asarray(sigma), np.asarray(draws)
        self.update()

    def set_points(self, points: np.ndarray, labels: np.ndarray) -> None:
        """Other pictures' codes (N,2), coloured by class: who lives near."""
        self._points, self._labels = np.asarray(points), np.asarray(labels)
        self.update()

    def sizeHint(self) -> QSize:
        """Takes whatever it gets."""
        return QSize(round(theme.em() * 20), round(theme.em() * 20))

    def minimumSizeHint(self) -> QSize:
        """Small, so that the window can be made small."""
        return QSize(round(theme.em() * 11), round(theme.em() * 9))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme.paint_canvas(painter, self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.scaled_font(0.85))
        if len(self._mu) == 2:
            self._paint_glass(painter)
        elif len(self._mu):
            self._paint_bars(painter)

    # --- two dimensions

    def _paint_glass(self, painter: QPainter) -> None:
        em, accent = theme.em(), theme.accent(self, on_canvas=True)
        head, foot = 2.2 * em, 2.2 * em
        side = max(min(self.width() - 2 * em, self.height() - head - foot), 10)
        box = QRectF((self.width() - side) / 2, head + (self.height() - head - foot - side) / 2, side, side)
        reach = _ROOM * max(float(self._sigma.max()), 0.02)

        def at(z: np.ndarray) -> QPointF:
            share = (z - self._mu) / reach
            return box.center() + QPointF(share[0], -share[1]) * (side / 2)

        painter.setPen(QPen(QColor(theme.CANVAS_LINE), 1))
        painter.drawRect(box)
        painter.save()
        painter.setClipRect(box)
        painter.setPen(Qt.PenStyle.NoPen)
        near = (np.abs(self._points - self._mu) < reach).all(1) if len(self._points) else np.zeros(0, bool)
        for z, label in zip(self._points[near], self._labels[near], strict=True):
            painter.setBrush(theme.class_colour(int(label)))
            painter.drawEllipse(at(z), em * 0.2, em * 0.2)
        for sigmas, alpha in ((2, 0.16), (1, 0.28)):
            fill = QColor(accent)
            fill.setAlphaF(alpha)
            painter.setBrush(fill)
            painter.setPen(QPen(accent, 1.5))
            size = self._sigma * sigmas / reach * side / 2
            painter.drawEllipse(box.center(), size[0], size[1])
        painter.setPen(QPen(QColor(theme.CANVAS_TEXT), 1.5))
        for z in self._draws:
            painter.setBrush(QColor(theme.CANVAS))
            painter.drawEllipse(at(z), em * 0.25, em * 0.25)
        cross = em * 0.5
        painter.drawLine(box.center() - QPointF(cross, 0), box.center() + QPointF(cross, 0))
        painter.drawLine(box.center() - QPointF(0, cross), box.center() + QPointF(0, cross))
        painter.restore()
        if self._sigma.max() > 0:
            head_words = f"magnified: {_figures(2 * reach)} across"
            foot_words = f"σ = ({_figures(self._sigma[0])}, {_figures(self._sigma[1])})"
        else:
            head_words, foot_words = f"magnified: {_figures(2 * reach)} across", "a point: no σ"
        self._write(painter, QRectF(0, 0, self.width(), box.top()), head_words)
        self._write(painter, QRectF(0, box.bottom(), self.width(), self.height() - box.bottom()), foot_words)

    # --- many dimensions

    def _paint_bars(self, painter: QPainter) -> None:
        em, accent, count = theme.em(), theme.accent(self, on_canvas=True), len(self._mu)
        box = QRectF(3 * em, 2.4 * em, self.width() - 4.2 * em, self.height() - 5 * em)
        reach = max(3.0, float((np.abs(self._mu) + 2 * self._sigma).max()) * 1.05)

        def y(value: float) -> float:
            return box.center().y() - value / reach * box.height() / 2

        band = QColor(theme.CANVAS_LINE)
        band.setAlphaF(0.55)
        painter.fillRect(QRectF(box.left(), y(1), box.width(), y(-1) - y(1)), band)
        for tick in (-2, -1, 0, 1, 2):
            painter.setPen(QPen(QColor(theme.CANVAS_LINE), 1))
            painter.drawLine(QPointF(box.left(), y(tick)), QPointF(box.right(), y(tick)))
            self._write(
                painter,
                QRectF(0, y(tick) - em, box.left() - em * 0.4, 2 * em),
                f"{tick}".replace("-", "−"),
                right=True,
            )
        pitch = box.width() / count
        for d, (mu, sigma) in enumerate(zip(self._mu.tolist(), self._sigma.tolist(), strict=True)):
            x = box.left() + (d + 0.5) * pitch
            soft = QColor(accent)
            soft.setAlphaF(0.45)
            wide = max(min(pitch * 0.5, em * 0.7), 2.0)
            painter.fillRect(
                QRectF(x - wide / 2, y(mu + sigma), wide, max(y(mu - sigma) - y(mu + sigma), 1)), soft
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawEllipse(QPointF(x, y(mu)), wide * 0.4, wide * 0.4)
            if d % max(round(2.2 * em / pitch), 1) == 0:
                self._write(painter, QRectF(x - 2 * em, box.bottom(), 4 * em, 1.4 * em), f"{d + 1}")
        self._write(
            painter,
            QRectF(0, 0, self.width(), box.top()),
            "q(z|x): mean and ±σ; band: the prior's ±1",
        )
        self._write(painter, QRectF(0, box.bottom() + 1.2 * em, self.width(), 1.4 * em), "latent dimension")

    def _write(self, painter: QPainter, box: QRectF, words: str, right: bool = False) -> None:
        painter.setPen(QColor(theme.CANVAS_MUTED))
        align = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignHCenter
        short = QFontMetricsF(painter.font()).elidedText(words, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, align | Qt.AlignmentFlag.AlignVCenter, short)


def _figures(value: float) -> str:
    """Two figures: 0.052, 1.3."""
    return f"{float(f'{value:.2g}'):g}"


def _demo() -> None:
    """Run me: ``python -m playground.tabs.vae.posterior``."""
    from playground.ui.widgets.demo import application, run

    application()
    widget, rng = Posterior(), np.random.default_rng(0)
    widget.setProperty("family", "vae")
    mu, sigma = np.array([1.0, -0.4]), np.array([0.05, 0.02])
    widget.set_points(mu + rng.normal(0, 0.1, (40, 2)), rng.integers(0, 10, 40))
    widget.set_posterior(mu, sigma, mu + sigma * rng.normal(size=(3, 2)))
    run(widget)


if __name__ == "__main__":
    _demo()
