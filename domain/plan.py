"""The plan: which contacts follow from a protocol and the dates of a case, and what a changed date changes.

Pure. `plan` says what there should be; `replan` compares it with what there is. Windows that high risk shortened are
never lengthened again by taking the flag away (domain.md scenario 41).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.case import Case, Contact
from domain.clock import end_of, local_date, next_call, start_of
from domain.protocol import ContactRule
from domain.vocabulary import ContactState, ReferralStatus

LOST_KEY = "search"
"""The key of the contacts of the lost-to-contact cadence, which no contact rule describes."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A contact that there should be. `is_compressed`: the window was cut short by the date of leaving."""

    key: str
    seq: int
    cycle: int
    opens_at: datetime
    due_at: datetime
    is_compressed: bool = False
    keep_if_missed: bool = True


@dataclass(frozen=True, slots=True)
class Moved:
    """A contact whose window changed."""

    contact: Contact
    opens_at: datetime
    due_at: datetime
    is_compressed: bool


@dataclass(frozen=True, slots=True)
class Replanned:
    """What must change so that what there is becomes what there should be."""

    added: tuple[Planned, ...]
    moved: tuple[Moved, ...]
    removed: tuple[Contact, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing changes."""
        return not (self.added or self.moved or self.removed)


def plan(case: Case, now: datetime) -> list[Planned]:
    """Every contact that the protocol asks for, as far as its anchors are known; sorted by due time.

    The contacts of an overlay come on top: the one for unscheduled leaving (domain.md P5) when that is how it was.
    """
    if case.status not in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS, ReferralStatus.ON_HOLD):
        return []
    rules: list[ContactRule] = list(case.protocol.contacts)
    if case.is_unscheduled:
        rules += [rule for overlay in case.overlays for rule in overlay.contacts if rule.due.after != "hold"]
    found: list[Planned] = []
    for rule in rules:
        if rule.only and not case.risks.intersection(rule.only):
            continue
        if case.lost_at is not None and rule.is_series:
            continue
        found.extend(_occurrences(rule, case, now))
    if case.lost_at is not None and case.discharged_at is not None:
        found.extend(_search(case))
    found.sort(key=lambda p: (p.due_at, p.key, p.seq))
    return found


def plan_hold(case: Case) -> list[Planned]:
    """The contacts that a hold asks for (domain.md P6): in-reach where the person is now."""
    hold = case.hold
    if hold is None:
        return []
    found: list[Planned] = []
    for rule in (rule for overlay in case.overlays for rule in overlay.contacts):
        if rule.due.after == "hold":
            opens = hold.started_at
            assert rule.due.within is not None
            due = rule.due.within.after(hold.started_at, case.zone, case.calendar)
            found.append(Planned(rule.key, len(case.holds), case.cycle, opens, due))
    return found


def replan(case: Case, wanted: Iterable[Planned]) -> Replanned:
    """Compare the wanted contacts of this cycle with those there are.

    What was met, missed or waived stays. A window never grows because a risk flag was taken away: see `shorten_only`.
    """
    existing = {(c.key, c.seq): c for c in case.contacts if c.cycle == case.cycle and c.state in _STAYING}
    added: list[Planned] = []
    moved: list[Moved] = []
    for planned in wanted:
        present = existing.pop((planned.key, planned.seq), None)
        if present is None:
            added.append(planned)
        elif present.state.is_awaited and (present.opens_at, present.due_at) != (planned.opens_at, planned.due_at):
            moved.append(Moved(present, planned.opens_at, planned.due_at, planned.is_compressed))
    removed = tuple(c for c in existing.values() if c.state.is_awaited)
    return Replanned(tuple(added), tuple(moved), removed)


def shorten_only(change: Replanned) -> Replanned:
    """The same change without windows that would grow: for flags, which never lengthen (domain.md scenario 41)."""
    return replace(change, moved=tuple(m for m in change.moved if m.due_at < m.contact.due_at))


_STAYING = frozenset(
    {ContactState.PLANNED, ContactState.MET, ContactState.MET_LATE, ContactState.MISSED, ContactState.WAIVED,
     ContactState.CLOSED}
)


def window(rule: ContactRule, case: Case, anchor: datetime) -> tuple[datetime, datetime]:
    """The first window of a rule from its anchor: when it opens and when it is due."""
    due, high = rule.due, case.is_high_risk
    if due.dates is not None:
        first, last = due.high_risk_dates if high and due.high_risk_dates else due.dates
        day = local_date(anchor, case.zone)
        opens = start_of(day + timedelta(days=first), case.zone) if first else anchor
        ends = end_of(day + timedelta(days=last), case.zone)
    else:
        assert due.within is not None
        opens = due.opens.after(anchor, case.zone, case.calendar) if due.opens else anchor
        ends = due.within.after(anchor, case.zone, case.calendar)
        if high and due.high_risk is not None:
            ends = min(ends, due.high_risk.after(anchor, case.zone, case.calendar))
    if due.at_most is not None:
        ends = min(ends, due.at_most.after(anchor, case.zone, case.calendar))
    if due.calling_hours:
        ends = next_call(ends, case.zone)
    if due.lead is not None:
        opens = due.lead.before(anchor, case.zone, case.calendar)
    return min(opens, ends), ends


def anchor_of(name: str, case: Case) -> datetime | None:
    """The instant of an anchor, when it is known."""
    if name == "referral":
        return case.submitted_at
    if name == "acceptance":
        return case.accepted_at
    if name == "discharge":
        return case.discharged_at
    if name == "expected_discharge":
        return case.expected_at if case.discharged_at is None else None
    if name == "first_appointment":
        return case.first_appointment_at
    return None


def _occurrences(rule: ContactRule, case: Case, now: datetime) -> Iterable[Planned]:
    due = rule.due
    if due.before is not None:
        yield from _before_leaving(rule, case, now)
        return
    assert due.after is not None
    anchor = anchor_of(due.after, case)
    if anchor is None:
        return
    if due.after == "first_appointment" and (case.discharged_at is None or anchor < case.discharged_at):
        return
    if due.after == "acceptance":
        if case.discharged_at is not None:
            return  # meeting before leaving: whoever has left is followed up instead
        opens, ends = window(rule, case, anchor)
        cut = case.expected_at if due.not_after == "expected_discharge" else None
        if cut is not None and now < cut < ends:
            yield Planned(rule.key, 1, case.cycle, min(opens, cut), cut, is_compressed=True)
        else:
            yield Planned(rule.key, 1, case.cycle, opens, ends)
        return
    opens, ends = window(rule, case, anchor)
    if rule.every is None or rule.until is None:
        yield Planned(rule.key, 1, case.cycle, opens, ends)
        return
    limit = end_of(local_date(anchor, case.zone) + timedelta(seconds=rule.until.seconds), case.zone)
    if due.dates is None:
        limit = anchor + timedelta(seconds=rule.until.seconds)
    if case.finish_at is not None and rule.until.seconds >= case.protocol.finish.seconds:
        limit = max(limit, case.finish_at)  # the supervisor extended the plan
    first_day = local_date(anchor, case.zone)
    seq = 1
    while opens < limit:
        yield Planned(rule.key, seq, case.cycle, opens, min(ends, limit))
        if due.dates is not None:
            shift = timedelta(seconds=rule.every.seconds * seq)
            first, last = due.high_risk_dates if case.is_high_risk and due.high_risk_dates else due.dates
            opens = start_of(first_day + timedelta(days=first) + shift, case.zone)
            ends = end_of(first_day + timedelta(days=last) + shift, case.zone)
        else:
            opens, ends = opens + timedelta(seconds=rule.every.seconds), ends + timedelta(seconds=rule.every.seconds)
        seq += 1


def _before_leaving(rule: ContactRule, case: Case, now: datetime) -> Iterable[Planned]:
    due = rule.due
    assert due.before is not None and due.by is not None
    expected = anchor_of(due.before, case)
    if expected is None or case.accepted_at is None:
        return
    ends = due.by.before(expected, case.zone, case.calendar)
    if ends > now:
        yield Planned(rule.key, 1, case.cycle, min(case.accepted_at, ends), ends)
    elif expected > now and not due.skip_late:
        yield Planned(rule.key, 1, case.cycle, min(case.accepted_at, expected), expected, is_compressed=True)


def _search(case: Case) -> Iterable[Planned]:
    """The lost-to-contact cadence (domain.md P1, Oregon ACT [33]): so often until so long after discharge."""
    assert case.lost_at is not None and case.discharged_at is not None
    at, seq = case.lost_at, 1
    for cadence in case.protocol.lost:
        limit = case.discharged_at + timedelta(seconds=cadence.until.seconds)
        step = timedelta(seconds=cadence.every.seconds)
        while at + step <= limit:
            yield Planned(LOST_KEY, seq, case.cycle, at, at + step)
            at, seq = at + step, seq + 1


def search_over_at(case: Case) -> datetime | None:
    """When the search for a lost person is over and a supervisor is asked to sign the closure."""
    if case.lost_at is None or case.discharged_at is None or not case.protocol.lost:
        return None
    limit = case.discharged_at + timedelta(seconds=case.protocol.lost[-1].until.seconds)
    return max(limit, case.lost_at + timedelta(days=1))


def attempts_missing(rule: ContactRule, case: Case, contact: Contact) -> list[str]:
    """What is still to be tried before this contact counts as tried in full, in words; empty when all was done.

    Without a phone nothing is asked of the phone (domain.md scenario 40); without a visit a plan that wants one is
    never complete (scenario 39).
    """
    tries = [a for a in case.attempts if a.at >= contact.opens_at and a.outcome.counts_as_attempt]
    return missing_of(rule, tries, case.has_phone, case.zone)


def missing_of(rule: ContactRule, tries: Sequence, has_phone: bool, zone: str) -> list[str]:  # type: ignore[type-arg]
    """The words of `attempts_missing` for a list of attempts."""
    needs, missing = rule.needs, []
    if len(tries) < needs.attempts:
        left = needs.attempts - len(tries)
        missing.append("one more attempt" if left == 1 else f"{left} more attempts")
    in_person = sum(1 for a in tries if a.mode.value == "visit")
    if in_person < needs.in_person:
        missing.append("a visit in person")
    ways = needs.modes if has_phone else min(needs.modes, 1)
    if len({a.mode for a in tries}) < ways:
        missing.append("another way of reaching them")
    if len({local_date(a.at, zone) for a in tries}) < needs.days:
        missing.append("an attempt on another day")
    return missing
