"""What a planner sees of their facility's referrals: where each stands, and no more than the person agreed to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Literal

from sqlalchemy import case, func, or_
from sqlmodel import Session, col, select

from domain.agenda import promised_by
from domain.case import Case
from domain.contact import LIVE_MODES
from domain.vocabulary import (
    OPEN_STATUSES,
    OVER_STATUSES,
    ContactState,
    Outcome,
    ReferralStatus,
)
from records.access import Actor, visible
from records.marks import is_named, may_be_named, split
from records.queries.consents import covers_telling, told_about
from records.queries.people import Likeness
from records.queries.protocols import calendar_of, protocol_of
from records.tables import (
    Attempt,
    Contact,
    Facility,
    Person,
    PersonIdentifier,
    Program,
    Referral,
    Staff,
)

Show = Literal["open", "closed", "drafts"]
_STATUSES = {"open": OPEN_STATUSES, "closed": OVER_STATUSES, "drafts": {ReferralStatus.DRAFT}}
PAGE_SIZE = 25
MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one referral stands for its planner.

    `next_contact` is there only as far as the person's consent covers telling the facility how it goes (`is_told`).
    """

    referral: Referral
    person: Person
    bridger: str
    planner: str
    promised_by: datetime | None
    next_contact: Contact | None
    is_told: bool


@dataclass(frozen=True, slots=True)
class Standings:
    """One page of a list, and how many there are in each."""

    rows: list[Standing]
    counts: dict[str, int]
    page: int
    pages: int


