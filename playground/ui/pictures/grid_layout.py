"""Where the pictures of a grid go: the largest zoom that fits, the columns that allow it, and back from a point to a pixel.

All in device pixels.  Up to a zoom of 3 (2 in a hall, where size comes first, and of soft pictures in colour) every pixel of a picture is a square of a whole number of them; above that a
picture's width is whole and its pixels need not be, so that pictures fill the room they have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WHOLE_BELOW = 3  # a pixel of 1.5 device pixels would look uneven, one of 7.5 does not
WHOLE_BELOW_SOFT = 2  # of what is seen from afar, and of pictures in colour, whose edges are soft
MOST_GAP = 8  # device pixels between pictures; less where a pixel of theirs is smaller
WORTH_AN_EMPTY_PLACE = 0.5  # of a place's share of the grid: what an unfilled last row is held to cost


@dataclass(frozen=True)
class Fit:
    """How a grid fills a room: ``zoom`` is the device pixels of one pixel of a picture."""

    zoom: float
    columns: int
    rows: int
    across: bool  # panels side by side (else one above the other)


def allowed_zoom(zoom: float, width: int, whole_below: float = WHOLE_BELOW) -> float:
    """The largest zoom not above this one that is allowed: whole when small, else such that a picture's width is whole."""
    if zoom < whole_below:
        return max(math.floor(zoom), 1)
    return math.floor(zoom * width) / width


