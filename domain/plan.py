"""The plan: which contacts follow from a protocol and the dates of a case, and what a changed date changes.

Pure. `plan` says what there should be; `replan` compares it with what there is. Windows that high risk shortened are
never lengthened again by taking the flag away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from domain.case import Case, Contact
from domain.clock import end_of, local_date, next_call, start_of
from domain.protocol import LOST_KEY as LOST_KEY
from domain.protocol import ContactRule
from domain.vocabulary import ContactState, Mode, Outcome, ReferralStatus, RiskFlag


@dataclass(frozen=True, slots=True)
class Planned:
    """A contact that there should be.

    `is_compressed`: the window was cut short by the date of leaving. `has_gone_by`: one of a series, or one that was
    taken off the plan before, whose time was over when the plan was made; it stays if it is on record, but is not asked
    for afterwards.
    """

    key: str
    seq: int
    cycle: int
    opens_at: datetime
    due_at: datetime
    is_compressed: bool = False
    has_gone_by: bool = False


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

    The contacts of an overlay come on top: the one for unscheduled leaving when that is how it was.
    The same facts give the same windows whenever one asks; `now` only tells what of a series has gone by.
    """
    if case.status not in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS, ReferralStatus.ON_HOLD):
        return []
    rules: list[ContactRule] = list(case.protocol.contacts)
    if case.is_unscheduled:
        on_top = (rule for overlay in case.overlays for rule in overlay.contacts)
        rules += [rule for rule in on_top if rule.due.after not in ("hold", "handover")]
    found: list[Planned] = []
    for rule in rules:
        if rule.only and not case.risks.intersection(rule.only):
            continue
        if case.lost_at is not None and rule.due.after in ("discharge", "first_appointment"):
            continue  # looking for the person takes the place of the usual plan
        found.extend(_occurrences(rule, case))
    if case.lost_at is not None and case.discharged_at is not None:
        found.extend(_search(case, case.lost_at, case.discharged_at))
    dropped = {(c.key, c.seq, c.opens_at, c.due_at) for c in case.contacts if c.state is ContactState.SUPERSEDED}
    found = [
        replace(p, has_gone_by=True)
        if p.due_at <= now and (_repeats(case, p) or (p.key, p.seq, p.opens_at, p.due_at) in dropped)
        else p
        for p in found
    ]
    found.sort(key=lambda p: (p.due_at, p.key, p.seq))
    return found


def _repeats(case: Case, planned: Planned) -> bool:
    rule = case.rule(planned.key)
    return rule is None or rule.is_series


def plan_hold(case: Case, now: datetime) -> list[Planned]:
    """The contacts that a hold asks for: in-reach where the person is now, counted from the start of the hold.

    When a hold goes on that had seemed over, a contact whose time is over by then counts from that moment (`now`):
    nobody could meet the person inside meanwhile.
    """
    hold = case.hold
    if hold is None:
        return []
    found: list[Planned] = []
    for rule in (rule for overlay in case.overlays for rule in overlay.contacts):
        if rule.due.after == "hold":
            begins = _hold_contact_begins(rule, case, hold.started_at, now)
            opens, due = window(rule, case, begins)
            found.append(Planned(rule.key, len(case.holds), case.cycle, opens, due))
    return found


def _hold_contact_begins(rule: ContactRule, case: Case, started_at: datetime, now: datetime) -> datetime:
    of_this_hold = [c for c in case.contacts if (c.key, c.seq, c.cycle) == (rule.key, len(case.holds), case.cycle)]
    awaited = next((c for c in of_this_hold if c.state.is_awaited), None)
    if awaited is not None:
        return max(_anchor_behind(rule, case, awaited.opens_at), started_at)
    was_dropped = bool(of_this_hold) and all(c.state is ContactState.SUPERSEDED for c in of_this_hold)
    return now if was_dropped and window(rule, case, started_at)[1] <= now else started_at


def plan_handover(case: Case, now: datetime) -> list[Planned]:
    """The contacts that a change of bridger asks for: whoever takes over introduces themselves."""
    found: list[Planned] = []
    for rule in (rule for overlay in case.overlays for rule in overlay.contacts if rule.is_apart):
        opens, due = window(rule, case, now)
        before = sum(1 for c in case.contacts if c.key == rule.key and c.cycle == case.cycle)
        found.append(Planned(rule.key, before + 1, case.cycle, opens, due))
    return found


def replan(case: Case, wanted: Iterable[Planned], *, made_by: Case | None = None) -> Replanned:
    """Compare the wanted contacts of this cycle with those there are.

    What was met, missed or waived stays. A window never grows because a risk flag was taken away, not even when it
    moves with its anchor afterwards. `made_by`: the same case under the rules that made the windows there are, when
    those are not the case's own any more.
    """
    existing = {(c.key, c.seq): c for c in case.contacts if c.cycle == case.cycle and c.state in _STAYING}
    added: list[Planned] = []
    moved: list[Moved] = []
    for planned in wanted:
        present = existing.pop((planned.key, planned.seq), None)
        if present is None:
            if not planned.has_gone_by:
                added.append(planned)
            continue
        planned = _still_short(case, present, planned, made_by or case)
        if present.state.is_awaited and (present.opens_at, present.due_at) != (planned.opens_at, planned.due_at):
            moved.append(Moved(present, planned.opens_at, planned.due_at, planned.is_compressed))
    removed = tuple(c for c in existing.values() if c.state.is_awaited and not _is_apart(case, c))
    return Replanned(tuple(added), tuple(moved), removed)


