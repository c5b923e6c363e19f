"""Turning rows into what matching looks at (`domain/matching.py`): the person's need, the program's bridgers."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from sqlalchemy import BindParameter, bindparam
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, func, select

from domain import match_facts as facts
from domain.match_facts import Candidate, Clearance, Limits, Need, Ranking
from domain.matching import rank
from domain.vocabulary import OfferState, Setting
from records.queries.case import CaseRows
from records.tables import Absence, Assignment, Bridger, Contact, Facility, Offer, Program, Referral, Staff


def rank_for(session: Session, rows: CaseRows, now: datetime) -> Ranking:
    """Every bridger of the program for this case, best first, and those who cannot be asked with the reasons."""
    return candidates_ranked(session, rows, now)[1]


def candidates_ranked(session: Session, rows: CaseRows, now: datetime) -> tuple[list[Candidate], Ranking]:
    """The same, with what is known of each bridger."""
    everybody = candidates_for(session, rows)
    return everybody, rank(need_of(rows), everybody, now, limits_of(rows.program))


def limits_of(program: Program) -> Limits:
    """The program's limits of caseload and supervision."""
    return Limits(program.caseload_limit, program.supervisor_limit)


def need_of(rows: CaseRows) -> Need:
    """What this person asks of a bridger."""
    referral, person = rows.referral, rows.person
    before_leaving = referral.discharged_at is None
    return Need(
        person_id=person.id,
        program_id=referral.program_id,
        setting=referral.setting,
        zone=person.zone,
        area=person.area,
        facility_id=referral.facility_id,
        needs_in_reach=before_leaving and _asks_in_reach(rows) and _needs_clearance(rows),
        meets_by=min((c.due_at for c in rows.contacts if _is_in_reach(rows, c)), default=None)
        if before_leaving
        else None,
        leaves_at=referral.discharged_at or rows.facts().expected_at,
        language=person.language,
        language_strength=person.language_strength,
        gender=person.bridger_gender,
        gender_strength=person.bridger_gender_strength,
        protective_orders=frozenset(o["bridger_id"] for o in person.protective_orders if o.get("bridger_id")),
        visits_in_pairs="visit_in_pairs" in person.safety_flags,
    )


def _needs_clearance(rows: CaseRows) -> bool:
    facility = rows.session.get(Facility, rows.referral.facility_id)
    return facility is not None and facility.needs_clearance


def _asks_in_reach(rows: CaseRows) -> bool:
    return any(rule.due.after == "acceptance" and rule.due.not_after for rule in rows.protocol.contacts)


def _is_in_reach(rows: CaseRows, contact: Contact) -> bool:
    """Whether this is the meeting before leaving, and is still to come."""
    rule = rows.rule(contact.key) if contact.state.is_awaited else None
    return rule is not None and rule.due.after == "acceptance" and rule.due.not_after is not None


_OF_PROGRAM: BindParameter[str] = bindparam("program_id")
_LOADS = (
    sa_select(col(Assignment.bridger_id), func.count().label("many"))
    .where(col(Assignment.program_id) == _OF_PROGRAM, col(Assignment.ended_at).is_(None))
    .group_by(col(Assignment.bridger_id))
    .subquery("load")
)
_OPEN_OFFERS = (
    sa_select(col(Offer.bridger_id), func.count().label("many"))
    .where(col(Offer.program_id) == _OF_PROGRAM, col(Offer.state) == OfferState.OPEN)
    .group_by(col(Offer.bridger_id))
    .subquery("asked")
)
_BRIDGERS = (  # values, not entities: they are only looked at, and making entities of them takes as long again
    sa_select(
        *(getattr(Bridger, name) for name in Bridger.model_fields),
        col(Staff.name),
        col(Staff.supervisor_id),
        col(Staff.is_active),
        func.coalesce(_LOADS.c.many, 0).label("caseload"),
        func.coalesce(_OPEN_OFFERS.c.many, 0).label("open_offers"),
    )
    .join(Staff, col(Staff.id) == col(Bridger.staff_id))
    .outerjoin(_LOADS, _LOADS.c.bridger_id == col(Bridger.staff_id))
    .outerjoin(_OPEN_OFFERS, _OPEN_OFFERS.c.bridger_id == col(Bridger.staff_id))
    .where(col(Bridger.program_id) == _OF_PROGRAM)
)
_ABSENCES = select(Absence.bridger_id, Absence.from_at, Absence.until_at).where(
    col(Absence.program_id) == _OF_PROGRAM, col(Absence.ended_at).is_(None)
)
_FORMER_BRIDGERS = (
    select(Assignment.bridger_id)
    .join(Referral, col(Referral.id) == col(Assignment.referral_id))
    .where(col(Referral.person_id) == bindparam("person_id"))
)


def candidates_for(session: Session, rows: CaseRows) -> list[Candidate]:
    """The bridgers of the program as matching sees them, in a bounded number of queries."""
    program_id, person_id = rows.referral.program_id, rows.person.id
    of_program, of_person = {"program_id": program_id}, {"person_id": person_id}
    bridgers = session.execute(_BRIDGERS, of_program).all()
    absences: dict[str, list[facts.Absence]] = defaultdict(list)
    for bridger_id, from_at, until_at in session.exec(_ABSENCES, params=of_program):
        absences[bridger_id].append(facts.Absence(from_at, until_at))
    known = set(session.exec(_FORMER_BRIDGERS, params=of_person).all())
    answered = {o.bridger_id for o in rows.offers if o.state in (OfferState.DECLINED, OfferState.EXPIRED)}
    return [
        Candidate(
            id=bridger.staff_id,
            program_id=bridger.program_id,
            name=bridger.name,
            languages=frozenset(bridger.languages),
            gender=bridger.gender,
            lived_experience=frozenset(Setting(s) for s in bridger.lived_experience),
            areas=frozenset(bridger.areas),
            clearances=tuple(_clearance(c) for c in bridger.clearances),
            caseload=bridger.caseload,
            open_offers=bridger.open_offers,
            caseload_limit=bridger.caseload_limit,
            absences=tuple(absences[bridger.staff_id]),
            conflicts=frozenset(c["person_id"] for c in bridger.conflicts),
            supervisor_id=bridger.supervisor_id or "",
            previously_bridged=frozenset({person_id}) if bridger.staff_id in known else frozenset(),
            has_answered=bridger.staff_id in answered,
            is_active=bridger.is_active and bridger.is_taking_people,
        )
        for bridger in bridgers
    ]


def _clearance(raw: dict[str, str]) -> Clearance:
    until = raw.get("until")
    return Clearance(raw["facility_id"], date.fromisoformat(until) if until else None)
