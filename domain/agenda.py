"""The agenda: what must happen next for one case, and when. The heart of Footbridge.

`agenda(case)` lists every dated item there is; `next_item(case)` only the first. Both are pure: the same case gives
the same items, whoever asks and whenever. What is carried out when an item is due is in `records/commands/agenda.py`.

An open referral always has a next item (design §5, invariant 1): where nothing else waits, a date check, a review or
the end of the plan does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from domain.case import Case, Contact, Escalation
from domain.clock import CLOSE_OF_BUSINESS, Calendar, Span, end_of, latest_call
from domain.plan import LOST_KEY, search_over_at
from domain.protocol import ContactRule
from domain.vocabulary import ConsentStatus, ContactState, EscalationState, ReferralStatus, Subject

OFFER = "offer"
OFFER_EXPIRES = "offer_expires"
UNACCEPTED = "unaccepted"
UNASSIGNED = "unassigned"
DATE_CHECK = "date_check"
REMIND = "remind"
CONTACT_MISSED = "contact_missed"
UNACKNOWLEDGED = "unacknowledged"
UNRESOLVED = "unresolved"
STREAK = "streak"
REVIEW = "review"
CANCEL_UNDECIDED = "cancel_undecided"
CONSENT_PENDING = "consent_pending"
CONSENT_EXPIRES = "consent_expires"
CLOSE_LOST = "close_lost"
FINISH = "finish"
REPORT = "report"

TITLES = {
    OFFER: "Offer to a peer bridger",
    OFFER_EXPIRES: "Offer must be answered",
    UNACCEPTED: "Program must accept or decline",
    UNASSIGNED: "A peer bridger must be named",
    DATE_CHECK: "Ask whether the person has left",
    REMIND: "Remind about a contact",
    CONTACT_MISSED: "Contact due",
    UNACKNOWLEDGED: "Escalation must be answered",
    UNRESOLVED: "Escalation must be settled",
    STREAK: "Contacts missed in a row",
    REVIEW: "Hold must be reviewed",
    CANCEL_UNDECIDED: "Request to cancel must be decided",
    CONSENT_PENDING: "Consent must be recorded",
    CONSENT_EXPIRES: "Consent is about to end",
    CLOSE_LOST: "Search is over: sign the closure or keep going",
    FINISH: "Plan has run its course: close or extend",
    REPORT: "Tell the referrer how it ended",
}
"""What each kind of item is, without naming anybody: shown to people, and as summaries in Temporal."""


class Item(NamedTuple):
    """Something that happens at `at` unless it is done before. Sorted by time."""

    at: datetime
    kind: str
    subject_id: str
    detail: str = ""

    @property
    def title(self) -> str:
        """What it is, naming nobody."""
        return TITLES[self.kind]


def agenda(case: Case) -> list[Item]:
    """Every dated item of the case as it stands, soonest first."""
    return sorted(_items(case))


def next_item(case: Case) -> Item | None:
    """The soonest item, or None when the case is over and told."""
    return min(_items(case, is_soonest=True), default=None)


def due_items(case: Case, now: datetime) -> list[Item]:
    """The items whose time has come, soonest first."""
    return sorted(item for item in _items(case, until=now) if item.at <= now)


def _items(case: Case, *, until: datetime | None = None, is_soonest: bool = False) -> Iterator[Item]:
    """Every item; those after `until`, or all but the soonest, may be left out to save the work."""
    status = case.status
    if status is ReferralStatus.DRAFT:
        return
    if status.is_over:
        if case.reported_at is None and status is not ReferralStatus.ENTERED_IN_ERROR:
            yield Item(case.ended_at or case.submitted_at, REPORT, case.referral_id)
        return
    yield from _ladders(case)
    yield from _consent(case)
    if case.cancel_requested_at is not None:
        yield from _asked(case, CANCEL_UNDECIDED, Subject.CANCEL, case.cancel_requested_at, case.protocol.cancel_answer)
    if status is ReferralStatus.SUBMITTED:
        yield from _asked(case, UNACCEPTED, Subject.ACCEPTANCE, *_acceptance(case))
        return
    yield from _assignment(case)
    if status is ReferralStatus.ON_HOLD:
        yield from _hold(case)
        yield from _contacts(case, until, is_soonest=is_soonest)
        return
    yield from _date(case)
    yield from _contacts(case, until, is_soonest=is_soonest)
    yield from _streaks(case)
    yield from _ending(case, is_soonest=is_soonest)


def _ladders(case: Case) -> Iterator[Item]:
    """The highest rung of each ladder being climbed waits to be answered, and then to be settled."""
    tops: dict[tuple[Subject, str, int], Escalation] = {}
    for escalation in case.escalations:
        if escalation.state is EscalationState.RESOLVED:
            continue
        top = tops.get(escalation.chain)
        if top is None or escalation.rung > top.rung:
            tops[escalation.chain] = escalation
    for top in tops.values():
        if top.state is EscalationState.RAISED:
            yield Item(top.answer_by, UNACKNOWLEDGED, top.id, top.subject.value)
        else:
            yield Item(top.act_by or top.answer_by, UNRESOLVED, top.id, top.subject.value)


def _asked(
    case: Case, kind: str, subject: Subject, since: datetime, within: Span, *, again: Span | None = None
) -> Iterator[Item]:
    """One deadline about the whole referral; after it was escalated and settled without effect it comes again."""
    about = case.referral_id
    if case.is_escalated(subject, about):
        return
    settled = case.last_resolved(subject, about)
    if settled is not None and settled.resolved_at is not None and settled.resolved_at > since:
        since, within = settled.resolved_at, again or within
    yield Item(_deadline(within, since, case.zone, case.calendar), kind, about)


@lru_cache(maxsize=4096)
def _deadline(within: Span, since: datetime, zone: str, calendar: Calendar) -> datetime:
    return within.after(since, zone, calendar, close=CLOSE_OF_BUSINESS)


def _acceptance(case: Case) -> tuple[datetime, Span]:
    """Since when, and within what, the program must accept.

    The first days run for whoever has left already, and no contact is awaited before the yes: it may not take longer
    than work on a late notice does.
    """
    within, late = case.protocol.assignment.accept, case.protocol.late_work
    if case.discharged_at is None:
        return case.submitted_at, within
    heard = max(case.submitted_at, case.notice_at or case.discharged_at)
    usual = _deadline(within, case.submitted_at, case.zone, case.calendar)
    return (heard, late) if _deadline(late, heard, case.zone, case.calendar) < usual else (case.submitted_at, within)


def promised_by(case: Case) -> datetime | None:
    """By when the program said it would accept, or name a bridger; None when both are done."""
    if case.status is ReferralStatus.SUBMITTED:
        since, within = _acceptance(case)
        return _deadline(within, since, case.zone, case.calendar)
    if case.status is ReferralStatus.ACCEPTED and case.assigned_since is None and case.accepted_at is not None:
        return _deadline(case.protocol.assignment.deadline, case.accepted_at, case.zone, case.calendar)
    return None


def _assignment(case: Case) -> Iterator[Item]:
    if case.assigned_since is not None:
        return
    since = case.unassigned_since or case.accepted_at or case.submitted_at
    offer = case.open_offer
    rules = case.protocol.assignment
    if offer is not None:
        yield Item(offer.answer_by, OFFER_EXPIRES, offer.id)
    elif case.status is not ReferralStatus.ON_HOLD:
        at = max((o.closed_at for o in case.offers if o.closed_at is not None), default=since)
        at = max(at, since)
        if case.offers_exhausted_at is not None:
            at = rules.retry.after(case.offers_exhausted_at, case.zone, case.calendar)
        yield Item(at, OFFER, case.referral_id)
    yield from _asked(case, UNASSIGNED, Subject.ASSIGNMENT, since, rules.deadline)


def _date(case: Case) -> Iterator[Item]:
    """Nobody recorded that the person left: ask once the expected date has passed, and now and then when unknown."""
    if case.discharged_at is not None:
        return
    if case.expected_on is not None:
        since = end_of(case.expected_on, case.zone)
        if case.expected_time is not None and case.expected_at is not None:
            since = case.expected_at
        if case.date_known_at is not None and case.date_known_at > since:
            since = case.date_known_at
        within = case.protocol.date_check
    else:
        since = case.date_known_at or case.accepted_at or case.submitted_at
        within = case.protocol.date_review
    yield from _asked(case, DATE_CHECK, Subject.DATE, since, within)


def _contacts(case: Case, until: datetime | None, *, is_soonest: bool) -> Iterator[Item]:
    planned, is_held = ContactState.PLANNED, case.status is ReferralStatus.ON_HOLD
    for contact in case.contacts:
        if contact.state is not planned or (is_held and not _stands_in_a_hold(case, contact)):
            continue
        if until is not None and contact.opens_at > until:
            continue  # nothing about a contact comes before its window
        if is_soonest and (until is None or contact.due_at < until):
            until = contact.due_at
        yield Item(contact.due_at, CONTACT_MISSED, contact.id, contact.key)
        rule = case.rule(contact.key)
        if rule is None or not (rule.remind or rule.warn):
            continue
        prompted = contact.prompted
        for name, at in prompts(rule, contact.opens_at, contact.due_at, case.zone):
            if name not in prompted:
                yield Item(at, REMIND, contact.id, name)


def _stands_in_a_hold(case: Case, contact: Contact) -> bool:
    """Nobody is called about the plan of somebody who is inside, whatever the rows say."""
    rule = case.rule(contact.key)
    return rule is not None and rule.due.after in ("hold", "handover")


@lru_cache(maxsize=16384)
def prompts(rule: ContactRule, opens_at: datetime, due_at: datetime, zone: str) -> tuple[tuple[str, datetime], ...]:
    """The named moments at which people are reminded of a contact before it is due.

    A reminder that would fall into the night comes the evening before, while there is still time to call.
    """
    found: list[tuple[str, datetime]] = []
    length = due_at - opens_at
    for fraction in rule.remind:
        at = opens_at + timedelta(seconds=round(length.total_seconds() * fraction))
        if length > timedelta(hours=20):
            at = max(latest_call(at, zone), opens_at)
        found.append((f"{fraction:.0%}", at))
    if rule.warn is not None:
        at = due_at - timedelta(seconds=rule.warn.seconds)
        if at > opens_at:
            found.append(("warning", at))
    return tuple(found)


def streak_subject(key: str, misses: int, cycle: int, last_seq: int) -> str:
    """The subject id under which a run of misses is escalated once."""
    return f"{key}:{misses}:{cycle}:{last_seq}"


def _awaits_a_contact(case: Case) -> bool:
    return any(contact.state is ContactState.PLANNED for contact in reversed(case.contacts))


def _streaks(case: Case) -> Iterator[Item]:
    """So many misses in a row of one series; a contact that was met clears the run."""
    missed = {c.key for c in case.contacts if c.state is ContactState.MISSED and c.cycle == case.cycle}
    if not missed:
        return
    for rule in case.protocol.contacts:
        if not rule.streaks or rule.key not in missed:
            continue
        run: list[Contact] = []
        for contact in sorted((c for c in case.contacts if c.key == rule.key and c.cycle == case.cycle), key=_seq):
            if contact.state is ContactState.MISSED:
                run.append(contact)
            elif contact.state in (ContactState.MET, ContactState.MET_LATE):
                run = []
            for streak in rule.streaks:
                if contact.state is ContactState.MISSED and len(run) == streak.misses:
                    subject_id = streak_subject(rule.key, streak.misses, contact.cycle, contact.seq)
                    known = any(e.subject is Subject.STREAK and e.subject_id == subject_id for e in case.escalations)
                    if not known:
                        yield Item(contact.due_at, STREAK, subject_id, streak.ladder)


def _seq(contact: Contact) -> int:
    return contact.seq


def _hold(case: Case) -> Iterator[Item]:
    """A hold is reviewed by a person after each of the protocol's lengths, and monthly from then on."""
    hold = case.hold
    if hold is None:
        return
    reviews = case.protocol.hold_review
    done = sum(1 for e in case.escalations if e.subject is Subject.HOLD and e.subject_id == hold.id and e.rung == 0)
    if case.is_escalated(Subject.HOLD, hold.id):
        return
    if done < len(reviews):
        at = hold.started_at + timedelta(seconds=reviews[done].seconds)
    else:
        settled = case.last_resolved(Subject.HOLD, hold.id)
        since = settled.resolved_at if settled and settled.resolved_at else hold.started_at
        at = since + timedelta(days=30)
    yield Item(at, REVIEW, hold.id)


