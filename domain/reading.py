"""Which looks at records are unusual: rules about who, when and whom, over what the journal of readings holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.vocabulary import Unusual

MANY = 30
"""So many different records within an hour are many (project choice): a bridger carries 15, a board shows about 50."""
MANY_FOR_SYSTEM = 300
"""The same for another organization's system (project choice): it keeps a facility's list up to date, about 100 people
several times an hour, and never looks further."""
NIGHT_FROM, NIGHT_UNTIL = 22, 5
"""Hours of the program's wall clock that count as night (project choice)."""
WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Look:
    """One look, with what must be known to judge it."""

    at: datetime
    staff_id: str
    record_id: str
    reader_family: str
    person_family: str
    is_theirs: bool
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SystemLook:
    """One look by another organization's system. It works at night and has no name, and sees its facility's people by
    one rule: what may be unusual is how many, and from where. `record_id` is empty for a list."""

    at: datetime
    system_id: str
    record_id: str
    address: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something unusual that one reader did on one day: which rule, how often, when last."""

    kind: Unusual
    staff_id: str
    count: int
    last_at: datetime
    record_ids: tuple[str, ...]


L = TypeVar("L", Look, SystemLook)


def find_unusual(looks: Iterable[Look], zone: str) -> list[Finding]:
    """Everything unusual, a finding for each rule, reader and day; the latest first."""
    local = ZoneInfo(zone)
    grouped: dict[tuple[Unusual, str, object], list[Look]] = defaultdict(list)
    by_reader: dict[str, list[Look]] = defaultdict(list)
    for look in sorted(looks, key=lambda one: one.at):
        by_reader[look.staff_id].append(look)
        wall = look.at.astimezone(local)
        for kind in _kinds(look, wall):
            grouped[kind, look.staff_id, wall.date()].append(look)
    for staff_id, mine in by_reader.items():
        for look in _many(mine, MANY):
            grouped[Unusual.MANY, staff_id, look.at.astimezone(local).date()].append(look)
    found = [
        Finding(kind, staff_id, len({o.record_id for o in ones}), ones[-1].at,
                tuple(dict.fromkeys(o.record_id for o in ones)))
        for (kind, staff_id, _), ones in grouped.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.last_at, one.kind.value), reverse=True)


def find_unusual_of_systems(looks: Iterable[SystemLook], known: Iterable[tuple[str, str]], zone: str) -> list[Finding]:
    """What is unusual of systems, a finding for each rule, system and day. `known`: from which addresses each was used
    before these looks; where it was used first is no news, where it is used on a later day is known from then on."""
    local = ZoneInfo(zone)
    used: dict[str, set[str]] = defaultdict(set)
    for system_id, address in known:
        used[system_id].add(address)
    by_system: dict[str, list[SystemLook]] = defaultdict(list)
    for look in sorted(looks, key=lambda one: one.at):
        by_system[look.system_id].append(look)
    grouped: dict[tuple[Unusual, str, object], list[SystemLook]] = defaultdict(list)
    for system_id, mine in by_system.items():
        before = used[system_id] or {mine[0].address}
        day, today = mine[0].at.astimezone(local).date(), set[str]()
        for look in mine:
            if (date := look.at.astimezone(local).date()) != day:
                before, day, today = before | today, date, set()
            today.add(look.address)
            if look.address not in before:
                grouped[Unusual.ELSEWHERE, system_id, day].append(look)
        for look in _many([one for one in mine if one.record_id], MANY_FOR_SYSTEM):
            grouped[Unusual.MANY, system_id, look.at.astimezone(local).date()].append(look)
    return [
        Finding(kind, system_id, len(ones) if kind is Unusual.ELSEWHERE else len({one.record_id for one in ones}),
                ones[-1].at, tuple(dict.fromkeys(one.record_id for one in ones if one.record_id)))
        for (kind, system_id, _), ones in grouped.items()
    ]  # fmt: skip


def find_links(made: Iterable[tuple[datetime, str, str]], zone: str) -> list[Finding]:
    """Links that somebody made for another's password, as (when, who, for whom): a finding for each maker and day."""
    grouped: dict[tuple[str, object], list[tuple[datetime, str]]] = defaultdict(list)
    for at, maker, whose in sorted(made):
        grouped[maker, at.astimezone(ZoneInfo(zone)).date()].append((at, whose))
    return [
        Finding(Unusual.LINK, maker, len(ones), ones[-1][0], tuple(dict.fromkeys(whose for _, whose in ones)))
        for (maker, _), ones in grouped.items()
    ]


def _kinds(look: Look, wall: datetime) -> Iterable[Unusual]:
    if wall.hour >= NIGHT_FROM or wall.hour < NIGHT_UNTIL:
        yield Unusual.NIGHT
    if look.reader_family and look.reader_family == look.person_family:
        yield Unusual.SAME_NAME
    if not look.is_theirs:
        yield Unusual.NOT_THEIRS
    if look.ended_at is not None and look.at > look.ended_at:
        yield Unusual.AFTER_CLOSING


def _many(looks: list[L], most: int) -> list[L]:
    """The looks of every hour in which one reader opened more than `most` different records."""
    found: list[L] = []
    times: dict[str, int] = defaultdict(int)
    begin = taken = 0
    for end, look in enumerate(looks):
        times[look.record_id] += 1
        while look.at - looks[begin].at > WITHIN:
            times[looks[begin].record_id] -= 1
            if not times[looks[begin].record_id]:
                del times[looks[begin].record_id]
            begin += 1
        if len(times) > most:
            found += looks[max(begin, taken) : end + 1]
            taken = end + 1
    return found
