"""The protocol that a case follows, and the calendar of its program; both kept once loaded, since neither changes."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import holidays
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from domain.clock import Calendar
from domain.errors import Invalid
from domain.protocol import Protocol, default_protocols, parse_protocol
from domain.vocabulary import Setting
from records.engine import OF_TRANSACTION
from records.tables import Program, ProtocolVersion

UNSCHEDULED, ON_HOLD, HANDOVER = "unscheduled", "on-hold", "handover"
_loaded: dict[str, Protocol] = {}


def protocol_of(session: Session, protocol_id: str) -> Protocol:
    """The published protocol with this id. A published version never changes, so it is read once a process."""
    found = _loaded.get(protocol_id)
    if found is None:
        row = session.get_one(ProtocolVersion, protocol_id)
        found = _loaded[protocol_id] = parse_protocol(row.text)
    return found


def find_newest(session: Session, program_id: str, key: str) -> ProtocolVersion | None:
    """The newest published version of a program's protocol."""
    return session.exec(
        select(ProtocolVersion)
        .where(ProtocolVersion.program_id == program_id, ProtocolVersion.key == key)
        .order_by(col(ProtocolVersion.version).desc())
        .limit(1)
    ).first()


_OF_PROGRAM = (
    select(ProtocolVersion.id, ProtocolVersion.key)
    .where(col(ProtocolVersion.program_id) == bindparam("program_id"))
    .order_by(col(ProtocolVersion.key), col(ProtocolVersion.version).desc())
)


def newest_for_setting(session: Session, program_id: str, setting: Setting) -> str:
    """The id of the newest protocol for people leaving this setting. Raises Invalid when the program has none."""
    known: dict[Any, str] = session.info.setdefault(OF_TRANSACTION, {})
    if (program_id, setting) in known:
        return known[program_id, setting]
    seen: set[str] = set()
    for protocol_id, key in session.connection().execute(_OF_PROGRAM, {"program_id": program_id}):
        if key not in seen and setting in protocol_of(session, protocol_id).settings:
            known[program_id, setting] = protocol_id
            return protocol_id
        seen.add(key)
    raise Invalid("no_protocol", "This program has no protocol for that setting yet. Ask its manager.", field="setting")


def overlay(key: str) -> Protocol:
    """The shipped protocol that lies on top: for unscheduled leaving, for holds, for a change of bridger."""
    return default_protocols()[key]


def overlays() -> tuple[Protocol, ...]:
    """The protocols that lie on top of every case's own, each for when it applies."""
    return tuple(overlay(key) for key in (UNSCHEDULED, ON_HOLD, HANDOVER))


def calendar_of(program: Program) -> Calendar:
    """The days on which the program's offices are closed: public holidays and its own."""
    return _calendar(program.country, program.subdivision, tuple(program.closed_on))


@lru_cache(maxsize=256)
def _calendar(country: str, subdivision: str, closed_on: tuple[str, ...]) -> Calendar:
    days = {date.fromisoformat(day) for day in closed_on}
    if country:
        years = range(_FIRST_YEAR, _FIRST_YEAR + 60)
        days.update(holidays.country_holidays(country, subdiv=subdivision or None, years=years))
    return Calendar(frozenset(days))


_FIRST_YEAR = 2000