def _consent(case: Case) -> Iterator[Item]:
    if case.consent is ConsentStatus.PENDING:
        since = case.discharged_at or case.accepted_at or case.submitted_at
        yield from _asked(case, CONSENT_PENDING, Subject.CONSENT, since, case.protocol.consent_by)
    elif case.consent is ConsentStatus.GIVEN and case.consent_expires_at is not None and not case.consent_warned:
        at = case.protocol.consent_warning.before(case.consent_expires_at, case.zone, case.calendar)
        yield Item(at, CONSENT_EXPIRES, case.referral_id)


def _ending(case: Case, *, is_soonest: bool) -> Iterator[Item]:
    """A search that is over, or a plan that has run its course, asks a supervisor to close or to go on."""
    if case.discharged_at is None:
        return
    over = search_over_at(case)
    if over is not None:
        yield from _asked(case, CLOSE_LOST, Subject.LOST, over, _AT_ONCE, again=_A_WEEK)
        return
    if is_soonest and _awaits_a_contact(case):
        return  # the end comes after all of them
    end = case.finish_at or case.protocol.finish.after(case.discharged_at, case.zone, case.calendar)
    last = max((c.due_at for c in case.contacts if c.state is ContactState.PLANNED), default=end)
    yield from _asked(case, FINISH, Subject.FINISH, max(end, last), _AT_ONCE, again=_A_WEEK)


