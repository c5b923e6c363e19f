"""What must happen next for a referral, and when: computed from its rows, to be held beside what the record says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from records.checking.clocks import later, length
from records.checking.dossier import Dossier
from records.checking.plan import search_is_over

OVER = frozenset({"completed", "rejected", "cancelled", "failed", "entered_in_error"})
OPEN = frozenset({"submitted", "accepted", "in_progress", "on_hold"})
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
Next = tuple[datetime, str]


def next_of(dossier: Dossier) -> Next | None:
    """The soonest of what waits; None when nothing does."""
    return min(_all_of(dossier), default=None)


def _all_of(d: Dossier) -> Iterator[Next]:
    row = d.referral
    if row.status == "draft":
        return
    since = row.submitted_at or row.created_at
    if row.status in OVER:
        if row.reported_at is None and row.status != "entered_in_error":
            yield row.ended_at or since, "report"
        return
    yield from _calls(d)
    yield from _consent(d)
    if row.cancel_requested_at is not None:
        within = d.protocol.says("cancel_answer", "P1BD")
        yield from _asked(d, "cancel_undecided", "cancel", row.id, row.cancel_requested_at, within)
    if row.status == "submitted":
        yield from _asked(d, "unaccepted", "acceptance", row.id, *_yes(d, since))
        return
    yield from _bridger(d)
    if row.status == "on_hold":
        yield from _hold(d)
    else:
        yield from _date(d)
        yield from _streaks(d)
        yield from _end(d)
    yield from _contacts(d)


def _yes(d: Dossier, submitted_at: datetime) -> tuple[datetime, str]:
    """Whoever has left already waits for the program's yes no longer than for work on a late notice."""
    usual, late = d.protocol.raw["assignment"]["accept"], d.protocol.says("late_work", "PT4H")
    left = d.referral.discharged_at
    if left is None:
        return submitted_at, usual
    heard = max(submitted_at, d.referral.notice_at or left)
    is_sooner = later(heard, late, d.where) < later(submitted_at, usual, d.where, by_closing=True)
    return (heard, late) if is_sooner else (submitted_at, usual)


def _calls(d: Dossier) -> Iterator[Next]:
    """Of each ladder the highest rung waits for an answer, then to be settled."""
    tops: dict[tuple[str, str, int], Any] = {}
    for call in d.tables["escalation"]:
        chain = (call.subject, call.subject_id, call.occurrence)
        if call.state != "resolved" and (chain not in tops or tops[chain].rung < call.rung):
            tops[chain] = call
    for call in tops.values():
        if call.state == "raised":
            yield call.answer_by, "unacknowledged"
        else:
            yield call.act_by or call.answer_by, "unresolved"


def _asked(
    d: Dossier, kind: str, subject: str, about: str, since: datetime, within: str, again: timedelta | None = None
) -> Iterator[Next]:
    """A deadline that calls somebody; once that call is settled without effect, it runs anew."""
    mine = [call for call in d.tables["escalation"] if (call.subject, call.subject_id) == (subject, about)]
    if any(call.state != "resolved" for call in mine):
        return
    settled = max((call.resolved_at for call in mine), default=None)
    if settled is not None and settled > since:
        yield (settled + again if again else later(settled, within, d.where, by_closing=True)), kind
    else:
        yield later(since, within, d.where, by_closing=True), kind


def _bridger(d: Dossier) -> Iterator[Next]:
    row, rules = d.referral, d.protocol.raw["assignment"]
    if row.bridger_id is not None:
        return
    since = row.unassigned_since or row.accepted_at or row.submitted_at or row.created_at
    offers = d.tables["offer"]
    waiting = next((offer for offer in offers if offer.state == "open"), None)
    if waiting is not None:
        yield waiting.answer_by, "offer_expires"
    elif row.status != "on_hold":
        at = max([since, *(offer.closed_at for offer in offers if offer.closed_at is not None)])
        if row.offers_exhausted_at is not None:
            at = later(row.offers_exhausted_at, rules.get("retry", "PT4H"), d.where)
        yield at, "offer"
    yield from _asked(d, "unassigned", "assignment", row.id, since, rules["deadline"])


