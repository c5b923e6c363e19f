"""Square pictures that a phone's camera reads, drawn into the page: nothing is loaded and nothing styled inline."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """`text` as a QR code in SVG; its size is the stylesheet's."""
    made = segno.make(text, error="m", micro=False)
    drawn = made.svg_inline(border=4, dark="#000", light="#fff", svgclass="fb-qr", omitsize=True)
    return Markup(drawn)  # noqa: S704 (drawn by the library from what we gave it: paths and numbers alone)
