"""A jail's release list: a CSV file with one row a person (docs/release-list.md documents the columns for its senders).

Every row is either taken or refused with all its faults at once; one bad row holds up no other. A file that cannot be
trusted as a whole (encoding, quoting, columns) gives no rows at all.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from domain.clock import at_local, local
from domain.interop import release_cells as cells
from domain.interop.csv_text import FileRefused, Problem, decode, read_rows
from domain.interop.release_cells import Fault
from domain.vocabulary import ReleaseKind, RiskFlag

REQUIRED = ("booking_number", "first_name", "last_name", "birth_date", "release_date")
OPTIONAL = (
    "preferred_name",
    "release_time",
    "release_status",
    "release_kind",
    "phone",
    "language",
    "where_to_find",
    "risk_flags",
    "facility",
)
COLUMNS = REQUIRED + OPTIONAL


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One person on the list. `number` is the row in the spreadsheet; `release_at` is None without a time of day;
    `is_actual` says that the release has happened. `language` is a code (`es`) or empty. `notes` tell the sender what
    was assumed."""

    number: int
    booking_number: str
    first_name: str
    last_name: str
    preferred_name: str
    birth_on: date
    release_on: date
    release_at: datetime | None
    is_actual: bool
    kind: ReleaseKind
    phone: str
    language: str
    where_to_find: str
    risk_flags: frozenset[RiskFlag]
    facility: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowRefused:
    """One row that was not taken, with everything that is wrong with it."""

    number: int
    faults: tuple[Fault, ...]

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        return " ".join(
            f"{fault.column}: {fault.sentence}" if fault.column else fault.sentence for fault in self.faults
        )


@dataclass(frozen=True, slots=True)
class ReleaseList:
    """What a file holds. With `problems` there are no rows: nothing of the file is taken."""

    rows: tuple[ReleaseRow | RowRefused, ...] = ()
    problems: tuple[Problem, ...] = ()


def parse_releases(data: bytes, zone: str) -> ReleaseList:
    """Read a release list. `zone` is the IANA name of the jail's time zone; its times are local there. Never raises."""
    try:
        numbered = read_rows(decode(data))
        first = next(numbered, None)
        if first is None:
            return ReleaseList(problems=(Problem("empty", "The file is empty."),))
        written = _without_empty_end(first[1])
        header = [_column(name) for name in written]
        problems = _header_problems(header, written)
        if problems:
            return ReleaseList(problems=problems)
        rows = tuple(_row(number, header, row, zone) for number, row in numbered)
    except FileRefused as refused:
        return ReleaseList(problems=(refused.problem,))
    if not rows:
        return ReleaseList(problems=(Problem("empty", "The file has a header and no rows below it."),))
    return ReleaseList(rows)


def _without_empty_end(names: list[str]) -> list[str]:
    """Spreadsheets leave commas behind for columns that were cleared."""
    used = max((n for n, name in enumerate(names, start=1) if name.strip()), default=0)
    return names[:used]


def _column(name: str) -> str:
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())


def _header_problems(header: Sequence[str], written: Sequence[str]) -> tuple[Problem, ...]:
    problems = []
    for name, as_written in zip(header, written, strict=True):
        if name not in COLUMNS:
            near = difflib.get_close_matches(name[:40], COLUMNS, n=1)
            hint = f" Is it '{near[0]}'?" if near else f" The columns are: {', '.join(COLUMNS)}."
            shown = as_written.strip()[:40]
            sentence = (
                f"There is no column '{shown}'.{hint}" if shown else "A column has no name: name it or remove it."
            )
            problems.append(Problem("unknown_column", sentence, shown))
    for name, count in Counter(header).items():
        if count > 1 and name in COLUMNS:
            problems.append(Problem("duplicate_column", f"The column '{name}' is there {count} times.", name))
    for name in REQUIRED:
        if name not in header:
            problems.append(Problem("missing_column", f"The column '{name}' is missing.", name))
    return tuple(problems[:20])


def _row(number: int, header: Sequence[str], written: list[str], zone: str) -> ReleaseRow | RowRefused:
    if any(cell.strip() for cell in written[len(header) :]):
        sentence = (
            f"The row has {len(written)} cells, the header {len(header)}. Put cells with commas into quotation marks."
        )
        return RowRefused(number, (Fault("", sentence),))
    values = dict.fromkeys(COLUMNS, "")
    faults: list[Fault] = []
    for column, cell in zip(header, written, strict=False):
        values[column] = cells.text(column, cell, faults)
    birth_on = cells.day("birth_date", values["birth_date"], faults)
    release_on = cells.day("release_date", values["release_date"], faults)
    at = cells.time_of_day("release_time", values["release_time"], faults)
    for column in REQUIRED:
        if not values[column] and not any(fault.column == column for fault in faults):
            faults.append(Fault(column, "This is needed."))
    for column in ("first_name", "last_name"):
        cells.check_name(column, values[column], faults)
    if birth_on and release_on and birth_on >= release_on:
        faults.append(Fault("birth_date", "The birth date is not before the release date."))
    status = cells.choice("release_status", values["release_status"] or "planned", cells.STATUSES, faults)
    kind = cells.choice("release_kind", values["release_kind"] or "planned", cells.KINDS, faults)
    phone = cells.phone("phone", values["phone"], faults)
    language = cells.language("language", values["language"], faults)
    risk_flags = cells.risk_flags("risk_flags", values["risk_flags"], faults)
    if faults or birth_on is None or release_on is None or status is None or kind is None:
        return RowRefused(number, tuple(faults))
    return ReleaseRow(
        number=number,
        booking_number=values["booking_number"],
        first_name=values["first_name"],
        last_name=values["last_name"],
        preferred_name=values["preferred_name"],
        birth_on=birth_on,
        release_on=release_on,
        release_at=at_local(release_on, at, zone) if at else None,
        is_actual=status,
        kind=kind,
        phone=phone,
        language=language,
        where_to_find=values["where_to_find"],
        risk_flags=risk_flags,
        facility=values["facility"],
        notes=_notes(release_on, at, zone),
    )


def _notes(day: date, at: time | None, zone: str) -> tuple[str, ...]:
    if at is None:
        return ()
    shown = local(at_local(day, at, zone), zone).time()
    if shown != at:
        return (f"The clocks moved forward past {at:%H:%M} that night: {shown:%H:%M} was taken.",)
    return ()
