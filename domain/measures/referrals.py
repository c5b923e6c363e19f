"""Measures over referrals: how soon they were answered and somebody was named, and whether the loop was closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.measures.business import business_days, business_hours
from domain.measures.figure import Context, Counted, Part
from domain.measures.journey import Journey
from domain.measures.leaving import IN_ERROR
from domain.vocabulary import Subject


def to_acceptance(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """How long from referral to acceptance."""
    for journey in _referred(journeys, context):
        yield _timed(journey, journey.accepted_at, context)


def to_bridger(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """How long from referral to a bridger, by name."""
    for journey in _referred(journeys, context):
        yield _timed(journey, journey.assigned_at, context)


def bridger_in_time(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """Whether a bridger was named before the promise ran out and somebody had to be called about it."""
    for journey in _referred(journeys, context):
        calls = [c.raised_at for c in journey.calls.values() if c.subject is Subject.ASSIGNMENT]
        first_call = min(calls, default=None)
        named = journey.assigned_at
        counted = _timed(journey, named, context)
        if counted.part is Part.EXCLUDED and first_call is None:
            yield counted
        elif first_call is not None and (named is None or first_call < named):
            yield _plain(journey, Part.NOT if named is None else Part.LATE, hours=counted.hours)
        else:
            yield _plain(journey, counted.part, hours=counted.hours)


def closed_loop(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """Of the referrals that ended in the period, those whose referrer was told how; the kind is why it ended."""
    for journey in journeys:
        if journey.submitted_at is None or journey.closure is None or journey.ended_at is None:
            continue
        if not context.period.holds(journey.ended_at):
            continue
        part, reason, hours = Part.NOT, "", None
        if journey.closure in IN_ERROR:
            part, reason = Part.EXCLUDED, journey.closure.label
        elif journey.is_withheld:
            part, reason = Part.EXCLUDED, "The person's consent does not cover a report"
        elif journey.told_at is not None:
            part, hours = Part.MET, max((journey.told_at - journey.ended_at).total_seconds() / 3600, 0.0)
        yield Counted(
            journey.referral_id, part, journey.ended_at, kind=journey.closure.label, reason=reason, hours=hours
        )


def sent_in_period(journey: Journey, context: Context) -> bool:
    """Whether the referral was sent in the period."""
    return context.period.holds(journey.submitted_at)


def _referred(journeys: Iterable[Journey], context: Context) -> Iterator[Journey]:
    return (journey for journey in journeys if sent_in_period(journey, context))


def _timed(journey: Journey, done_at: datetime | None, context: Context) -> Counted:
    start = journey.submitted_at
    assert start is not None
    if journey.closure in IN_ERROR and journey.closure is not None:
        return _plain(journey, Part.EXCLUDED, journey.closure.label)
    if done_at is None:
        if journey.is_rejected:
            return _plain(journey, Part.EXCLUDED, "The program did not accept the referral")
        if journey.closure is not None:
            return _plain(journey, Part.EXCLUDED, f"Ended before: {journey.closure.label}")
        return _plain(journey, Part.WAITING)
    zone, calendar = context.period.zone, context.calendar
    return Counted(
        journey.referral_id,
        Part.MET,
        start,
        hours=(done_at - start).total_seconds() / 3600,
        business_hours=business_hours(start, done_at, zone, calendar),
        business_days=business_days(start, done_at, zone, calendar),
    )


def _plain(journey: Journey, part: Part, reason: str = "", hours: float | None = None) -> Counted:
    assert journey.submitted_at is not None
    return Counted(journey.referral_id, part, journey.submitted_at, reason=reason, hours=hours)