_AT_ONCE = Span()
_A_WEEK = Span(7 * 86400)


SEARCH_WORDS = "While we look for somebody, we try again at this rhythm."


def why(item: Item, case: Case) -> str:
    """The rule behind an item in words that a bridger understands; names nobody."""
    if item.kind == CONTACT_MISSED:
        contact = next((c for c in case.contacts if c.id == item.subject_id), None)
        if contact is not None and contact.key == LOST_KEY:
            return SEARCH_WORDS
        rule = case.rule(contact.key) if contact is not None else None
        return "If nothing is logged by then, somebody else is told." if rule is None else rule_words(rule, case)
    return _WHY.get(item.kind, "")


def rule_words(rule: ContactRule, case: Case) -> str:
    """When a contact is due by its rule, in words: `Within 24 hours of leaving`."""
    return due_words(rule, is_high_risk=case.is_high_risk)


def due_words(rule: ContactRule, *, is_high_risk: bool) -> str:
    """The same for whoever has no whole case in hand: only the risk changes the words."""
    due, high = rule.due, is_high_risk
    anchors = {
        "discharge": "leaving",
        "acceptance": "the program's yes",
        "expected_discharge": "the expected date",
        "first_appointment": "the first appointment",
        "hold": "the start of the hold",
        "handover": "the change of bridger",
        "referral": "the referral",
    }
    if due.before is not None and due.by is not None:
        return f"{due.by.words} before {anchors[due.before]}"
    name = anchors[due.after or "discharge"]
    if rule.every is not None and due.dates is not None:
        return "Every day" if rule.every.seconds == 86400 else f"Every {rule.every.words}"
    if due.dates is not None:
        first, last = due.high_risk_dates if high and due.high_risk_dates else due.dates
        if first == last == 0:
            return f"On the day of {name}"
        return f"Between day {first} and day {last} after {name}"
    span = due.high_risk if high and due.high_risk is not None else due.within
    return f"Within {span.words} of {name}" if span is not None else ""


_WHY = {
    OFFER: "Nobody has this person yet, so the best match is asked.",
    OFFER_EXPIRES: "If the offer is not answered by then, the next bridger is asked.",
    UNACCEPTED: "The referrer was promised an answer by then.",
    UNASSIGNED: "A bridger by name was promised by then; otherwise the supervisor is told.",
    DATE_CHECK: "The expected date has passed or is not known, and nobody has recorded that the person left.",
    REMIND: "A reminder while there is still time.",
    UNACKNOWLEDGED: "If nobody takes it by then, the next person is told.",
    UNRESOLVED: "It was taken; if it is not settled by then, the next person is told.",
    STREAK: "Several contacts in a row were missed.",
    REVIEW: "A person decides whether to keep waiting.",
    CANCEL_UNDECIDED: "The referrer asked to cancel and waits for an answer.",
    CONSENT_PENDING: "The person's agreement is not on record yet.",
    CONSENT_EXPIRES: "The person's agreement ends soon.",
    CLOSE_LOST: "The search has lasted as long as the protocol asks; a supervisor signs the closure or keeps going.",
    FINISH: "The planned time is over; a supervisor closes or extends.",
    REPORT: "The referrer hears how it ended, as far as the person agreed.",
}
