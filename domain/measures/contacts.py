"""Whether planned contacts were kept, by kind.

A contact belongs to the period in which it was made, or, when it was not made in time, to the one in which it fell
due. So each counts once, and a late entry counts by when it happened. What is due when a day ends belongs to that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from domain.measures.figure import Context, Counted, Part
from domain.measures.journey import Journey, Planned
from domain.measures.leaving import IN_ERROR
from domain.vocabulary import ClosureReason, ContactState

_BEFORE_MIDNIGHT = timedelta(microseconds=1)
_PARTS = {ContactState.MET: Part.MET, ContactState.MET_LATE: Part.LATE, ContactState.MISSED: Part.NOT}


def kept(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """Every contact of the period, whatever became of it; the kind is the contact's key in the protocol."""
    for journey in journeys:
        if journey.submitted_at is None:
            continue
        for contact in journey.contacts.values():
            if (at := _counts_at(contact)) is not None and context.period.holds(at):
                counted = _counted(journey, contact, at, context)
                if counted is not None:
                    yield counted


def _counts_at(contact: Planned) -> datetime | None:
    return contact.met_at if contact.state is ContactState.MET else contact.due_at - _BEFORE_MIDNIGHT


def _counted(journey: Journey, contact: Planned, at: datetime, context: Context) -> Counted | None:
    if contact.ended_at is not None and contact.ended_at < context.period.start_at:
        return None  # taken out before the period began: nobody waited for it then
    part, reason = _part(journey, contact, context), contact.reason
    if journey.closure in IN_ERROR and journey.closure is not None:
        part, reason = Part.EXCLUDED, journey.closure.label
    elif part is Part.NOT and _came_after_death(journey, contact):
        part, reason = Part.EXCLUDED, ClosureReason.DECEASED.label
    hours = None
    if contact.met_at is not None and part is Part.LATE:
        hours = (contact.met_at - contact.due_at).total_seconds() / 3600
    return Counted(
        journey.referral_id, part, at, contact.id, contact.key, reason if part is Part.EXCLUDED else "", hours
    )


def _part(journey: Journey, contact: Planned, context: Context) -> Part:
    if contact.state is ContactState.PLANNED:
        return Part.WAITING if contact.due_at > context.now else Part.NOT
    return _PARTS.get(contact.state, Part.EXCLUDED)


def _came_after_death(journey: Journey, contact: Planned) -> bool:
    is_dead = journey.closure is ClosureReason.DECEASED and journey.ended_at is not None
    return is_dead and journey.ended_at is not None and contact.due_at >= journey.ended_at
