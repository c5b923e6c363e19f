"""Everything on record about some referrals, read by SQL in one moment: plain rows, values as they were meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection, bindparam, text

from records.checking.clocks import Offices, Where
from records.checking.protocol import Protocol

SLICE = 200
"""So many referrals are read and judged at once: memory stays small however many there are."""

TABLES = {
    "referral": (
        "id program_id number facility_id planner_id protocol_id status consent consent_expires_at! consent_warned_at!"
        " risks* created_at! submitted_at! accepted_at! expected_on/ expected_time@ date_known_at! discharged_at!"
        " notice_at! is_unscheduled cycle first_appointment_at! bridger_id assigned_since! unassigned_since!"
        " offers_exhausted_at! owner_id cancel_requested_at! lost_at! finish_at! ended_at! reported_at! next_at!"
        " next_item untold_since! journal_seq journal_head journal_proof setting disposition"
    ),
    "contact": (
        "id program_id referral_id key seq cycle opens_at! due_at! state prompted* met_at! met_by missed_at! reason"
        " is_overdue_on_arrival"
    ),
    "attempt": "id program_id referral_id at! mode outcome is_retracted",
    "escalation": (
        "id program_id referral_id subject subject_id occurrence ladder rung ask told* owner_id due_at! raised_at!"
        " answer_by! alerts state acknowledged_at! act_by! decision resolved_at!"
    ),
    "offer": "id program_id referral_id bridger_id state made_at! answer_by! closed_at! decline_reason",
    "assignment": "id program_id referral_id bridger_id started_at! ended_at! override_by",
    "hold": "id program_id referral_id started_at! recorded_at! ended_at!",
    "notification": ("id program_id referral_id template channel staff_id subject_id state created_at not_before"),
    "disclosure": (
        "id program_id referral_id what recipient recipient_kind category purpose is_allowed consent_id notice at!"
        " subject_id sent_at!"
    ),
    "consent_version": (
        "id program_id referral_id line version answer grants* person_name expires_at! expires_when signer_name"
        " signed_on/ recorded_at!"
    ),
    "person_text": "id program_id referral_id person_id number_mark kind said state claimed_at! sent_at!",
    "consent_revocation": "id referral_id consent_id at!",
    "journal": "stream seq event at! recorded_at! actor subject_id data* prev_hash hash",
}
"""The columns that are read, by table: `!` an instant, `/` a date, `@` a time of day, `*` a document. Instants of
messages are few that matter: they stay as they are kept until somebody asks for them with `instant`."""

_OF = {"referral": "id", "journal": "stream"}
_ORDER = {
    "contact": "due_at, id", "escalation": "raised_at, rung", "offer": "made_at, id", "hold": "started_at, id",
    "assignment": "started_at, id", "journal": "stream, seq", "consent_version": "recorded_at, version",
}  # fmt: skip


def instant(kept: Any) -> datetime | None:
    """An instant as SQLite or PostgreSQL gives it."""
    if kept is None:
        return None
    return datetime.fromisoformat(f"{kept}+00:00") if kept.__class__ is str else kept.astimezone(UTC)


def at_of(kept: Any) -> datetime:
    """An instant that is never missing."""
    at = instant(kept)
    assert at is not None
    return at


def document(kept: Any) -> Any:
    """A document as SQLite (a text) or PostgreSQL (read already) gives it; a sealed one is a text that stays closed."""
    if kept.__class__ is not str or kept.startswith("c1."):
        return kept
    empty = _EMPTY.get(kept)
    return from_json(kept) if empty is None else empty()


_EMPTY: dict[str, Callable[[], Any]] = {"[]": list, "{}": dict}


def _day(kept: Any) -> date | None:
    return date.fromisoformat(kept) if kept.__class__ is str else kept


def _time(kept: Any) -> time | None:
    return time.fromisoformat(kept) if kept.__class__ is str else kept


_READ: dict[str, Callable[[Any], Any]] = {"!": instant, "*": document, "/": _day, "@": _time}


class _Reading(NamedTuple):
    """How one table is read."""

    row: Any
    converted: tuple[tuple[int, Callable[[Any], Any]], ...]
    statement: Any


@lru_cache(maxsize=32)
def _reading(table: str) -> _Reading:
    return _made(table, TABLES[table], _OF.get(table, "referral_id"))


@lru_cache(maxsize=32)
def _made(table: str, columns: str, of: str) -> _Reading:
    named = columns.split()
    names = [one.rstrip("!/@*") for one in named]
    converted = tuple((number, _READ[one[-1]]) for number, one in enumerate(named) if one[-1] in _READ)
    order = f" ORDER BY {_ORDER[table]}" if table in _ORDER else ""
    sql = f"SELECT {', '.join(names)} FROM {table} WHERE {of} IN :ids{order}"  # noqa: S608 -- names of our own
    make = NamedTuple(table.title(), [(name, Any) for name in names])  # type: ignore[misc]
    return _Reading(make, converted, text(sql).bindparams(bindparam("ids", expanding=True)))


def read(connection: Connection, table: str, ids: Sequence[str]) -> list[Any]:
    """The rows of one table that belong to these referrals."""
    return _rows(connection, _reading(table), ids)


def _rows(connection: Connection, how: _Reading, ids: Sequence[str]) -> list[Any]:
    make, converted, found = how.row._make, how.converted, []
    result = connection.execute(how.statement, {"ids": ids})
    for kept in result.cursor.fetchall():  # a Row of SQLAlchemy takes longer than all the rest
        values = list(kept)
        for number, convert in converted:
            values[number] = convert(values[number])
        found.append(make(values))
    return found


@dataclass(frozen=True)
class Surroundings:
    """What many referrals share: programs, who is who among staff, published protocols."""

    programs: dict[str, Any]
    staff: dict[str, Any]
    protocols: dict[str, Protocol]


class Program(NamedTuple):
    """A program, as far as it matters here."""

    id: str
    zone: str
    offices: Offices
    caseload_limit: int


class Member(NamedTuple):
    """A member of staff."""

    id: str
    program_id: str
    facility_id: str | None
    supervisor_id: str | None
    is_active: bool


def read_surroundings(connection: Connection) -> Surroundings:
    """Read what many referrals share."""
    programs, protocols = {}, {}
    for row in connection.execute(
        text("SELECT id, zone, country, subdivision, closed_on, caseload_limit FROM program")
    ):
        closed = tuple(sorted(document(row.closed_on)))
        programs[row.id] = Program(row.id, row.zone, Offices(row.country, row.subdivision, closed), row.caseload_limit)
    for row in connection.execute(text("SELECT id, text FROM protocol")):
        protocols[row.id] = _protocol(row.text)
    asked = "SELECT id, program_id, facility_id, supervisor_id, is_active FROM staff"
    staff = {row.id: Member(*row) for row in connection.execute(text(asked))}
    return Surroundings(programs, staff, protocols)


@lru_cache(maxsize=256)
def _protocol(published: str) -> Protocol:
    return Protocol(published)


@dataclass
class Dossier:
    """One referral and all that hangs on it. The names of the lists are those of the tables."""

    referral: Any
    around: Surroundings
    where: Where
    tables: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    @property
    def protocol(self) -> Protocol:
        """The protocol that it follows now."""
        return self.around.protocols[self.referral.protocol_id]


def read_dossiers(connection: Connection, around: Surroundings, ids: Sequence[str]) -> list[Dossier]:
    """Everything about these referrals; one that is not there any more is left out."""
    zones = text("SELECT r.id, p.zone FROM referral r JOIN person p ON p.id = r.person_id WHERE r.id IN :ids")
    asked = zones.bindparams(bindparam("ids", expanding=True))
    zone_of: dict[str, str] = {referral_id: zone for referral_id, zone in connection.execute(asked, {"ids": ids})}
    found = {}
    for row in read(connection, "referral", ids):
        program = around.programs[row.program_id]
        found[row.id] = Dossier(row, around, _where(zone_of[row.id], program.offices))
    for table in TABLES:
        if table == "referral":
            continue
        of = _reading(table).row._fields.index(_OF.get(table, "referral_id"))
        for row in read(connection, table, ids):
            found[row[of]].tables[table].append(row)
    for dossier in found.values():
        if dossier.tables["person_text"]:
            _read_what_was_said_of_texts(connection, dossier)
    return list(found.values())


def _read_what_was_said_of_texts(connection: Connection, dossier: Dossier) -> None:
    """What the person, and whoever has their numbers, said about texts."""
    texts = dossier.tables["person_text"]
    asked: dict[str, tuple[str, set[str]]] = {
        "text_permission": ("id person_id number_mark version is_given at!", {row.person_id for row in texts}),
        "number_answer": ("id number_mark version is_stop at!", {row.number_mark for row in texts}),
    }
    for table, (columns, keys) in asked.items():
        of = "person_id" if table == "text_permission" else "number_mark"
        dossier.tables[table] = _rows(connection, _made(table, columns, of), sorted(keys))


@lru_cache(maxsize=1024)
def _where(zone: str, offices: Offices) -> Where:
    return Where(zone, offices)


def parsed(kept: Any) -> datetime | None:
    """An instant as the journal tells it."""
    return datetime.fromisoformat(kept) if kept else None


def all_of(dossiers: Iterable[Dossier], table: str) -> Iterable[Any]:
    """The rows of a table of several referrals."""
    return (row for one in dossiers for row in one.tables[table])
