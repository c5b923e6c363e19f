"""Measures over people who left in the period: reached, met, still with the program, readmitted.

One case is one departure, at its real instant (T0), known late or not. Whoever could not be followed up to the end of
a window is left out with the reason, whether they were reached before or not; and whose window is not over yet waits,
whatever came of it so far: what is known early would otherwise be counted and what is known late not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from domain.clock import end_of, local_date, start_of
from domain.contact import is_contact
from domain.measures.figure import Context, Counted, Part
from domain.measures.journey import Departure, Journey, Pause, Try
from domain.vocabulary import ClosureReason, HoldReason, Mode, Setting

Rule = Callable[[Iterable[Journey], Context], Iterable[Counted]]

IN_ERROR = frozenset({ClosureReason.ENTERED_IN_ERROR, ClosureReason.DUPLICATE})
"""Kept, and left out of every measure."""
LEFT_OUT = IN_ERROR | {
    ClosureReason.DECEASED,
    ClosureReason.TRANSFERRED,
    ClosureReason.CONSENT_REVOKED,
    ClosureReason.NO_CONSENT,
    ClosureReason.NOT_ELIGIBLE,
    ClosureReason.OUT_OF_AREA,
    ClosureReason.READMITTED_LONG,
    ClosureReason.INCARCERATED_LONG,
    ClosureReason.CANCELLED,
}
"""Ends after which nobody could have followed up. “Not reached” and “no capacity” are not among them: they count."""
LATE_WITHIN = timedelta(days=31)
"""A first contact after its window is shown as late for so long; later it counts as not made (project choice)."""


def counts_day_of_leaving(setting: Setting) -> bool:
    """Whether a contact on the date of leaving counts in the windows of dates.

    After an emergency visit it does (HEDIS FUM and FUA: 8 and 31 dates), and after a release (CAA 2023, section 5121:
    within a week of it). After a hospital stay it does not (HEDIS FUH, NCQA TRC).
    """
    return setting is Setting.EMERGENCY_DEPARTMENT or setting.is_custody


def window_of_dates(journey: Journey, left: Departure, days: int) -> tuple[datetime, datetime]:
    """The instants between which a contact lies in “so many days after leaving”, by the dates where the person was."""
    zone = journey.zone_at(left.at)
    day = local_date(left.at, zone)
    opens = left.at if counts_day_of_leaving(journey.about.setting) else start_of(day + timedelta(days=1), zone)
    return opens, end_of(day + timedelta(days=days), zone)


def left_out(
    journey: Journey, left: Departure, until: datetime, *, holds: bool = True, is_reached: bool = False
) -> str | None:
    """Why this departure is left out of a window that ends at `until`, or None.

    Who said no when they were reached was reached: that counts. Who said no unreached is not chased, and left out.
    """
    if journey.closure in IN_ERROR and journey.closure is not None:
        return journey.closure.label
    if journey.is_rejected:
        return "The program did not accept the referral"
    found: list[tuple[datetime, str]] = []
    if journey.ended_at is not None and journey.closure is not None and journey.ended_at < until:
        if journey.closure in LEFT_OUT or (journey.closure is ClosureReason.DECLINED and not is_reached):
            found.append((journey.ended_at, journey.closure.label))
    if journey.revoked_at is not None and journey.revoked_at < until:
        found.append((journey.revoked_at, ClosureReason.CONSENT_REVOKED.label))
    if holds:
        for pause in journey.pauses.values():
            if left.at <= pause.started_at < until:
                found.append((pause.started_at, pause.reason.label))
    return min(found)[1] if found else None


def left_in_period(journey: Journey, context: Context) -> bool:
    """Whether somebody left in the period on this referral."""
    return any(context.period.holds(left.at) for left in journey.departures.values())


def departures(journeys: Iterable[Journey], context: Context) -> Iterator[tuple[Journey, Departure]]:
    """Every departure in the period of somebody who was referred."""
    for journey in journeys:
        if journey.submitted_at is None:
            continue
        for left in journey.departures.values():
            if context.period.holds(left.at):
                yield journey, left


def contact_within(hours: int) -> Rule:
    """A live two-way exchange within so many elapsed hours of leaving."""

    def rule(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
        for journey, left in departures(journeys, context):
            yield _first(journey, left, left.at, left.at + timedelta(hours=hours), context, _is_live)

    return rule


def contact_by_day(days: int) -> Rule:
    """A live two-way exchange by so many dates after leaving."""

    def rule(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
        for journey, left in departures(journeys, context):
            opens, until = window_of_dates(journey, left, days)
            yield _first(journey, left, opens, until, context, _is_live)

    return rule


def face_to_face(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """Met in person within seven dates of leaving."""
    for journey, left in departures(journeys, context):
        opens, until = window_of_dates(journey, left, 7)
        yield _first(journey, left, opens, until, context, _is_visit)


def handoff(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """In person, by call or by video on the date of leaving, after leaving."""
    for journey, left in departures(journeys, context):
        zone = journey.zone_at(left.at)
        until = end_of(local_date(left.at, zone), zone)
        yield _first(journey, left, left.at, until, context, _is_voice, is_late_shown=False)


def in_reach(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
    """Met in person or by video before leaving; after a readmission, since it began."""
    for journey, left in departures(journeys, context):
        part, reason, hours = Part.NOT, "", None
        inside_since = max((p.started_at for p in journey.pauses.values() if p.started_at <= left.at), default=None)
        since = inside_since if left.cycle > 1 else None
        before = [
            t.at
            for t in journey.tries.values()
            if t.at < left.at and _is_meeting(t) and (since is None or t.at >= since)
        ]
        if why := left_out(journey, left, left.at):
            part, reason = Part.EXCLUDED, why
        elif journey.submitted_at is not None and journey.submitted_at >= left.at:
            part, reason = Part.EXCLUDED, "Referred after leaving"
        elif before:
            part, hours = Part.MET, (left.at - max(before)).total_seconds() / 3600
        yield _counted(journey, left, part, reason, hours)


def retained(days: int) -> Rule:
    """Still with the program so many days after first leaving, or served to the end before."""

    def rule(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
        for journey, left in departures(journeys, context):
            if left.cycle > 1:
                continue
            until = left.at + timedelta(days=days)
            served = journey.closure is ClosureReason.SERVICES_RECEIVED
            is_over = journey.ended_at is not None and journey.ended_at < until
            part, reason = Part.MET, ""
            if why := left_out(journey, left, until, holds=False, is_reached=True):
                part, reason = Part.EXCLUDED, why
            elif until > context.now:
                part = Part.WAITING
            elif is_over and not served:
                part, reason = Part.NOT, journey.closure.label if journey.closure else ""
            yield _counted(journey, left, part, reason)

    return rule


def readmitted(days: int) -> Rule:
    """Readmitted to hospital within so many days of leaving, as recorded."""

    def rule(journeys: Iterable[Journey], context: Context) -> Iterator[Counted]:
        for journey, left in departures(journeys, context):
            until = left.at + timedelta(days=days)
            back = [pause.started_at for pause in journey.pauses.values() if _is_readmission(pause, left, until)]
            part, reason, hours = Part.NOT, "", None
            if journey.closure in IN_ERROR or journey.is_rejected:
                part, reason = Part.EXCLUDED, left_out(journey, left, until) or ""
            elif until > context.now:
                part = Part.WAITING
            elif back:
                part, hours = Part.MET, (min(back) - left.at).total_seconds() / 3600
            elif why := left_out(journey, left, until, holds=False, is_reached=True):
                part, reason = Part.EXCLUDED, why
            yield _counted(journey, left, part, reason, hours)

    return rule


def _is_readmission(pause: Pause, left: Departure, until: datetime) -> bool:
    return pause.reason is HoldReason.READMITTED and left.at < pause.started_at <= until


def _first(
    journey: Journey,
    left: Departure,
    opens: datetime,
    until: datetime,
    context: Context,
    fits: Callable[[Try], bool],
    *,
    is_late_shown: bool = True,
) -> Counted:
    """How the first fitting exchange from `opens` on stands to the end of its window."""
    first = min((t.at for t in journey.tries.values() if t.at >= opens and fits(t)), default=None)
    is_met = first is not None and first <= until
    part, reason, hours = Part.NOT, "", None
    if first is not None and (is_met or (is_late_shown and first <= left.at + LATE_WITHIN)):
        hours = (first - left.at).total_seconds() / 3600
    if why := left_out(journey, left, until, is_reached=is_met):
        part, reason, hours = Part.EXCLUDED, why, None
    elif until > context.now:
        part, reason = Part.WAITING, "Done already" if is_met else ""
    elif is_met:
        part = Part.MET
    elif hours is not None:
        part = Part.LATE
    return _counted(journey, left, part, reason, hours)


def _counted(journey: Journey, left: Departure, part: Part, reason: str, hours: float | None = None) -> Counted:
    return Counted(journey.referral_id, part, left.at, f"cycle {left.cycle}", reason=reason, hours=hours)


def _is_live(attempt: Try) -> bool:
    return is_contact(attempt.mode, attempt.outcome)


def _is_visit(attempt: Try) -> bool:
    return attempt.mode is Mode.VISIT and _is_live(attempt)


def _is_voice(attempt: Try) -> bool:
    return attempt.mode in (Mode.VISIT, Mode.VIDEO, Mode.CALL) and _is_live(attempt)


def _is_meeting(attempt: Try) -> bool:
    return attempt.mode in (Mode.VISIT, Mode.VIDEO) and _is_live(attempt)
