"""What there is to tell somebody outside, category by category; and to whom the consents allow to tell anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from domain.consent import Consent, Recipient, latest_versions, may_disclose, name_key
from domain.languages import language_name
from domain.sensitivity import FIELDS
from domain.spoken import spoken, spoken_far_date
from domain.vocabulary import (
    Category,
    ContactState,
    Need,
    Outcome,
    Purpose,
    RecipientKind,
    RiskFlag,
)
from records.queries.case import CaseRows
from records.tables import Disclosure

OUTSIDE = (RecipientKind.TREATING, RecipientKind.CONTACT, RecipientKind.ORGANIZATION, RecipientKind.JUSTICE)
"""Whom people of the program tell by themselves; a facility hears by its pages and messages."""
TELLABLE = tuple(category for category in Category if category not in (Category.REQUEST, Category.COUNSELING_NOTES))
"""Counseling notes are not kept here, so there is nothing of them to tell."""

Fact = tuple[str, str]
PHONE = "Phone"
"""The term of numbers, which are kept as E.164."""


@dataclass(frozen=True, slots=True)
class MayHear:
    """Somebody to whom an active consent allows to tell something, for one purpose. Without a name: a class."""

    kind: RecipientKind
    name: str
    purpose: Purpose
    categories: tuple[Category, ...]


def list_who_may_hear(consents: Iterable[Consent], now: datetime) -> list[MayHear]:
    """Everybody outside who may be told something now, and what: exactly what the gate would let through."""
    everything = list(consents)
    asked: dict[tuple[RecipientKind, str, Purpose], str] = {}
    for consent in latest_versions(everything, now):
        for grant in consent.grants:
            if grant.to in OUTSIDE:
                asked.setdefault((grant.to, name_key(grant.name), grant.purpose), grant.name)
    found = []
    for (kind, _, purpose), name in asked.items():
        to = Recipient(kind, name)
        allowed = tuple(c for c in TELLABLE if may_disclose(everything, to, c, purpose, now).is_allowed)
        if allowed:
            found.append(MayHear(kind, name, purpose, allowed))
    return sorted(found, key=lambda one: (OUTSIDE.index(one.kind), name_key(one.name), one.purpose))


def facts_of(rows: CaseRows, category: Category, now: datetime) -> list[Fact]:
    """What there is of one category, as (term, words). Never a note, an illness, a ward or a jail."""
    return [(term, words) for term, words in _FACTS[category](rows, now) if words]


def _attendance(rows: CaseRows, now: datetime) -> list[Fact]:
    states = [contact.state for contact in rows.contacts]
    reached = [attempt.at for attempt in rows.attempts if attempt.outcome is Outcome.REACHED]
    counts = (
        ("Contacts kept in time", ContactState.MET),
        ("Contacts kept late", ContactState.MET_LATE),
        ("Contacts missed", ContactState.MISSED),
    )
    found = [(term, str(states.count(state))) for term, state in counts]
    return [*found, ("Last contact", spoken(max(reached), rows.person.zone, now) if reached else "None yet")]


def _standing(rows: CaseRows, now: datetime) -> list[Fact]:
    zone, referral = rows.person.zone, rows.referral
    since = referral.accepted_at or referral.submitted_at
    return [
        ("Supported by", rows.program.neutral_name),
        ("Since", spoken(since, zone, now) if since is not None else ""),
        ("How it stands", referral.status.label),
    ]


def _coordination(rows: CaseRows, now: datetime) -> list[Fact]:
    zone, referral, person = rows.person.zone, rows.referral, rows.person
    hidden = FIELDS["needs"] or frozenset()
    needs = [Need(need).label for need in referral.needs if need not in hidden]
    language = language_name(person.language) + (", with an interpreter" if person.needs_interpreter else "")
    appointment = spoken(referral.first_appointment_at, zone, now) if referral.first_appointment_at else ""
    where = f", {referral.first_appointment_where}" if appointment and referral.first_appointment_where else ""
    return [
        ("Expected to leave", spoken_far_date(referral.expected_on) if referral.expected_on else ""),
        ("Left", spoken(referral.discharged_at, zone, now) if referral.discharged_at else ""),
        ("First appointment", appointment + where),
        ("What they need", ", ".join(needs)),
        ("Language", language),
    ]


def _contact_data(rows: CaseRows, now: datetime) -> list[Fact]:
    numbers = [str(phone["number"]) for phone in rows.person.phones if not phone.get("is_quarantined")]
    places = [f"{place['text']}" + (f" ({place['when']})" if place.get("when") else "") for place in rows.person.places]
    return [(PHONE, ", ".join(numbers)), ("Where they are found", "; ".join(places))]


def _substance_use(rows: CaseRows, now: datetime) -> list[Fact]:
    risks, needs = FIELDS["risks"] or frozenset(), FIELDS["needs"] or frozenset()
    return [
        ("Risks", ", ".join(RiskFlag(risk).label for risk in rows.referral.risks if risk in risks)),
        ("What they need", ", ".join(Need(need).label for need in rows.referral.needs if need in needs)),
    ]


_FACTS = {
    Category.ATTENDANCE: _attendance,
    Category.STANDING: _standing,
    Category.COORDINATION: _coordination,
    Category.CONTACT_DATA: _contact_data,
    Category.SUBSTANCE_USE: _substance_use,
}


def list_telling(session: Session, referral_id: str, telling_id: str) -> list[Disclosure]:
    """What was told, or refused, at one time: a row a category, in the order of the categories."""
    rows = session.exec(
        select(Disclosure)
        .where(Disclosure.referral_id == referral_id, Disclosure.subject_id == telling_id)
        .order_by(col(Disclosure.id))
    ).all()
    return sorted(rows, key=lambda row: list(Category).index(row.category) if row.category is not None else 0)
