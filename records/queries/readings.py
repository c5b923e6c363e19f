"""What the privacy officer asks: who looked at this person, what did this user look at, and what is unusual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, func, or_, select

from domain.errors import NotFound
from domain.reading import Finding, Look, SystemLook, find_links, find_unusual, find_unusual_of_systems
from domain.vocabulary import Role
from records import clock
from records.access import Actor
from records.marks import may_be_named, split
from records.tables import (
    Assignment,
    BrokenGlass,
    EscalationTold,
    JournalEntry,
    Person,
    Reading,
    Referral,
    Staff,
    SystemToken,
)

PAGE = 100
MOST_NAMESAKES = 500
LOOKED_AT_AT_ONCE = 50_000
"""So many looks are judged at once; a program of 50 people makes about 5,000 a day. Those of systems by themselves."""
KNOWN_SINCE = timedelta(days=30)
"""From where a system was used so long before is known."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One line: who, at whose record, when, by which page, from where."""

    reading: Reading
    reader: str
    number: str


def list_looks(
    session: Session, actor: Actor, *, person_id: str = "", staff_id: str = "", offset: int = 0, limit: int = PAGE
) -> list[Looked]:
    """The looks at one person, or of one member of staff, the latest first; one more than `limit`."""
    about: list[ColumnElement[bool]] = [col(Reading.program_id) == actor.program_id]
    if person_id:
        theirs = select(Referral.id).where(Referral.person_id == person_id)
        about.append(or_(col(Reading.person_id) == person_id, col(Reading.referral_id).in_(theirs)))
    if staff_id:
        about.append(col(Reading.staff_id) == staff_id)
    rows = session.exec(
        select(Reading, Staff.name, Referral.number, SystemToken)
        .outerjoin(Staff, col(Staff.id) == col(Reading.staff_id))
        .outerjoin(SystemToken, col(SystemToken.id) == col(Reading.staff_id))
        .outerjoin(Referral, col(Referral.id) == col(Reading.referral_id))
        .where(*about)
        .order_by(col(Reading.at).desc(), col(Reading.id).desc())
        .offset(offset)
        .limit(limit + 1)
    ).all()
    return [
        Looked(reading, system.shown_name if system is not None else name or "", number or "")
        for reading, name, number, system in rows
    ]


def find_people(session: Session, actor: Actor, words: str, limit: int = 20) -> list[tuple[Person, Sequence[str]]]:
    """People by name or by a referral's number, each with the numbers of their referrals."""
    wanted, asked = words.strip().lower(), split(words)
    if not asked:
        return []
    by_number = select(Referral.person_id).where(
        func.lower(Referral.number) == wanted, Referral.program_id == actor.program_id
    )
    alike = session.exec(
        select(Person.id, Person.given_name, Person.family_name, col(Person.id).in_(by_number)).where(
            Person.program_id == actor.program_id,
            or_(may_be_named(actor.program_id, asked), col(Person.id).in_(by_number)),
        )
    )
    ids = [
        person_id
        for person_id, given, family, has_number in alike
        if has_number or asked in (split(family), split(f"{given} {family}"))
    ]
    found = session.exec(select(Person).where(col(Person.id).in_(ids[:MOST_NAMESAKES]))).all()
    people = sorted(found, key=lambda p: (p.family_name.casefold(), p.given_name.casefold(), p.id))[:limit]
    numbers: dict[str, list[str]] = defaultdict(list)
    known = select(Referral.person_id, Referral.number).where(col(Referral.person_id).in_([p.id for p in people]))
    for person_id, number in session.exec(known.order_by(col(Referral.number))):
        numbers[person_id].append(number)
    return [(person, numbers[person.id]) for person in people]


def get_person(session: Session, actor: Actor, person_id: str) -> Person:
    """Somebody whose readings are asked about. Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None or person.program_id != actor.program_id:
        raise NotFound("That person")
    return person


def get_reader_name(session: Session, actor: Actor, reader_id: str) -> str:
    """The name of a member of staff of the program, former ones too, or of a system. Raises NotFound."""
    row = session.get(Staff, reader_id) or session.get(SystemToken, reader_id)
    if row is None or row.program_id != actor.program_id:
        raise NotFound("That member of staff")
    return row.shown_name if isinstance(row, SystemToken) else row.name


def list_readers(session: Session, actor: Actor) -> list[Staff]:
    """Everybody of the program, by name, former ones last."""
    rows = session.exec(select(Staff).where(Staff.program_id == actor.program_id))
    return sorted(rows, key=lambda row: (not row.is_active, row.name, row.id))


def system_names(session: Session, actor: Actor) -> dict[str, str]:
    """The names of the program's systems by their ids, former ones too."""
    rows = session.exec(select(SystemToken).where(SystemToken.program_id == actor.program_id))
    return {row.id: row.shown_name for row in rows}


def list_glass(session: Session, actor: Actor, limit: int = 50) -> list[tuple[BrokenGlass, str, str]]:
    """Who broke the glass, for which referral: what nobody took note of first, then the latest."""
    rows = session.exec(
        select(BrokenGlass, Staff.name, Referral.number)
        .join(Staff, col(Staff.id) == col(BrokenGlass.staff_id))
        .join(Referral, col(Referral.id) == col(BrokenGlass.referral_id))
        .where(BrokenGlass.program_id == actor.program_id)
        .order_by(col(BrokenGlass.looked_at).is_not(None), col(BrokenGlass.at).desc())
        .limit(limit)
    ).all()
    return [(row, name, number) for row, name, number in rows]


