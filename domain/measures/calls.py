"""Measures over escalations raised in the period: how soon somebody took them, and whether they were settled.

One case is one rung. A rung that nobody took stays on record as unanswered, even when the next one was answered
(acceptance scenario 42).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.measures.figure import Context, Counted, Part
from domain.measures.journey import Call, Journey
from domain.measures.leaving import IN_ERROR
from domain.vocabulary import Subject

SETTLED_ITSELF = "Settled by what happened before an answer was due"


def has_calls(journey: Journey, context: Context) -> bool:
    """Whether anybody was called about this person."""
    return bool(journey.calls)


def answered_in_time(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """Whether somebody took it before its answer-by time; settled by hand in time is an answer too."""
    for journey, call in _raised(journeys, context):
        answered = _answered_at(journey, call)
        hours = (answered - call.raised_at).total_seconds() / 3600 if answered is not None else None
        if answered is not None:
            yield _counted(journey, call, Part.MET if answered <= call.answer_by else Part.LATE, hours=hours)
        elif call.resolved_at is not None and call.resolved_at <= call.answer_by:
            yield _counted(journey, call, Part.EXCLUDED, SETTLED_ITSELF)
        elif call.resolved_at is None and call.answer_by > context.now:
            yield _counted(journey, call, Part.WAITING)
        else:
            yield _counted(journey, call, Part.NOT)


def unanswered(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """The same seen from the other side: nobody took it, and its answer-by time passed."""
    swapped = {Part.NOT: Part.MET, Part.MET: Part.NOT, Part.LATE: Part.NOT}
    for counted in answered_in_time(journeys, context):
        part = swapped.get(counted.part, counted.part)
        yield Counted(
            counted.referral_id, part, counted.at, counted.subject_id, counted.kind, counted.reason, counted.hours
        )


def settled(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """Whether it was resolved, by hand or by what happened."""
    for journey, call in _raised(journeys, context):
        if call.resolved_at is None:
            yield _counted(journey, call, Part.NOT)
        else:
            hours = (call.resolved_at - call.raised_at).total_seconds() / 3600
            yield _counted(journey, call, Part.MET, hours=hours)


def missed_to_answer(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """How long from a contact's due time to the first person who took its escalation, on whichever rung."""
    for journey in journeys:
        if journey.closure in IN_ERROR:
            continue
        for climb in _climbs(journey):
            if context.period.holds(climb[0].raised_at):
                yield _climb_counted(journey, climb)


def _climb_counted(journey: Journey, climb: list[Call]) -> Counted:
    first = climb[0]
    answers = [at for call in climb if (at := _answered_at(journey, call)) is not None]
    if answers:
        hours = max((min(answers) - first.due_at).total_seconds() / 3600, 0.0)
        return _counted(journey, first, Part.MET, hours=hours)
    if all(call.resolved_at is not None for call in climb):
        return _counted(journey, first, Part.EXCLUDED, "Settled by what happened before anybody took it")
    return _counted(journey, first, Part.WAITING)


def _climbs(journey: Journey) -> list[list[Call]]:
    """The rungs about one missed contact, a list each time its ladder was climbed, from the first rung on."""
    found: list[list[Call]] = []
    latest: dict[str, list[Call]] = {}
    for call in sorted(journey.calls.values(), key=lambda c: (c.raised_at, c.rung)):
        if call.subject is not Subject.CONTACT:
            continue
        if call.rung == 0:
            latest[call.about] = []
            found.append(latest[call.about])
        if call.about in latest:
            latest[call.about].append(call)
    return found


def _answered_at(journey: Journey, call: Call) -> datetime | None:
    """When a person took this rung. Settling it by hand answers it too, unless the next was called by then."""
    if call.acknowledged_at is not None:
        return call.acknowledged_at
    if call.resolved_at is None or not call.is_settled_by_hand:
        return None
    later = (c for c in journey.calls.values() if (c.subject, c.about) == (call.subject, call.about))
    is_passed_on = any(c.rung > call.rung and call.raised_at <= c.raised_at <= call.resolved_at for c in later)
    return None if is_passed_on else call.resolved_at


def _raised(journeys: Iterable[Journey], context: Context) -> Iterator[tuple[Journey, Call]]:
    for journey in journeys:
        if journey.closure in IN_ERROR:
            continue
        for call in journey.calls.values():
            if context.period.holds(call.raised_at):
                yield journey, call


def _counted(journey: Journey, call: Call, part: Part, reason: str = "", hours: float | None = None) -> Counted:
    return Counted(journey.referral_id, part, call.raised_at, call.id, call.subject.label, reason, hours)
