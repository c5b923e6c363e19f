"""The sample of a release list, as a newcomer needs it: with dates around today, for their own facility.

The file that is shipped is a plain list with the dates of the day it was written; some day each row of it would be
refused as long past. So whoever asks for the sample gets it moved, and may send it in at once.
"""

from __future__ import annotations

import csv
import io
from datetime import date

from domain.interop import release_cells as cells

WRITTEN_ON = date(2026, 11, 25)
"""The day that counts as today in `records/seed/releases-sample.csv`."""


def sample_around(data: bytes, today: date, facility: str = "") -> bytes:
    """The same list with its release dates as far from `today` as they were from the day it was written, each in the
    form it had. `facility` stands in its column; empty: it is for whoever sends it."""
    rows = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows.fieldnames or (), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"release_date": _moved(row["release_date"], today), "facility": facility})
    return text.getvalue().encode("utf-8")


def _moved(written: str, today: date) -> str:
    day = cells.day("release_date", written, [])
    assert day is not None
    return (today + (day - WRITTEN_ON)).strftime("%m/%d/%Y" if "/" in written else "%Y-%m-%d")