def list_unusual(session: Session, actor: Actor, since: datetime, zone: str) -> list[Finding]:
    """Everything unusual since then, the latest first; `record_ids` are ids of people, and of staff for a link."""
    found = [
        *_unusual_looks(session, actor, since, zone),
        *_unusual_of_systems(session, actor, since, zone),
        *find_links(_links_made(session, actor, since), zone),
    ]
    return sorted(found, key=lambda one: (one.last_at, one.kind.value), reverse=True)


def _links_made(session: Session, actor: Actor, since: datetime) -> list[tuple[datetime, str, str]]:
    """Links for the password of somebody who had one; a first invitation is nothing unusual."""
    rows = session.exec(
        select(JournalEntry).where(
            JournalEntry.program_id == actor.program_id,
            JournalEntry.event == "staff.invited",
            col(JournalEntry.at) >= since,
        )
    )
    return [(row.at, row.actor, row.subject_id) for row in rows if row.data.get("has_password")]


def _unusual_looks(session: Session, actor: Actor, since: datetime, zone: str) -> list[Finding]:
    rows = session.exec(
        select(Reading, Staff, Referral, Person)
        .join(Staff, col(Staff.id) == col(Reading.staff_id))
        .outerjoin(Referral, col(Referral.id) == col(Reading.referral_id))
        .outerjoin(Person, or_(col(Person.id) == col(Reading.person_id), col(Person.id) == col(Referral.person_id)))
        .where(Reading.program_id == actor.program_id, col(Reading.at) >= since, col(Reading.at) <= clock.now())
        .order_by(col(Reading.at).desc())
        .limit(LOOKED_AT_AT_ONCE)
    ).all()
    referral_ids = {referral.id for _, _, referral, _ in rows if referral is not None}
    ties = _ties(session, referral_ids)
    team = dict(session.exec(select(Staff.id, Staff.supervisor_id).where(Staff.program_id == actor.program_id)).all())
    return find_unusual(
        (
            Look(
                at=reading.at,
                staff_id=reader.id,
                record_id=person.id,
                reader_family=reader.name.split()[-1].casefold() if reader.name.split() else "",
                person_family=person.family_name.casefold(),
                is_theirs=not reading.glass_id
                and (referral is None or _is_theirs(reader, referral, ties[referral.id], team)),
                ended_at=_ended_for(reader, referral),
            )
            for reading, reader, referral, person in rows
            if person is not None
        ),
        zone,
    )


def _unusual_of_systems(session: Session, actor: Actor, since: datetime, zone: str) -> list[Finding]:
    of_systems = select(SystemToken.id).where(SystemToken.program_id == actor.program_id)
    theirs = col(Reading.program_id) == actor.program_id, col(Reading.staff_id).in_(of_systems)
    rows = session.execute(
        sa_select(
            col(Reading.at),
            col(Reading.staff_id),
            col(Reading.person_id),
            col(Referral.person_id),
            col(Reading.address),
        )
        .outerjoin(Referral, col(Referral.id) == col(Reading.referral_id))
        .where(*theirs, col(Reading.at) >= since, col(Reading.at) <= clock.now())
        .order_by(col(Reading.at).desc())
        .limit(LOOKED_AT_AT_ONCE)
    ).all()
    before = select(Reading.staff_id, Reading.address).where(
        *theirs, col(Reading.at) < since, col(Reading.at) >= since - KNOWN_SINCE
    )
    looks = [SystemLook(at, by, person or other or "", address) for at, by, person, other, address in rows]
    return find_unusual_of_systems(looks, session.exec(before.distinct()).all(), zone) if looks else []


def _ties(session: Session, referral_ids: set[str]) -> dict[str, set[str]]:
    """Who ever walked with the person of a referral, or was called about them."""
    found: dict[str, set[str]] = defaultdict(set)
    for table, who in ((Assignment, col(Assignment.bridger_id)), (EscalationTold, col(EscalationTold.staff_id))):
        for referral_id, staff_id in session.exec(
            select(col(table.referral_id), who).where(col(table.referral_id).in_(referral_ids))
        ):
            found[referral_id].add(staff_id)
    return found


def _is_theirs(reader: Staff, referral: Referral, tied: set[str], team: dict[str, str | None]) -> bool:
    """Managers see the program, planners their facility, supervisors whom nobody has; everybody else needs a tie."""
    if reader.has(Role.MANAGER) or reader.id in tied or reader.id in (referral.owner_id, referral.planner_id):
        return True
    if reader.has(Role.PLANNER) and reader.facility_id == referral.facility_id:
        return True
    return reader.has(Role.SUPERVISOR) and (
        referral.bridger_id is None or any(team.get(staff_id) == reader.id for staff_id in tied)
    )


def _ended_for(reader: Staff, referral: Referral | None) -> datetime | None:
    """When the case ended for this reader: whoever filed it reads the report afterwards, which is what it is for."""
    return None if referral is None or reader.has(Role.PLANNER) else referral.ended_at
