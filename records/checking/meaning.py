"""What each event of the journal means for the story: dates, status, contacts, attempts, offers, holds, the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from records.checking.agenda import OPEN, OVER
from records.checking.clocks import later
from records.checking.dossier import parsed
from records.checking.offering import offer_becomes, offered
from records.checking.plan import APART
from records.checking.protocol import SEARCH, of_risk
from records.checking.story import Story, Told

UNPLANNED = frozenset({"court_release", "against_advice", "eloped"})
Meaning = dict[str, Callable[[Story, Any], None]]


def _at(kept: str) -> datetime:
    return datetime.fromisoformat(kept)


def _submitted(s: Story, e: Any) -> None:
    k, data = s.known, e.data
    if k.status != "draft":
        s.wrong(11, "it was filed twice")
    k.status, k.risks = "submitted", frozenset(data.get("risks", ()))
    k.was_high = k.was_high or k.is_high
    k.expected_on = date.fromisoformat(data["expected_on"]) if data.get("expected_on") else None
    k.date_known_at = s.now if k.expected_on else None
    k.discharged_at = parsed(data.get("discharged_at"))


def _accepted(s: Story, e: Any) -> None:
    if s.known.status != "submitted":
        s.wrong(11, f"it was accepted while it was {s.known.status}")
    s.known.status, s.known.accepted_at = "accepted", s.now
    s.is_planning = True


def _rejected(s: Story, e: Any) -> None:
    s.known.status = "rejected"


def _assigned(s: Story, e: Any) -> None:
    if s.bridger_id is not None:
        s.wrong(8, "somebody was assigned while somebody else was")
    s.bridger_id = e.data["bridger"]
    if s.known.status == "accepted":
        s.known.status = "in_progress"
    elif s.known.status in OVER:
        s.wrong(8, "somebody was assigned after the end")


def _bridger_ended(s: Story, e: Any) -> None:
    if s.bridger_id != e.data["bridger"]:
        s.wrong(8, "an assignment ended that was not there")
    s.bridger_id = None


def _hold_started(s: Story, e: Any) -> None:
    k = s.known
    if s.hold_id is not None:
        s.wrong(11, "a hold began within a hold")
    s.hold_id, k.status, k.holds, k.hold_begins = e.subject_id, "on_hold", k.holds + 1, [e.at]
    s.is_planning = True


def _hold_ended(s: Story, e: Any) -> None:
    k, left_at = s.known, parsed(e.data.get("discharged_at"))
    _end_hold(s, e)
    if left_at is not None:
        s.left.append((e.subject_id, k.discharged_at))
        if k.discharged_at is not None:
            k.cycle, k.lost_at = k.cycle + 1, None
        k.discharged_at = left_at
    s.is_planning = True


def _hold_undone(s: Story, e: Any) -> None:
    _end_hold(s, e)
    s.is_planning = True


def _end_hold(s: Story, e: Any) -> None:
    if s.hold_id != e.subject_id:
        s.wrong(11, "a hold ended that had not begun")
    s.hold_id, s.known.status = None, "in_progress" if s.bridger_id else "accepted"


def _discharged(s: Story, e: Any) -> None:
    k = s.known
    k.is_unscheduled = e.data.get("disposition") in UNPLANNED
    if not e.data.get("after_hold"):
        k.discharged_at = e.at
        s.left.append((None, None))
        s.is_planning = True


def _discharge_corrected(s: Story, e: Any) -> None:
    k = s.known
    if k.discharged_at != parsed(e.data["before"]):
        s.wrong(11, "a discharge was corrected that was not there")
    k.discharged_at = parsed(e.data["after"])
    if e.data.get("disposition") in UNPLANNED:
        k.is_unscheduled = True
    s.is_planning = True


def _discharge_cancelled(s: Story, e: Any) -> None:
    k = s.known
    hold_id, before = s.left.pop() if s.left else (None, None)
    k.discharged_at, k.lost_at, k.is_unscheduled, k.date_known_at = None, None, False, s.now
    if hold_id is not None:
        s.hold_id, k.status = hold_id, "on_hold"
        k.hold_begins = [*k.hold_begins, s.now]
        if before is not None:
            k.cycle, k.discharged_at = k.cycle - 1, before
    s.is_planning = True


def _closed(s: Story, e: Any) -> None:
    if s.known.status in OVER:
        s.wrong(11, "it ended twice")
    s.known.status, s.is_cancel_asked = e.data["status"], False
    s.closed_hold_id, s.hold_id = s.hold_id, None


def _end_undone(s: Story, e: Any) -> None:
    k = s.known
    if k.status not in OVER:
        s.wrong(11, "an end was taken back that there was not")
    k.status = e.data["status"]
    for contact_id in e.data["contacts"]:
        contact = s.contacts.get(contact_id)
        if contact is not None and contact.state == "closed":
            contact.becomes("planned", s.now)
    s.reports = 0
    if k.status == "on_hold":
        s.hold_id, k.hold_begins = s.closed_hold_id, [*k.hold_begins, s.now]
    s.is_planning = True


def _date_moved(s: Story, e: Any) -> None:
    k, after = s.known, e.data.get("after")
    k.expected_on = date.fromisoformat(after) if after else None
    k.expected_time = time.fromisoformat(e.data["time"]) if e.data.get("time") else None
    k.knows_time, k.date_known_at = True, s.now
    s.is_planning = True


def _risks(s: Story, e: Any) -> None:
    s.known.risks = frozenset(e.data["after"])
    if s.known.is_high:
        s.known.was_high = True
        _hurry(s)
    s.is_planning = True


def _hurry(s: Story) -> None:
    """Whoever was called has the shorter time, counted from when they were told."""
    where = s.known.where
    for call in s.open_calls():
        rungs = s.known.protocol.ladder(call.ladder) or []
        if call.told_times > 1 or where is None or call.rung >= len(rungs):
            continue
        rung = rungs[call.rung]
        call.answer_by = min(call.answer_by, later(call.raised_at, of_risk(rung["answer"], True), where))
        if call.act_by is not None and call.taken_at is not None and not call.is_decided:
            act = of_risk(rung.get("act", ACT), True)
            call.act_by = min(call.act_by, later(call.taken_at, act, where))


ACT = {"standard": "P1D", "high_risk": "PT4H"}
"""How long whoever takes a call has, where the protocol says nothing."""


def _appointment(s: Story, e: Any) -> None:
    s.known.first_appointment_at, s.known.knows_appointment = parsed(e.data.get("when")), True
    s.is_planning = True


def _search_started(s: Story, e: Any) -> None:
    k = s.known
    k.lost_at = s.now
    mine = (c for c in s.contacts.values() if c.key == SEARCH and c.cycle == k.cycle)
    # Numbers go on after those that had begun; what was planned later, before the person was found, never came about.
    k.searched_before = max((c.seq for c in mine if c.opens is not None and c.opens < s.now), default=0)
    s.is_planning = True


def _search_ended(s: Story, e: Any) -> None:
    s.known.lost_at = None
    s.is_planning = True


def _extended(s: Story, e: Any) -> None:
    s.known.finish_at = parsed(e.data["until"])
    s.is_planning = True


def _person_corrected(s: Story, e: Any) -> None:
    if e.data.get("zone"):
        s.zones_to_come -= 1
        s.known.where = s.final_where if s.zones_to_come == 0 else None
        s.is_planning = True


def _protocol_moved(s: Story, e: Any) -> None:
    if s.known.protocol is not s.protocols[e.data["before"]]:
        s.wrong(11, "it was moved from a version that it did not follow")
    s.known.protocol = s.protocols[e.data["after"]]
    for contact in s.contacts.values():
        if contact.state == "planned":
            contact.since = s.now  # by the version's own reminders, too, nothing was due before
    s.is_planning = True


def _cancel_asked(s: Story, e: Any) -> None:
    s.is_cancel_asked = True


def _cancel_answered(s: Story, e: Any) -> None:
    s.is_cancel_asked = False


def _report(s: Story, e: Any) -> None:
    s.timer_ran = True
    s.reports += 1
    if s.known.status not in OVER:
        s.wrong(4, "the referrer was told how it ended before it had")
    if s.reports > 1:
        s.wrong(4, "the referrer was told more than once how it ended")


# --- contacts


def _plan_changed(s: Story, e: Any) -> None:
    for contact_id, key, seq, opens, due in e.data["added"]:
        cycle = s.known.cycle
        contact = Told(contact_id, key, seq, cycle, parsed(opens), _at(due), s.now)
        same = [c for c in s.contacts.values() if (c.key, c.seq, c.cycle) == (key, seq, cycle) and c.state == "planned"]
        if same:
            s.wrong(4, f"{key} {seq} was planned twice")
        s.contacts[contact_id] = contact
        s.was_planned(contact)
    for contact_id, before, after in e.data["moved"]:
        contact = s.contacts[contact_id]
        if contact.due != parsed(before):
            s.wrong(11, f"{contact.key} moved from a time that it did not have")
        contact.moves(_at(after), s.now)
    for contact_id, state in e.data["ended"]:
        s.contacts[contact_id].becomes(state, s.now)
    s.is_planning = True


def _met(s: Story, e: Any) -> None:
    contact, state = s.contacts[e.subject_id], e.event.partition(".")[2]
    if contact.state not in ("planned", "missed"):
        s.wrong(3, f"{contact.key} was {state} after it was {contact.state}")
    if (e.at <= contact.due) != (state == "met"):
        s.wrong(3, f"{contact.key} was due at {contact.due.isoformat()} and counts as {state}")
    contact.state, contact.judged_by = state, s.known.protocol


def _missed(s: Story, e: Any) -> None:
    contact, status = s.contacts[e.subject_id], s.known.status
    s.timer_ran = True
    if contact.state != "planned":
        s.wrong(4 if contact.state == "missed" else 3, f"{contact.key} was missed after it was {contact.state}")
    if status not in OPEN or not s.is_awaited(contact):
        s.wrong(3, f"{contact.key} was missed while the referral was {status}")
    if e.at != contact.due:
        s.wrong(2, f"{contact.key} was due at {contact.due.isoformat()}, and its miss is dated {e.at.isoformat()}")
    s.was_kept(contact.id, contact.due, s.now, since=contact.since)
    contact.state, contact.judged_by = "missed", s.known.protocol
    if all(call.state == "resolved" for call in s.chain(("contact", contact.id))):
        s.owed.add(contact.id)
    _owe_streaks(s, contact)


def _owe_streaks(s: Story, contact: Told) -> None:
    rule = s.known.protocol.by_key.get(contact.key)
    if rule is None or "streaks" not in rule.raw or contact.cycle != s.known.cycle:
        return
    run = 0
    mine = (c for c in s.contacts.values() if c.key == contact.key and c.cycle == contact.cycle)
    for one in sorted(mine, key=lambda c: c.seq):
        if one.state in ("met", "met_late"):
            run = 0
        elif one.state == "missed":
            run += 1
            for streak in rule.raw["streaks"]:
                about = f"{one.key}:{streak['misses']}:{one.cycle}:{one.seq}"
                if run == streak["misses"] and ("streak", about) not in s.chains:
                    s.owed_streaks.add(about)


def _waived(s: Story, e: Any) -> None:
    s.contacts[e.subject_id].state = "waived"


def _reopened(s: Story, e: Any) -> None:
    s.contacts[e.subject_id].becomes("planned", s.now)
    s.is_planning = True


def _contacts_become(state: str) -> Callable[[Story, Any], None]:
    def become(s: Story, e: Any) -> None:
        for contact_id in e.data["contacts"]:
            s.contacts[contact_id].becomes(state, s.now)
        if state in ("planned", "superseded"):
            s.is_planning = True

    return become


def _corrected(s: Story, e: Any) -> None:
    for contact_id, _was, state, _before, due in e.data["contacts"]:
        contact = s.contacts[contact_id]
        contact.state = state
        contact.moves(_at(due), s.now)


def _reminded(s: Story, e: Any) -> None:
    contact, prompt = s.contacts[e.subject_id], e.data["prompt"]
    s.timer_ran = True
    told = (contact.id, prompt, e.data["due_at"])
    if told in s.reminded:
        s.wrong(4, f"somebody was reminded twice of {contact.key}")
    s.reminded.add(told)
    if contact.state != "planned":
        s.wrong(3, f"somebody was reminded of {contact.key}, which was {contact.state}")
    s.was_kept(f"{contact.id}:{prompt}", e.at, s.now, since=contact.since)
    rule, where = s.known.protocol.rule(contact.key), s.known.where
    if rule is not None and where is not None and contact.opens is not None:
        at = dict(rule.prompts(contact.opens, contact.due, where)).get(prompt)
        if at != e.at:
            s.wrong(4, f"a reminder of {contact.key} was due at {at}, and came for {e.at.isoformat()}")


def _attempt(s: Story, e: Any) -> None:
    s.attempts[e.subject_id] = True


def _retracted(s: Story, e: Any) -> None:
    s.attempts[e.subject_id] = False


MEANING: Meaning = {
    "referral.submitted": _submitted, "referral.accepted": _accepted, "referral.rejected": _rejected,
    "bridger.assigned": _assigned, "bridger.ended": _bridger_ended,
    "hold.started": _hold_started, "hold.ended": _hold_ended, "hold.undone": _hold_undone,
    "referral.discharged": _discharged, "discharge.corrected": _discharge_corrected,
    "discharge.cancelled": _discharge_cancelled, "referral.closed": _closed, "end.undone": _end_undone,
    "date.moved": _date_moved, "date.withdrawn": _date_moved, "risks.changed": _risks,
    "appointment.set": _appointment, "search.started": _search_started, "search.ended": _search_ended,
    "plan.extended": _extended, "person.corrected": _person_corrected, "protocol.moved": _protocol_moved,
    "cancel.requested": _cancel_asked, "cancel.agreed": _cancel_answered, "cancel.refused": _cancel_answered,
    "report.sent": _report, "report.withheld": _report,
    "plan.changed": _plan_changed, "contact.met": _met, "contact.met_late": _met, "contact.missed": _missed,
    "contact.waived": _waived, "contact.reopened": _reopened, "contact.reminded": _reminded,
    "contacts.suspended": _contacts_become("suspended"), "contacts.excused": _contacts_become("suspended"),
    "contacts.closed": _contacts_become("closed"), "contacts.superseded": _contacts_become("superseded"),
    "contacts.restored": _contacts_become("planned"), "contacts.corrected": _corrected,
    "attempt.logged": _attempt, "attempt.retracted": _retracted,
    "offer.made": offered, "offer.accepted": offer_becomes("accepted"),
    "offer.declined": offer_becomes("declined"), "offer.expired": offer_becomes("expired"),
    "offer.withdrawn": offer_becomes("withdrawn"),
}  # fmt: skip

__all__ = ["ACT", "APART", "MEANING"]