def list_standings(session: Session, actor: Actor, now: datetime, show: Show = "open", page: int = 1) -> Standings:
    """The referrals of a planner's facility: unanswered first and the longest wait on top, then the newest."""
    counts = _counts(session, actor)
    pages = max(-(-counts[show] // PAGE_SIZE), 1)
    page = min(max(page, 1), pages)
    unanswered = case((col(Referral.status) == ReferralStatus.SUBMITTED, 0), else_=1)
    waiting_since = case((col(Referral.status) == ReferralStatus.SUBMITTED, col(Referral.submitted_at)), else_=None)
    order: tuple[Any, ...] = (
        unanswered,
        waiting_since,
        func.coalesce(Referral.ended_at, Referral.created_at).desc(),
        col(Referral.id),
    )
    found = session.exec(
        select(Referral, Person)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(visible(actor), col(Referral.status).in_(_STATUSES[show]))
        .order_by(*order)
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    ).all()
    return Standings(_standings(session, actor, now, found), counts, page, pages)


def find_standings(session: Session, actor: Actor, now: datetime, words: str) -> list[Standing]:
    """The referrals, open and closed, of people whose names begin with these words; or the one with this number."""
    asked, number = split(words)[:5], words.casefold().strip()
    if not asked:
        return []
    has_number = func.lower(Referral.number) == number
    columns: tuple[Any, ...] = (Referral.id, has_number, Person.given_name, Person.family_name, Person.preferred_name)
    alike = session.exec(
        select(*columns)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(visible(actor), or_(may_be_named(actor.program_id, asked), has_number))
        .order_by(col(Referral.created_at).desc(), col(Referral.id))
    )
    named = (referral_id for referral_id, is_it, *names in alike if is_it or is_named(names, asked))
    ids = list(islice(named, MOST_FOUND))
    found = session.exec(
        select(Referral, Person)
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(col(Referral.id).in_(ids))
        .order_by(col(Referral.created_at).desc(), col(Referral.id))
    ).all()
    return _standings(session, actor, now, found)


def standing_of(session: Session, actor: Actor, now: datetime, referral: Referral) -> Standing:
    """One of them; the caller has passed the gate."""
    return _standings(session, actor, now, [(referral, session.get_one(Person, referral.person_id))])[0]


def _counts(session: Session, actor: Actor) -> dict[str, int]:
    grouped = select(Referral.status, func.count()).where(visible(actor)).group_by(col(Referral.status))
    by_status = Counter(dict(session.exec(grouped).all()))
    return {show: sum(by_status[status] for status in statuses) for show, statuses in _STATUSES.items()}


def _standings(
    session: Session, actor: Actor, now: datetime, found: Iterable[tuple[Referral, Person]]
) -> list[Standing]:
    pairs = list(found)
    program = session.get_one(Program, actor.program_id)
    staff = _staff(session, (s for r, _ in pairs for s in (r.bridger_id, r.planner_id)))
    told = told_about(session, [r.id for r, _ in pairs], now)
    contacts = _next_contacts(session, [r.id for r, _ in pairs if r.id in told and r.status.is_open])
    return [
        Standing(
            referral=referral,
            person=person,
            bridger=staff[referral.bridger_id].first_name if referral.bridger_id in staff else "",
            planner=staff[referral.planner_id].name if referral.planner_id in staff else "",
            promised_by=_promised(session, referral, person, program),
            next_contact=contacts.get(referral.id),
            is_told=referral.id in told,
        )
        for referral, person in pairs
    ]


def _staff(session: Session, ids: Iterable[str | None]) -> dict[str | None, Staff]:
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    return {staff.id: staff for staff in session.exec(select(Staff).where(col(Staff.id).in_(wanted)))}


def _next_contacts(session: Session, referral_ids: list[str]) -> dict[str, Contact]:
    if not referral_ids:
        return {}
    rows = session.exec(
        select(Contact)
        .where(col(Contact.referral_id).in_(referral_ids), Contact.state == ContactState.PLANNED)
        .order_by(col(Contact.due_at).desc(), col(Contact.id))
    )
    return {row.referral_id: row for row in rows}  # the soonest comes last and stays


def _promised(session: Session, referral: Referral, person: Person, program: Program) -> datetime | None:
    if referral.status not in (ReferralStatus.SUBMITTED, ReferralStatus.ACCEPTED):
        return None
    return promised_by(
        Case(
            referral_id=referral.id,
            status=referral.status,
            protocol=protocol_of(session, referral.protocol_id),
            zone=person.zone,
            calendar=calendar_of(program),
            submitted_at=referral.submitted_at or referral.created_at,
            accepted_at=referral.accepted_at,
            discharged_at=referral.discharged_at,
            notice_at=referral.notice_at,
            assigned_since=referral.assigned_since if referral.bridger_id else None,
        )
    )


def first_reached_at(session: Session, referral: Referral, now: datetime) -> datetime | None:
    """When the person was first reached after leaving, as far as their consent covers telling it."""
    if referral.discharged_at is None or not covers_telling(session, referral, now):
        return None
    return session.exec(
        select(func.min(Attempt.at)).where(
            Attempt.referral_id == referral.id,
            col(Attempt.is_retracted).is_(False),
            Attempt.outcome == Outcome.REACHED,
            col(Attempt.mode).in_(LIVE_MODES),
            col(Attempt.at) >= referral.discharged_at,
        )
    ).one()


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody on record who may be the person being typed. Of somebody whom another facility referred it says only
    what is alike: neither who they are nor whether the program supports them is this planner's to see.

    `may_be_chosen`: whether the planner can say that it is the same person, who is one of theirs or just as typed.
    """

    person_id: str
    reasons: tuple[str, ...]
    is_ours: bool
    may_be_chosen: bool
    name: str = ""
    birth_on: date | None = None
    is_open: bool = False
    number: str = ""
    referral_id: str = ""


def alikes(session: Session, actor: Actor, found: Sequence[Likeness]) -> list[Alike]:
    """The likely doubles as this planner may see them: numbers and links for their own facility's referrals alone."""
    ids = [likeness.person.id for likeness in found]
    if not ids:
        return []
    ours: dict[str, Referral] = {}
    for referral in session.exec(
        select(Referral)
        .where(col(Referral.person_id).in_(ids), visible(actor))
        .order_by(col(Referral.status).in_(OPEN_STATUSES), col(Referral.created_at))
    ):
        ours[referral.person_id] = referral
    return [_alike(likeness, ours.get(likeness.person.id)) for likeness in found]


def _alike(likeness: Likeness, mine: Referral | None) -> Alike:
    person = likeness.person
    if mine is None:
        return Alike(person.id, likeness.reasons, is_ours=False, may_be_chosen=likeness.is_certain)
    return Alike(
        person_id=person.id,
        reasons=likeness.reasons,
        is_ours=True,
        may_be_chosen=True,
        name=f"{person.given_name} {person.family_name}",
        birth_on=person.birth_on,
        is_open=mine.status in OPEN_STATUSES,
        number=mine.number,
        referral_id=mine.id,
    )


def list_identifiers(session: Session, person_id: str) -> list[PersonIdentifier]:
    """The numbers by which a person is known. The caller has passed the gate of one of the person's referrals."""
    rows = select(PersonIdentifier).where(PersonIdentifier.person_id == person_id)
    return list(session.exec(rows.order_by(col(PersonIdentifier.id))))


def list_facilities(session: Session, actor: Actor) -> list[Facility]:
    """The facilities that this actor may refer from: their own, or every active one of the program."""
    query = select(Facility).where(Facility.program_id == actor.program_id, col(Facility.is_active))
    if actor.facility_id is not None:
        query = query.where(Facility.id == actor.facility_id)
    return list(session.exec(query.order_by(func.lower(Facility.name))))


def list_own_staff(session: Session, facility_id: str) -> set[str]:
    """The names of everybody who works at a facility."""
    return set(session.exec(select(Staff.name).where(Staff.facility_id == facility_id)).all())