def _is_apart(case: Case, contact: Contact) -> bool:
    rule = case.rule(contact.key)
    return rule is not None and rule.is_apart


def _still_short(case: Case, present: Contact, planned: Planned, made_by: Case) -> Planned:
    """The window by the shorter time when high risk had shortened it before, though the flag is gone by now."""
    rule, before = case.rule(planned.key), made_by.rule(planned.key)
    if rule is None or before is None or case.is_high_risk or rule.is_series or not rule.due.knows_high_risk:
        return planned
    if not before.due.knows_high_risk or before.is_series:
        return planned
    if present.due_at >= window(before, case, _anchor_behind(before, case, present.opens_at))[1]:
        return planned
    high = replace(case, risks=case.risks | {RiskFlag.SUICIDE_RISK})
    return replace(planned, due_at=window(rule, high, _anchor_behind(rule, case, planned.opens_at))[1])


def _anchor_behind(rule: ContactRule, case: Case, opens_at: datetime) -> datetime:
    """The instant from which a window that opens then was counted, as exactly as its end depends on it."""
    due = rule.due
    if due.dates is not None and due.dates[0]:
        return start_of(local_date(opens_at, case.zone) - timedelta(days=due.dates[0]), case.zone)
    return opens_at - timedelta(seconds=due.opens.seconds if due.opens is not None else 0)


def shorten_only(change: Replanned) -> Replanned:
    """The same change without windows that would grow: for flags, which never lengthen."""
    return replace(change, moved=tuple(m for m in change.moved if m.due_at < m.contact.due_at))


_STAYING = frozenset(
    {
        ContactState.PLANNED,
        ContactState.MET,
        ContactState.MET_LATE,
        ContactState.MISSED,
        ContactState.WAIVED,
        ContactState.CLOSED,
    }
)


def window(rule: ContactRule, case: Case, anchor: datetime) -> tuple[datetime, datetime]:
    """The first window of a rule from its anchor: when it opens and when it is due. Never empty.

    High risk never lengthens it: where a rule gives people at high risk another time, the earlier end holds.
    """
    due, zone, calendar = rule.due, case.zone, case.calendar
    dates = _dates(rule, case)
    if dates is not None:
        day = local_date(anchor, zone)
        opens = start_of(day + timedelta(days=dates[0]), zone) if dates[0] else anchor
        ends = end_of(day + timedelta(days=dates[1]), zone)
    else:
        spans = [due.within, due.at_most, due.high_risk if case.is_high_risk else None]
        opens = due.opens.after(anchor, zone, calendar) if due.opens is not None else anchor
        ends = min(span.after(anchor, zone, calendar) for span in spans if span is not None)
    if due.calling_hours:
        ends = next_call(ends, zone)
    if due.lead is not None:
        opens = due.lead.before(anchor, zone, calendar)
    return opens, ends


def _dates(rule: ContactRule, case: Case) -> tuple[int, int] | None:
    """The local dates of a rule's window for this person, if that is how it counts."""
    return rule.due.high_risk_dates if case.is_high_risk and rule.due.high_risk_dates else rule.due.dates


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


def _occurrences(rule: ContactRule, case: Case) -> Iterable[Planned]:
    if rule.due.before is not None:
        return _check_before_leaving(rule, case)
    if rule.due.after == "acceptance":
        return _meeting_before_leaving(rule, case)
    anchor = anchor_of(rule.due.after or "", case)
    if anchor is None:
        return ()
    if rule.due.after == "first_appointment" and (case.discharged_at is None or anchor < case.discharged_at):
        return ()
    if rule.is_series:
        return _series(rule, case, anchor)
    opens, ends = window(rule, case, anchor)
    return (Planned(rule.key, 1, case.cycle, opens, ends),)


def _series(rule: ContactRule, case: Case, anchor: datetime) -> Iterable[Planned]:
    """One window after another; the last ends with the series."""
    if rule.every is None or rule.until is None:
        return
    dates, limit = _dates(rule, case), _series_end(rule, case, anchor)
    day, step = local_date(anchor, case.zone), timedelta(seconds=rule.every.seconds)
    opens, ends = window(rule, case, anchor)
    seq = 1
    while opens < limit:
        yield Planned(rule.key, seq, case.cycle, opens, min(ends, limit))
        if dates is not None:
            opens = start_of(day + timedelta(days=dates[0]) + step * seq, case.zone)
            ends = end_of(day + timedelta(days=dates[1]) + step * seq, case.zone)
        else:
            opens, ends = opens + step, ends + step
        seq += 1


