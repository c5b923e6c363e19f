"""Incidents, for those who look into them: the privacy officer sees the program's, others those of their people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, and_, col, func, or_, select, true

from domain.errors import NotFound
from domain.vocabulary import Role
from records.access import Actor, opened, visible
from records.tables import Incident, Person, PersonText, Referral, TextReply

MOST = 100


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One incident, whose it is, what had gone to the number, and what came back."""

    incident: Incident
    referral: Referral
    person: Person
    is_theirs: bool  # the reader works with the person
    texts: Sequence[PersonText]
    reply: TextReply | None


def list_incidents(session: Session, actor: Actor) -> list[tuple[Incident, Referral, Person]]:
    """The open ones first, then the settled, the newest first."""
    rows = session.exec(
        select(Incident, Referral, Person)
        .join(Referral, col(Referral.id) == col(Incident.referral_id))
        .join(Person, col(Person.id) == col(Incident.person_id))
        .where(_seen(actor))
        .order_by(col(Incident.resolved_at).is_not(None), col(Incident.opened_at).desc(), col(Incident.id))
        .limit(MOST)
    )
    return list(rows.all())


def count_open_incidents(session: Session, actor: Actor) -> int:
    """How many wait to be looked into."""
    query = (
        select(func.count())
        .select_from(Incident)
        .join(Referral, col(Referral.id) == col(Incident.referral_id))
        .where(_seen(actor), col(Incident.resolved_at).is_(None))
    )
    return session.exec(query).one()


def get_incident(session: Session, actor: Actor, incident_id: str) -> IncidentPage:
    """One incident. Raises NotFound for what is not theirs to look into."""
    found = session.exec(
        select(Incident, Referral, Person)
        .join(Referral, col(Referral.id) == col(Incident.referral_id))
        .join(Person, col(Person.id) == col(Incident.person_id))
        .where(Incident.id == incident_id, _seen(actor))
    ).first()
    if found is None:
        raise NotFound("That incident")
    incident, referral, person = found
    opened(session, referral.id, person.id)
    mine = session.exec(select(Referral.id).where(Referral.id == referral.id, visible(actor))).first()
    texts = session.exec(
        select(PersonText).where(col(PersonText.id).in_(incident.text_ids)).order_by(col(PersonText.claimed_at))
    )
    reply = session.get(TextReply, incident.reply_id) if incident.reply_id else None
    return IncidentPage(incident, referral, person, mine is not None, texts.all(), reply)


def _seen(actor: Actor) -> Any:
    everything = true() if Role.PRIVACY in actor.roles else visible(actor)
    return and_(Incident.program_id == actor.program_id, or_(everything))
