"""A formula inside an HTML page: as it was drawn for the window, in the colour and at the size of the words around it."""

from __future__ import annotations

import html
import re

from playground.ui.formulas.drawn import Piece, shipped
from playground.ui.formulas.rich_text import to_html


def in_page(tex: str) -> str:
    """HTML of a formula, which may break between its pieces; rich text for one that was not drawn beforehand, "" for none."""
    said = to_html(tex) if tex else ""
    pieces = shipped().get(tex, ())
    if not pieces:
        return said
    words = html.escape(html.unescape(re.sub(r"<[^>]*>", "", said)), quote=True)
    return f"<span role='img' aria-label=\"{words}\">{''.join(map(_inline, pieces))}</span>"


def _inline(piece: Piece) -> str:
    """On the baseline of the line; ``currentColor`` in it is that of the words."""
    after = piece.advance - piece.left - piece.width
    style = (
        f"width:{piece.width:.4f}em;height:{piece.height:.4f}em;max-width:none;"
        f"vertical-align:{-piece.descent:.4f}em;margin:0 {after:.4f}em 0 {piece.left:.4f}em"
    )
    return piece.svg.replace("<svg ", f'<svg aria-hidden="true" style="{style}" ', 1)