def _consent(d: Dossier) -> Iterator[Next]:
    row = d.referral
    if row.consent == "pending":
        since = row.discharged_at or row.accepted_at or row.submitted_at or row.created_at
        yield from _asked(d, "consent_pending", "consent", row.id, since, d.protocol.says("consent_by", "P7D"))
    elif row.consent == "given" and row.consent_expires_at is not None and row.consent_warned_at is None:
        warning = length(d.protocol.says("consent_warning", "P7D"))
        day = d.where.offices.business_day(d.where.day_of(row.consent_expires_at), -warning[1]) if warning[1] else None
        yield (d.where.moment(day) if day else row.consent_expires_at - warning[0]), "consent_expires"


def _hold(d: Dossier) -> Iterator[Next]:
    hold = next((hold for hold in d.tables["hold"] if hold.ended_at is None), None)
    if hold is None:
        return
    mine = [call for call in d.tables["escalation"] if (call.subject, call.subject_id) == ("hold", hold.id)]
    if any(call.state != "resolved" for call in mine):
        return
    reviews = d.protocol.raw.get("hold_review", ["P30D", "P90D"])
    done = sum(call.rung == 0 for call in mine)
    if done < len(reviews):
        yield hold.started_at + length(reviews[done])[0], "review"
    else:
        yield max((call.resolved_at for call in mine), default=hold.started_at) + MONTH, "review"


def _date(d: Dossier) -> Iterator[Next]:
    """Nobody has said that the person left: somebody asks after the expected date, and now and then without one."""
    row = d.referral
    if row.discharged_at is not None:
        return
    if row.expected_on is None:
        since = row.date_known_at or row.accepted_at or row.submitted_at or row.created_at
        within = d.protocol.says("date_review")
    else:
        ends = d.where.moment(row.expected_on + timedelta(days=1))
        since = ends if row.expected_time is None else d.where.moment(row.expected_on, row.expected_time)
        since = max(since, row.date_known_at or since)
        within = d.protocol.says("date_check")
    yield from _asked(d, "date_check", "date", row.id, since, within)


def _contacts(d: Dossier) -> Iterator[Next]:
    is_held = d.referral.status == "on_hold"
    for contact in d.tables["contact"]:
        if contact.state != "planned":
            continue
        rule = d.protocol.rule(contact.key)
        if is_held and (rule is None or rule.after not in ("hold", "handover")):
            continue
        yield contact.due_at, "contact_missed"
        if rule is not None:
            for name, at in rule.prompts(contact.opens_at, contact.due_at, d.where):
                if name not in contact.prompted:
                    yield at, "remind"


def _streaks(d: Dossier) -> Iterator[Next]:
    """So many of a series missed one after the other, and nobody was called about it yet."""
    called = {call.subject_id for call in d.tables["escalation"] if call.subject == "streak"}
    cycle = d.referral.cycle
    for rule in d.protocol.rules:
        for streak in rule.raw.get("streaks", ()):
            run = 0
            mine = (c for c in d.tables["contact"] if c.key == rule.key and c.cycle == cycle)
            for contact in sorted(mine, key=lambda c: c.seq):
                if contact.state in ("met", "met_late"):
                    run = 0
                elif contact.state == "missed":
                    run += 1
                    about = f"{rule.key}:{streak['misses']}:{cycle}:{contact.seq}"
                    if run == streak["misses"] and about not in called:
                        yield contact.due_at, "streak"


def _end(d: Dossier) -> Iterator[Next]:
    """The search is over, or the plan has run its course: somebody decides."""
    row = d.referral
    if row.discharged_at is None:
        return
    over = search_is_over(d.protocol, row.lost_at, row.discharged_at) if row.lost_at is not None else None
    if over is not None:
        yield from _asked(d, "close_lost", "lost", row.id, over, "PT0S", again=WEEK)
        return
    end = row.finish_at or later(row.discharged_at, d.protocol.says("finish"), d.where)
    waiting = [contact.due_at for contact in d.tables["contact"] if contact.state == "planned"]
    yield from _asked(d, "finish", "finish", row.id, max([end, *waiting]), "PT0S", again=WEEK)