def best_fit(
    count: int,
    size: tuple[int, int],
    room: tuple[float, float],
    columns: int | None = None,
    panels: int = 1,
    between: float = 0,
    overhead: tuple[float, float] = (0, 0),
    caption: float = 0,
    whole_below: float = WHOLE_BELOW,
) -> Fit:
    """The column count that allows the largest pictures; empty places count against it, and no last row has a single picture.

    Args:
        count: pictures in a panel.
        size: (H, W) of one.
        room: (width, height) in device pixels.
        columns: fixed number of columns, or None for the best.
        panels: grids of the same shape to be shown together.
        between: device pixels between panels.
        overhead: (width, height) of each panel taken by its captions and title.
        caption: device pixels of height taken under every row of pictures.
        whole_below: a smaller zoom is a whole number.
    """
    h, w = size
    best: tuple[tuple[float, ...], Fit] | None = None
    for n in [min(columns, count)] if columns else range(1, count + 1):
        rows = -(-count // n)
        for across in (True, False) if panels > 1 else (True,):
            side, down = (panels, 1) if across else (1, panels)
            wide = (room[0] - between * (side - 1)) / side - overhead[0]
            high = (room[1] - between * (down - 1)) / down - overhead[1]
            zoom = min(_largest_zoom(wide, n, w), _largest_zoom(high - caption, rows, h, caption))
            empty = rows * n - count
            worth = zoom * (1 - WORTH_AN_EMPTY_PLACE * empty / (rows * n))
            lonely = not columns and n > 1 and rows > 1 and count % n == 1
            score = (zoom >= 1, not lonely, max(worth, 0), across, -abs(n * w - rows * h))
            if best is None or score > best[0]:
                best = (score, Fit(allowed_zoom(zoom, w, whole_below), n, rows, across))
    assert best is not None
    return best[1]


def _largest_zoom(room: float, count: int, side: int, least_gap: float = 0) -> float:
    """The zoom at which ``count`` pictures of ``side`` pixels, and the gaps between them, fill ``room``."""
    zoom = room / (count * (side + 1) - 1)  # a gap of one pixel
    most_gap = max(MOST_GAP, least_gap)
    if zoom < least_gap or zoom > most_gap:
        gap = least_gap if zoom < least_gap else most_gap
        zoom = (room - (count - 1) * gap) / (count * side)
    return zoom


@dataclass(frozen=True)
class Layout:
    """A :class:`Fit` put in its place."""

    fit: Fit
    count: int
    size: tuple[int, int]  # (H, W) of a picture
    row_gap: int  # device pixels between rows: a pixel, or room for a line of captions
    origins: tuple[tuple[int, int], ...]  # (x, y) of the first picture of each panel
    column_gap: int = (
        1  # device pixels between columns: a pixel, or more for long captions where there is room
    )

    @property
    def side(self) -> tuple[int, int]:
        """(width, height) of a picture in device pixels."""
        return round(self.size[1] * self.fit.zoom), round(self.size[0] * self.fit.zoom)

    @property
    def pitch(self) -> tuple[int, int]:
        """Device pixels from one picture to the next, across and down."""
        return self.side[0] + self.column_gap, self.side[1] + self.row_gap

    def rect(self, sample: int, panel: int = 0) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a picture."""
        row, column = divmod(sample, self.fit.columns)
        (x, y), (across, down) = self.origins[panel], self.pitch
        return x + column * across, y + row * down, *self.side

    def pixel_at(self, x: float, y: float) -> tuple[int, int, int]:
        """(sample, row, column) under a point, or (-1, -1, -1)."""
        (across, down), (wide, high), (h, w) = self.pitch, self.side, self.size
        for left, top in self.origins:
            column, row = int((x - left) // across), int((y - top) // down)
            inner_x, inner_y = x - left - column * across, y - top - row * down
            sample = row * self.fit.columns + column
            inside = 0 <= column < self.fit.columns and row >= 0 and inner_x < wide and inner_y < high
            if inside and sample < self.count:
                return sample, min(int(inner_y * h / high), h - 1), min(int(inner_x * w / wide), w - 1)
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
    least: float = 0,
    whole_below: float = WHOLE_BELOW,
) -> Layout:
    """Fit ``panels`` grids into ``room``, centred; the words are those of :func:`best_fit`.

    ``widest`` is the width of the longest caption: columns move apart for it as far as there is room, and panels for
    the longest ``title``.  Where pictures would be smaller than ``least`` device pixels, fewer of them are laid out:
    as many as make whole rows (``Layout.count``); of a fixed number of columns at least one row.
    """
    between = margin * 1.7
    inner = (room[0] - 2 * margin, room[1] - 2 * margin)
    how = (columns, panels, between, overhead, math.ceil(caption), whole_below)
    shown = _large_enough(count, size, inner, how, least, columns or 1) if least else count
    fit = best_fit(shown, size, inner, *how)
    wide, high = round(size[1] * fit.zoom), round(size[0] * fit.zoom)
    gap = max(min(math.floor(fit.zoom), MOST_GAP), 1)
    row_gap = max(gap, math.ceil(caption))
    side, down = (panels, 1) if fit.across else (1, panels)
    room_each = (inner[0] - between * (side - 1)) / side - overhead[0]
    column_gap = _column_gap(fit.columns, wide, gap, room_each, widest)
    all_wide = overhead[0] + fit.columns * wide + (fit.columns - 1) * column_gap
    all_high = overhead[1] + fit.rows * high + (fit.rows - 1) * row_gap + caption
    y = (room[1] - down * all_high - (down - 1) * between) / 2 + overhead[1]
    more = 0.0  # for a title that is longer than its grid is wide
    if side > 1:
        spare = inner[0] - side * all_wide - (side - 1) * between
        more = max(min(title - (all_wide - overhead[0]), spare / side), 0.0)
    x = (room[0] - side * (all_wide + more) - (side - 1) * between) / 2 + overhead[0]
    step = (all_wide + more + between, 0) if fit.across else (0, all_high + between)
    origins = tuple((max(round(x + i * step[0]), 0), max(round(y + i * step[1]), 0)) for i in range(panels))
    return Layout(fit, shown, size, row_gap, origins, column_gap)


def _large_enough(
    count: int,
    size: tuple[int, int],
    room: tuple[float, float],
    how: tuple[object, ...],
    least: float,
    step: int = 1,
) -> int:
    """The most pictures that are at least ``least`` device pixels high and wide, in whole ``step``s; one step, if even two would be smaller."""
    for shown in range(count, step, -step) if count % step == 0 else ():
        fit = best_fit(shown, size, room, *how)  # type: ignore[arg-type]
        if fit.zoom * min(size) >= least and (shown == count or fit.rows * fit.columns == shown):
            return shown
    return min(step, count) if count % step == 0 else count


def _column_gap(columns: int, width: int, gap: int, room: float, widest: float) -> int:
    """Device pixels between the columns."""
    if columns == 1:
        return gap
    there = int(
        (room - columns * width) / columns
    )  # half of it at either side: the outer captions are as wide
    return max(gap, min(math.ceil(widest) - width, there))
