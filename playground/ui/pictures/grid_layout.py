"""Where the pictures of a grid go: the whole zoom that fits, the columns that allow it, and back from a point to a pixel.

All in device pixels, so that every pixel of a picture is a square of exactly ``zoom`` device pixels.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fit:
    """How a grid fills a room, in device pixels: zoom is whole, the gap is one source pixel."""

    zoom: int
    columns: int
    rows: int
    across: bool  # panels side by side (else one above the other)


def best_fit(
    count: int,
    size: tuple[int, int],
    room: tuple[float, float],
    columns: int | None = None,
    panels: int = 1,
    between: float = 0,
    overhead: tuple[float, float] = (0, 0),
    caption: float = 0,
) -> Fit:
    """The column count that allows the largest whole zoom; ties go to the grid with the fewest empty places.

    Args:
        count: pictures in a panel.
        size: (H, W) of one.
        room: (width, height) in device pixels.
        columns: fixed number of columns, or None for the best.
        panels: grids of the same shape to be shown together.
        between: device pixels between panels.
        overhead: (width, height) of each panel taken by its captions and title.
        caption: device pixels of height taken under every row of pictures.
    """
    h, w = size
    best: tuple[tuple[float, ...], Fit] | None = None
    for n in [min(columns, count)] if columns else range(1, count + 1):
        rows = -(-count // n)
        for across in (True, False) if panels > 1 else (True,):
            side, down = (panels, 1) if across else (1, panels)
            wide = (room[0] - between * (side - 1)) / side - overhead[0]
            high = (room[1] - between * (down - 1)) / down - overhead[1] - caption * rows
            zoom = int(min(wide / (n * (w + 1) - 1), high / (rows * (h + 1) - 1)))
            empty = rows * n - count
            score = (max(zoom, 0), -empty, across, -abs(n * w - rows * h))
            if best is None or score > best[0]:
                best = (score, Fit(max(zoom, 1), n, rows, across))
    assert best is not None
    return best[1]


@dataclass(frozen=True)
class Layout:
    """A :class:`Fit` put in its place."""

    fit: Fit
    count: int
    size: tuple[int, int]  # (H, W) of a picture
    row_gap: int  # source pixels between rows: one, or room for a line of captions
    origins: tuple[tuple[int, int], ...]  # (x, y) of the first picture of each panel
    column_gap: int = 1  # source pixels between columns: one, or more for long captions where there is room

    @property
    def pitch(self) -> tuple[int, int]:
        """Device pixels from one picture to the next, across and down."""
        h, w = self.size
        return (w + self.column_gap) * self.fit.zoom, (h + self.row_gap) * self.fit.zoom

    def rect(self, sample: int, panel: int = 0) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a picture."""
        row, column = divmod(sample, self.fit.columns)
        (x, y), (across, down), zoom = self.origins[panel], self.pitch, self.fit.zoom
        return x + column * across, y + row * down, self.size[1] * zoom, self.size[0] * zoom

    def pixel_at(self, x: float, y: float) -> tuple[int, int, int]:
        """(sample, row, column) under a point, or (-1, -1, -1)."""
        (across, down), (h, w), zoom = self.pitch, self.size, self.fit.zoom
        for left, top in self.origins:
            column, row = int((x - left) // across), int((y - top) // down)
            px, py = int((x - left - column * across) // zoom), int((y - top - row * down) // zoom)
            sample = row * self.fit.columns + column
            inside = 0 <= column < self.fit.columns and row >= 0 and px < w and py < h
            if inside and sample < self.count:
                return sample, py, px
        return -1, -1, -1


def lay_out(
    count: int,
    size: tuple[int, int],
    room: tuple[float, float],
    columns: int | None,
    panels: int,
    margin: float,
    overhead: tuple[float, float] = (0, 0),
    caption: float = 0,
    widest: float = 0,
    title: float = 0,
) -> Layout:
    """Fit ``panels`` grids into ``room``, centred; the words are those of :func:`best_fit`.

    ``widest`` is the width of the longest caption: columns move apart for it as far as there is room, and panels for
    the longest ``title``.
    """
    between = margin * 1.7
    inner = (room[0] - 2 * margin, room[1] - 2 * margin)
    fit = best_fit(count, size, inner, columns, panels, between, overhead, caption)
    row_gap = max(1, -(-round(caption) // fit.zoom))
    side, down = (panels, 1) if fit.across else (1, panels)
    room_each = (inner[0] - between * (side - 1)) / side - overhead[0]
    column_gap = _column_gap(fit, size[1], room_each, widest)
    wide = overhead[0] + (fit.columns * size[1] + (fit.columns - 1) * column_gap) * fit.zoom
    high = overhead[1] + (fit.rows * size[0] + (fit.rows - 1) * row_gap) * fit.zoom + caption
    y = (room[1] - down * high - (down - 1) * between) / 2 + overhead[1]
    more = 0.0  # for a title that is longer than its grid is wide
    if side > 1:
        spare = inner[0] - side * wide - (side - 1) * between
        more = max(min(title - (wide - overhead[0]), spare / side), 0.0)
    x = (room[0] - side * (wide + more) - (side - 1) * between) / 2 + overhead[0]
    step = (wide + more + between, 0) if fit.across else (0, high + between)
    origins = tuple((max(round(x + i * step[0]), 0), max(round(y + i * step[1]), 0)) for i in range(panels))
    return Layout(fit, count, size, row_gap, origins, column_gap)


def _column_gap(fit: Fit, width: int, room: float, widest: float) -> int:
    """Source pixels between the columns."""
    if fit.columns == 1:
        return 1
    wanted = -(-round(widest) // fit.zoom) - width
    there = int((room / fit.zoom - fit.columns * width) / (fit.columns - 1))
    return max(1, min(wanted, there))
