"""Text for a spreadsheet: CSV whose cells no program takes for a formula (OWASP: CSV injection)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: object) -> str:
    """A value as a cell: what could begin a formula is led by an apostrophe, which spreadsheets do not show.

    Numbers stay numbers, negative ones too; with one place behind the point, when they have one.
    """
    if isinstance(value, int | float):
        return f"{value:.1f}" if isinstance(value, float) else str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS) else text


def safe_csv(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A file as spreadsheets open it: the mark that says UTF-8, the heading, the rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heading)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return "\ufeff" + text.getvalue()