def _series_end(rule: ContactRule, case: Case, anchor: datetime) -> datetime:
    """When a series ends; one that lasts as long as the protocol goes on when a supervisor extended the plan."""
    until = timedelta(seconds=rule.until.seconds if rule.until is not None else 0)
    by_dates = rule.due.dates is not None
    limit = end_of(local_date(anchor, case.zone) + until, case.zone) if by_dates else anchor + until
    if case.finish_at is not None and until.total_seconds() >= case.protocol.finish.seconds:
        longer = end_of(local_date(case.finish_at, case.zone), case.zone) if by_dates else case.finish_at
        limit = max(limit, longer)
    return limit


def _date_known_at(case: Case, accepted_at: datetime) -> datetime:
    """Since when the program could work towards the expected date: what was too late then is pressed, not missed."""
    return max(accepted_at, case.date_known_at or accepted_at)


def _meeting_before_leaving(rule: ContactRule, case: Case) -> Iterable[Planned]:
    """In-reach: whoever has left is followed up instead."""
    if case.accepted_at is None or case.discharged_at is not None:
        return
    opens, ends = window(rule, case, case.accepted_at)
    cut = case.expected_at if rule.due.not_after is not None else None
    if cut is not None and _date_known_at(case, case.accepted_at) < cut < ends:
        yield Planned(rule.key, 1, case.cycle, opens if opens < cut else case.accepted_at, cut, is_compressed=True)
    else:
        yield Planned(rule.key, 1, case.cycle, opens, ends)


def _check_before_leaving(rule: ContactRule, case: Case) -> Iterable[Planned]:
    expected = anchor_of(rule.due.before or "", case)
    if expected is None or case.accepted_at is None or rule.due.by is None:
        return
    known_at = _date_known_at(case, case.accepted_at)
    ends = rule.due.by.before(expected, case.zone, case.calendar)
    if ends > known_at:
        yield Planned(rule.key, 1, case.cycle, case.accepted_at, ends)
    elif expected > known_at and not rule.due.skip_late:
        yield Planned(rule.key, 1, case.cycle, case.accepted_at, expected, is_compressed=True)


def _search(case: Case, lost_at: datetime, discharged_at: datetime) -> Iterable[Planned]:
    """The lost-to-contact cadence (Oregon ACT, OAR 309-019-0250): so often until so long after discharge."""
    at, seq = lost_at, 1 + _searched_before(case, lost_at)
    for cadence in case.protocol.lost:
        limit = discharged_at + timedelta(seconds=cadence.until.seconds)
        step = timedelta(seconds=cadence.every.seconds)
        while at + step <= limit:
            yield Planned(LOST_KEY, seq, case.cycle, at, at + step)
            at, seq = at + step, seq + 1


def _searched_before(case: Case, lost_at: datetime) -> int:
    """The last number of an earlier search: somebody may be lost, found, and lost again."""
    earlier = (c.seq for c in case.contacts if c.key == LOST_KEY and c.cycle == case.cycle and c.opens_at < lost_at)
    return max(earlier, default=0)


def search_over_at(case: Case) -> datetime | None:
    """When the search for a lost person is over and a supervisor is asked to sign the closure."""
    if case.lost_at is None or case.discharged_at is None or not case.protocol.lost:
        return None
    limit = case.discharged_at + timedelta(seconds=case.protocol.lost[-1].until.seconds)
    return max(limit, case.lost_at + timedelta(days=1))


class Tried(Protocol):
    """What counts of an attempt here: when, and how. A fact or a row."""

    @property
    def at(self) -> datetime:
        """When it was."""

    @property
    def mode(self) -> Mode:
        """How."""

    @property
    def outcome(self) -> Outcome:
        """What came of it."""


def is_try(attempt: Tried, opens_at: datetime) -> bool:
    """Whether an attempt counts for a contact whose window began then. The word that somebody is inside begins a hold
    and the window of its first meeting: nobody has tried that meeting yet."""
    if attempt.outcome.is_found_inside:
        return attempt.at > opens_at
    return attempt.at >= opens_at and attempt.outcome.counts_as_attempt


def attempts_missing(rule: ContactRule, case: Case, contact: Contact) -> list[str]:
    """What is still to be tried before this contact counts as tried in full, in words; empty when all was done.

    Without a phone nothing is asked of the phone; without a visit a plan that wants one is
    never complete.
    """
    tries = [a for a in case.attempts if is_try(a, contact.opens_at) and (case.has_phone or not a.mode.needs_phone)]
    return missing_of(rule, tries, case.has_phone, case.zone)


def missing_of(rule: ContactRule, tries: Sequence[Tried], has_phone: bool, zone: str) -> list[str]:
    """The words of `attempts_missing` for a list of attempts."""
    needs, missing = rule.needs, []
    if len(tries) < needs.attempts:
        left = needs.attempts - len(tries)
        missing.append("one more attempt" if left == 1 else f"{left} more attempts")
    in_person = sum(1 for a in tries if a.mode is Mode.VISIT)
    if in_person < needs.in_person:
        missing.append("a visit in person")
    ways = needs.modes if has_phone else min(needs.modes, 1)
    if len({a.mode for a in tries}) < ways:
        missing.append("another way of reaching them")
    if len({local_date(a.at, zone) for a in tries}) < needs.days:
        missing.append("an attempt on another day")
    return missing
