"""Every event of the journal as a sentence that a supervisor, a bridger and a planner can read.

Pure: an event's name and facts, and how to name the staff and contacts it speaks of. No blame, no health words that the
event itself does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from domain import vocabulary
from domain.clock import local_date
from domain.spoken import spoken, spoken_date, spoken_day, spoken_due, spoken_time
from domain.vocabulary import (
    Ask,
    Category,
    ClosureReason,
    ConsentStatus,
    Disposition,
    EndReason,
    HoldReason,
    Mode,
    Outcome,
    Resolution,
    RiskFlag,
    Scope,
    Subject,
    TellingWay,
    WelfareDecision,
)

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """How to name what an event speaks of: staff by id, contacts by id, the person's zone, the noun for leaving; and
    when somebody reads it."""

    staff: Mapping[str, str]
    contacts: Mapping[str, str]
    zone: str
    now: datetime
    leaving: str = "discharge"

    def who(self, staff_id: str | None) -> str:
        """A member of staff by name."""
        return self.staff.get(staff_id or "", "a colleague")

    def contact(self, contact_id: str | None) -> str:
        """A contact by its title."""
        return self.contacts.get(contact_id or "", "A contact")

    def when(self, value: str | None) -> str:
        """An instant as people there say it: `Thu Nov 26, 5 pm`."""
        return spoken(datetime.fromisoformat(value), self.zone, self.now) if value else "an unknown time"

    def day(self, on: date) -> str:
        """A date as people there say it: `Thu Nov 26`."""
        return spoken_day(on, local_date(self.now, self.zone))

    def due(self, value: str | None) -> str:
        """A due time as people there say it: midnight is the end of the day before."""
        return spoken_due(datetime.fromisoformat(value), self.zone, self.now) if value else "an unknown time"


Sentence = Callable[[Facts, Names, str], str]


def sentence(event: str, data: Facts, subject_id: str, names: Names) -> str:
    """The event in one sentence. Raises KeyError for an event without one: a test holds the table complete."""
    return SENTENCES[event](data, names, subject_id)


def details(event: str, data: Facts, names: Names) -> list[dict[str, str]]:
    """What is folded away under an event: the words people typed, times, what is behind it."""
    found = []
    for key, term in (("note", "Note"), ("reason", "Reason"), ("why", "Why"), ("override_reason", "Reason given")):
        value = data.get(key)
        if value and event not in _REASON_IN_SENTENCE:
            found.append({"term": term, "text": _label(_CHOSEN[event], value) if event in _CHOSEN else value})
    if data.get("due_at"):
        found.append({"term": "Due", "text": names.due(data["due_at"])})
    if data.get("answer_by"):
        found.append({"term": "Answer by", "text": names.when(data["answer_by"])})
    if data.get("minutes") is not None:
        found.append({"term": "Minutes", "text": str(data["minutes"])})
    for key, term in (("reasons", "Speaks for it"), ("against", "Speaks against it")):
        if data.get(key):
            found.append({"term": term, "text": " ".join(data[key])})
    return found


def kind(event: str, data: Facts) -> str:
    """Which mark the event has on the timeline: done, missed, message, system, note, hold."""
    if event in ("contact.met", "offer.accepted", "escalation.resolved", "referral.accepted", "bridger.assigned"):
        return "done"
    if event in ("contact.missed", "escalation.raised", "concern.raised", "escalation.repeated", "offers.exhausted"):
        return "missed"
    if event == "attempt.logged":
        return "done" if Outcome(data["outcome"]).is_two_way else "message"
    if event.startswith("hold.") or event == "referral.transferred":
        return "hold"
    if event.startswith(("offer.", "report.", "text.", "texts.")):
        return "message"
    if event in ("note.added", "escalation.acted"):
        return "note"
    return "system"


_REASON_IN_SENTENCE = frozenset(
    {"hold.started", "bridger.ended", "offer.declined", "referral.closed", "report.withheld"}
)
_CHOSEN: dict[str, type[vocabulary.Word]] = {"hold.outdated": HoldReason, "referral.rejected": ClosureReason}
"""Events whose reason was chosen from a list, and the list. Every other reason is what somebody typed."""


def _label(words: type[vocabulary.Word], value: str | None) -> str:
    return words(value).label if value else ""


def _lower(words: type[vocabulary.Word], value: str | None) -> str:
    label = _label(words, value)
    return label[:1].lower() + label[1:]


def _attempt(d: Facts, n: Names, _s: str) -> str:
    return f"{_label(Mode, d['mode'])}, {_lower(Outcome, d['outcome'])}."


def _met(d: Facts, n: Names, s: str) -> str:
    if d.get("was_missed"):
        return f"{n.contact(s)}: met in time after all, the contact was entered late."
    return f"{n.contact(s)}: met."


def _raised(d: Facts, n: Names, _s: str) -> str:
    told = [n.who(staff_id) for staff_id in d.get("told", [])]
    whom = ", ".join(told) if told else "nobody could be found to tell"
    ask = "" if d.get("ask") == Ask.ANSWER else f" {_label(Ask, d.get('ask'))}."
    return f"{_label(Subject, d['subject'])}. Told: {whom}.{ask}"


def _moved(d: Facts, n: Names, _s: str) -> str:
    after = date.fromisoformat(d["after"])
    before = date.fromisoformat(d["before"]) if d.get("before") else None
    shown = n.day if before is None or before.year == after.year else spoken_date
    now = shown(after) + (f", {spoken_time(time.fromisoformat(d['time']))}" if d.get("time") else "")
    if before is None or before == after:
        return f"Expected {n.leaving}: {now} ({_lower(vocabulary.DateCertainty, d['certainty'])})."
    return f"Expected {n.leaving} moved from {shown(before)} to {now}."


def _planned(d: Facts, n: Names, _s: str) -> str:
    parts = []
    for key, word in (("added", "added"), ("moved", "moved"), ("ended", "ended")):
        if d.get(key):
            parts.append(f"{len(d[key])} {word}")
    return f"Plan brought up to date, because {d['why']}: {', '.join(parts)}."


def _risks(d: Facts, n: Names, _s: str) -> str:
    now = ", ".join(_lower(RiskFlag, risk) for risk in d.get("after", [])) or "none"
    return f"Risk flags are now: {now}."


def _assigned(d: Facts, n: Names, _s: str) -> str:
    cover = f", covering for {n.who(d['covers_for'])}" if d.get("covers_for") else ""
    return f"{n.who(d.get('bridger'))} is the peer bridger{cover}."


def _discharged(d: Facts, n: Names, _s: str) -> str:
    late = d.get("late_by_minutes") or 0
    heard = f" We heard of it {late // 60} h {late % 60} min later." if late >= 60 else ""
    doubt = " The message came without a time zone; the facility's was taken." if d.get("offset_doubt") else ""
    return f"Left: {_lower(Disposition, d.get('disposition'))}.{heard}{doubt}"


def _count(d: Facts, key: str = "contacts") -> str:
    count = len(d.get(key, []))
    return "1 contact" if count == 1 else f"{count} contacts"


SENTENCES: dict[str, Sentence] = {
    "referral.drafted": lambda d, n, s: "A draft was made; it waits for a planner.",
    "referral.submitted": lambda d, n, s: "Referral filed.",
    "referral.accepted": lambda d, n, s: "The program accepted.",
    "referral.rejected": lambda d, n, s: f"The program did not accept: {_lower(ClosureReason, d['reason'])}.",
    "referral.discharged": _discharged,
    "referral.transferred": lambda d, n, s: f"Went elsewhere: {_lower(Disposition, d['disposition'])}.",
    "referral.closed": lambda d, n, s: f"Closed: {_lower(ClosureReason, d['reason'])}.",
    "referral.joined": lambda d, n, s: (
        "A second facility asked for the same person and was told that the program has it."
    ),
    "date.moved": _moved,
    "date.withdrawn": lambda d, n, s: f"The expected {n.leaving} date was withdrawn.",
    "discharge.corrected": lambda d, n, s: f"The time of {n.leaving} was corrected to {n.when(d['after'])}.",
    "discharge.cancelled": lambda d, n, s: f"The {n.leaving} was cancelled; its clock stopped.",
    "plan.changed": _planned,
    "plan.extended": lambda d, n, s: f"The plan was extended until {n.when(d['until'])}.",
    "protocol.moved": lambda d, n, s: (
        "The move to another version of its protocol was taken back."
        if d.get("taken_back")
        else "The case moved to another version of its protocol."
    ),
    "risks.changed": _risks,
    "appointment.set": lambda d, n, s: (
        f"First appointment: {n.when(d['when'])}." if d.get("when") else "No appointment."
    ),
    "meeting.set": lambda d, n, s: f"First meeting: {n.when(d['when'])}." if d.get("when") else "No meeting is set.",
    "consent.recorded": lambda d, n, s: f"Consent: {_lower(ConsentStatus, d['after'])}.",
    "permission.given": lambda d, n, s: f"They agreed: {_lower(Scope, d['scope'])}.",
    "outside.told": lambda d, n, s: (
        f"{d['to']} was told ({_lower(TellingWay, d['way'])}): {'; '.join(_lower(Category, c) for c in d['what'])}."
    ),
    "outside.refused": lambda d, n, s: f"{d['to']} was not told: {d['reason']}.",
    "permission.ended": lambda d, n, s: f"They took back: {_lower(Scope, d['scope'])}.",
    "consent.expiring": lambda d, n, s: f"Consent ends {n.when(d.get('expires_at'))}.",
    "note.added": lambda d, n, s: "Note.",
    "person.corrected": lambda d, n, s: "Details of the person were corrected.",
    "phone.quarantined": lambda d, n, s: "Wrong number: it is set aside until somebody clears it.",
    "phone.cleared": lambda d, n, s: "A number that was set aside is theirs after all.",
    "texts.allowed": lambda d, n, s: f"They agreed to texts ({_lower(vocabulary.AgreedHow, d['how'])}).",
    "texts.refused": lambda d, n, s: "They want no texts on one of their numbers.",
    "texts.stopped": lambda d, n, s: "STOP came from their number: no more texts to it. Calls go on.",
    "texts.resumed": lambda d, n, s: "START came from their number: texts are on again.",
    "text.sent": lambda d, n, s: f"An automatic text went out: {_lower(vocabulary.TextKind, d['kind'])}.",
    "text.replied": lambda d, n, s: f"A text came from their number: {_lower(vocabulary.ReplyKind, d['kind'])}.",
    "text.seen": lambda d, n, s: f"{n.who(d['by'])} has read their text.",
    "incident.opened": lambda d, n, s: "An incident was opened: a number turned out to be somebody else’s.",
    "phone.restored": lambda d, n, s: "The number is used again: the entry that called it wrong was taken back.",
    "offer.made": lambda d, n, s: f"Offered to {n.who(d['bridger'])}, to answer by {n.when(d['answer_by'])}.",
    "offer.accepted": lambda d, n, s: f"{n.who(d['bridger'])} accepted.",
    "offer.declined": lambda d, n, s: f"{n.who(d['bridger'])} cannot take this.",
    "offer.expired": lambda d, n, s: f"{n.who(d['bridger'])} did not answer in time; the next is asked.",
    "offer.withdrawn": lambda d, n, s: f"The offer to {n.who(d['bridger'])} was withdrawn: {d.get('why', '')}.",
    "offers.exhausted": lambda d, n, s: f"No bridger can be asked now: {d.get('why', '')}.",
    "bridger.assigned": _assigned,
    "bridger.ended": lambda d, n, s: f"{n.who(d['bridger'])} handed over: {_lower(EndReason, d['reason'])}.",
    "conflict.declared": lambda d, n, s: "A conflict was declared; the two are not matched.",
    "protective_order.recorded": lambda d, n, s: "A protective order was recorded.",
    "attempt.logged": _attempt,
    "attempt.retracted": lambda d, n, s: "An entry was taken back.",
    "contact.met": _met,
    "contact.met_late": lambda d, n, s: f"{n.contact(s)}: met late. It was due by {n.due(d['due_at'])}.",
    "contact.missed": lambda d, n, s: (
        f"{n.contact(s)}: overdue when we heard of it. It was due by {n.due(d['due_at'])}."
        if d.get("overdue_on_arrival")
        else f"{n.contact(s)}: not logged by {n.due(d['due_at'])}."
    ),
    "contact.reminded": lambda d, n, s: f"Reminder: {n.contact(s)} is due by {n.due(d['due_at'])}.",
    "contact.reopened": lambda d, n, s: f"{n.contact(s)}: awaited again.",
    "contact.waived": lambda d, n, s: f"{n.contact(s)}: waived.",
    "contacts.corrected": lambda d, n, s: f"{_count(d)} judged again, because {d['why']}.",
    "contacts.superseded": lambda d, n, s: f"{_count(d)} taken off the plan.",
    "contacts.suspended": lambda d, n, s: f"{_count(d)} suspended.",
    "contacts.closed": lambda d, n, s: f"{_count(d)} not needed any more.",
    "contacts.restored": lambda d, n, s: f"{_count(d)} back on the plan with the original dates.",
    "contacts.excused": lambda d, n, s: (
        f"{_count(d)} fell due during the hold and {'is' if len(d.get('contacts', [])) == 1 else 'are'} excused."
    ),
    "rhythm.changed": lambda d, n, s: f"By the person's wish: a contact every {d['every_days']} days.",
    "search.started": lambda d, n, s: "The search began: the usual rhythm rests while we look.",
    "search.ended": lambda d, n, s: "Found again.",
    "escalation.raised": _raised,
    "escalation.acknowledged": lambda d, n, s: "Taken: somebody is on it.",
    "escalation.acted": lambda d, n, s: "Action noted.",
    "escalation.repeated": lambda d, n, s: "Still open: told again.",
    "escalation.resolved": lambda d, n, s: f"Resolved: {_lower(Resolution, d['resolution'])}.",
    "welfare.decided": lambda d, n, s: f"Clinician's decision: {_lower(WelfareDecision, d['decision'])}.",
    "concern.raised": lambda d, n, s: "A safety concern was raised; the on-call clinician was told at once.",
    "admission.suspected": lambda d, n, s: (
        "Word came of an admission of somebody of this name and birth date, under a number that is not on record."
    ),
    "hold.started": lambda d, n, s: f"On hold: {_lower(HoldReason, d['reason'])}.",
    "hold.ended": lambda d, n, s: "The hold ended.",
    "hold.outdated": lambda d, n, s: "Word came of an admission that had ended before the discharge on record.",
    "hold.undone": lambda d, n, s: "The hold was taken back.",
    "cancel.requested": lambda d, n, s: "The referrer asked to cancel.",
    "cancel.agreed": lambda d, n, s: "The program agreed to cancel.",
    "cancel.refused": lambda d, n, s: "The program keeps the referral; the referrer was told why.",
    "person.died": lambda d, n, s: "The person died. Every reminder and message was stopped.",
    "end.undone": lambda d, n, s: "The end was taken back; the plan goes on with the original dates.",
    "disclosure.withheld": lambda d, n, s: "The referrer was not told: consent does not cover it.",
    "report.sent": lambda d, n, s: "The referrer was told how it ended.",
    "report.withheld": lambda d, n, s: f"The referrer was told only that it closed: consent is {d['consent']}.",
    "glass.broken": lambda d, n, s: "Somebody opened the record with a reason, without working with the person.",
}
"""Event → sentence, for every event on a referral's stream."""
