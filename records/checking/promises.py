"""The promises of design §5 for one referral: its rows held beside its journal, its protocol and its consents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from records import clock
from records.checking.agenda import OPEN, OVER, next_of
from records.checking.calling import MEANING_WITH_CALLS
from records.checking.chain import chain_problems, is_proved
from records.checking.dossier import Dossier
from records.checking.plan import Known
from records.checking.protocol import Rule
from records.checking.story import GRACE, Story
from records.checking.telling import said_to_others, told_to_staff
from records.checking.texting import texts_to_the_person

NAMES = {
    1: "open means awaited",
    2: "no silent miss",
    3: "no false alarm",
    4: "once",
    5: "a ladder climbs",
    6: "no word without consent",
    7: "no harm by text",
    8: "one bridger at a time",
    9: "nothing lost",
    10: "rebuildable",
    11: "the journal reproduces the state",
    12: "nobody sees what is not theirs",
}
"""Every invariant by its number in design §5."""
_NEEDS_REASON = frozenset({"waived", "superseded", "suspended", "closed"})
_FOLLOW_UP = frozenset({"contact", "streak", "release", "date", "lost", "finish"})
Problem = tuple[int, str]


class Judged(NamedTuple):
    """What came of one referral: what does not hold, and what was carried out late, by how much."""

    problems: list[Problem]
    late: list[timedelta]


def judge(dossier: Dossier, now: datetime) -> Judged:
    """Look at everything about one referral, as it was read at a moment that began at `now`."""
    try:
        story = tell(dossier, now)
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as defect:
        unclear = (11, f"the journal cannot be followed ({type(defect).__name__})")
        return Judged([unclear, *_whole_chain(dossier)], [])
    found = list(story.problems)
    for rule in _RULES:
        found += rule(dossier, story, now)
    found += said_to_others(dossier, now)
    found += told_to_staff(dossier, story)
    found += texts_to_the_person(dossier)
    return Judged(list(dict.fromkeys(found)), list(story.late.values()))


def tell(dossier: Dossier, now: datetime) -> Story:
    """The story of a referral, from its journal."""
    row, entries, around = dossier.referral, dossier.tables["journal"], dossier.around
    events = Counter(entry.event for entry in entries)
    moved = next((entry for entry in entries if entry.event == "protocol.moved"), None)
    zones = sum(bool(entry.data.get("zone")) for entry in entries if entry.event == "person.corrected")
    known = Known(around.protocols[moved.data["before"] if moved is not None else row.protocol_id], dossier.where)
    # What filing does not write into the journal is what the row says, as long as nothing has changed it since.
    if not events["date.moved"] + events["date.withdrawn"]:
        known.expected_time = row.expected_time
    else:
        known.knows_time = False
    if not events["appointment.set"]:
        known.first_appointment_at = row.first_appointment_at
    else:
        known.knows_appointment = False
    if any(entry.event == "referral.submitted" and entry.data.get("discharged_at") for entry in entries):
        changed = events["referral.discharged"] + events["discharge.corrected"] + events["discharge.cancelled"]
        known.is_unscheduled = None if changed else bool(row.is_unscheduled)
    story = Story(known, around.protocols, now, final_where=dossier.where, zones_to_come=zones)
    if zones:
        known.where = None
    story.tell(entries, MEANING_WITH_CALLS)
    return story


def _awaited(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    row, due = d.referral, next_of(d)
    kept = (row.next_at, row.next_item) if row.next_at is not None else None
    if kept != due:
        yield 1, f"the record waits for {_item(kept)}, and what comes next is {_item(due)}"
    if row.status in OPEN and due is None:
        yield 1, f"nothing is awaited, though it is {row.status}"
    if row.status in OPEN and row.owner_id not in d.around.staff:
        yield 1, "nobody owns it"


def _item(item: tuple[datetime, str] | None) -> str:
    return f"“{item[1]}” at {item[0].isoformat()}" if item is not None else "nothing"


def _no_silent_miss(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    row = d.referral
    if row.next_at is not None and row.next_at < now - GRACE * max(1.0, clock.speed()):
        yield 2, f"“{row.next_item}” was due at {row.next_at.isoformat()} and was not carried out"
    called = {call.subject_id for call in d.tables["escalation"] if call.subject == "contact"}
    for contact in d.tables["contact"]:
        if contact.state == "missed":
            if contact.id not in called:
                yield 2, f"{contact.key} was missed, and there is no call about it"
            if contact.missed_at != contact.due_at:
                yield 2, f"{contact.key} was due at {contact.due_at}, and its miss is dated {contact.missed_at}"
            rule = _rule(d, s, contact)
            names = {name for name, _ in rule.prompts(contact.opens_at, contact.due_at, d.where)} if rule else set()
            if left := names - set(contact.prompted):
                yield 2, f"{contact.key} was missed, and nobody was reminded of it before ({', '.join(sorted(left))})"
        elif contact.state in _NEEDS_REASON and not contact.reason:
            yield 2, f"{contact.key} is {contact.state} without a reason"
        elif contact.state == "planned" and row.status in OVER:
            yield 3, f"{contact.key} is awaited after the end"


def _rule(d: Dossier, s: Story, contact: Any) -> Rule | None:
    """The rule by which a contact was met or missed: of the version that the case followed then."""
    told = s.contacts.get(contact.id)
    return ((told.judged_by if told is not None else None) or d.protocol).rule(contact.key)


def _no_false_alarm(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    row, contacts = d.referral, {contact.id: contact for contact in d.tables["contact"]}
    for call in d.tables["escalation"]:
        if call.state == "resolved":
            continue
        about = contacts.get(call.subject_id)
        if row.status in OVER:
            yield 3, f"a call about {call.subject} is open, though the case is over"
        if call.subject == "contact" and (about is None or about.state != "missed"):
            yield 3, f"a call is open about a contact that is {about.state if about else 'not there'}"
        if row.status == "on_hold" and call.subject in _FOLLOW_UP:
            rule = d.protocol.rule(about.key) if about is not None else None
            if rule is None or rule.after not in ("hold", "handover"):
                yield 3, f"a call about {call.subject} is open, though follow-up rests"
    attempts = {attempt.id: attempt for attempt in d.tables["attempt"]}
    for contact in d.tables["contact"]:
        if contact.state not in ("met", "met_late"):
            continue
        if contact.met_at is None or (contact.met_at <= contact.due_at) != (contact.state == "met"):
            yield (
                3,
                f"{contact.key} counts as {contact.state}, and was met at {contact.met_at}, due at {contact.due_at}",
            )
        rule, attempt = _rule(d, s, contact), attempts.get(contact.met_by)
        if contact.met_by is None:
            if rule is None or rule.raw.get("counts") != "task":
                yield 3, f"{contact.key} was met by nothing"
        elif attempt is None or attempt.is_retracted:
            yield 3, f"{contact.key} was met by an attempt that was taken back"
        elif attempt.at < contact.opens_at:
            yield 3, f"{contact.key} was met by an attempt from before its window"
        elif rule is not None and not rule.is_met_by(attempt.mode, attempt.outcome):
            yield 3, f"{contact.key} was met by an attempt ({attempt.mode}, {attempt.outcome}) that does not count"


def _once(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    planned = Counter((c.cycle, c.key, c.seq) for c in d.tables["contact"] if c.state in ("planned", "missed"))
    for (_, key, seq), count in planned.items():
        if count > 1:
            yield 4, f"{key} {seq} is there {count} times"
    waiting = sum(offer.state == "open" for offer in d.tables["offer"])
    if waiting > 1:
        yield 4, f"{waiting} offers are open"
    if waiting and (d.referral.bridger_id is not None or d.referral.status not in ("accepted", "in_progress")):
        yield 3, "an offer is open that nobody needs"
    if (d.referral.reported_at is not None) != (s.reports > 0):
        yield 4, "the record and the journal disagree whether the referrer was told how it ended"
    told_of = Counter(e.subject_id for e in d.tables["journal"] if e.event == "escalation.raised")
    for call in d.tables["escalation"]:
        if told_of[call.id] != 1:
            yield 4, f"rung {call.rung} about {call.subject} was raised {told_of[call.id]} times, by the journal"


def _ladders(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    climbs: dict[tuple[str, str, int], list[Any]] = {}
    for call in d.tables["escalation"]:
        climbs.setdefault((call.subject, call.subject_id, call.occurrence), []).append(call)
        if not call.told:
            yield 5, f"rung {call.rung} about {call.subject} told nobody"
        elif call.owner_id is None or any(not one.get("name") for one in call.told):
            yield 5, f"rung {call.rung} about {call.subject} names nobody who answers"
        ladder = d.protocol.ladder(call.ladder) or []
        if not s.events["protocol.moved"] and call.rung < len(ladder):
            strangers = {one.get("role") for one in call.told} - {*ladder[call.rung]["tell"], "in_charge"}
            if strangers:
                yield 5, f"rung {call.rung} about {call.subject} told somebody whom the protocol does not name"
    for (subject, _, _), rungs in climbs.items():
        numbers = sorted(call.rung for call in rungs)
        if numbers != list(range(len(numbers))):
            yield 5, f"the ladder about {subject} has the rungs {numbers}"
        top = max(rungs, key=lambda call: call.rung)
        if top.state == "resolved" and any(call.state != "resolved" for call in rungs):
            yield 5, f"the ladder about {subject} stopped at rung {top.rung}"


def _one_bridger(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    row, assignments = d.referral, d.tables["assignment"]
    held = [one.bridger_id for one in assignments if one.ended_at is None]
    if held != ([row.bridger_id] if row.bridger_id is not None else []):
        yield 8, f"{len(held)} assignments are open, and the referral says {'one' if row.bridger_id else 'none'}"
    if row.status in OVER and held:
        yield 8, "somebody is still assigned, though the case is over"
    in_order = sorted(assignments, key=lambda one: (one.started_at, one.ended_at is None, one.ended_at or now))
    for before, after in pairwise(in_order):
        if before.ended_at is None or before.ended_at > after.started_at:
            yield 8, "two people had the person at the same time"
    if row.status == "in_progress" and not held:
        sought = any(offer.state == "open" for offer in d.tables["offer"])
        told = any(call.subject == "assignment" and call.state != "resolved" for call in d.tables["escalation"])
        if not sought and not told and row.next_at is None:
            yield 8, "nobody has the person, nobody is asked and nobody was told"


def _nothing_lost(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    """Every row has its line in the journal, and every line its row."""
    for table, told, what in (
        ("attempt", set(s.attempts), "attempt"),
        ("contact", set(s.contacts), "contact"),
        ("escalation", set(s.calls), "call"),
    ):
        rows = {row.id for row in d.tables[table]}
        if rows != told:
            yield 9, f"{len(told - rows)} {what}s of the journal are not there, and {len(rows - told)} are not in it"
    offers = {row.id for row in d.tables["offer"] if row.decline_reason != "private"}
    if missing := set(s.offers) - {row.id for row in d.tables["offer"]}:
        yield 9, f"{len(missing)} offers of the journal are not there"
    elif more := offers - set(s.offers):
        yield 9, f"{len(more)} offers are not in the journal"


def _whole_chain(d: Dossier) -> Iterator[Problem]:
    row = d.referral
    ends_at = (row.journal_seq, row.journal_head)
    if row.journal_proof and not is_proved(row.journal_proof, row.id, *ends_at):
        yield 11, "what proves where the journal ends does not"
    for problem in chain_problems(d.tables["journal"], ends_at):
        yield 11, problem


def _journal(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    row, k = d.referral, s.known
    yield from _whole_chain(d)
    said = {
        "status": (row.status, k.status),
        "discharge": (row.discharged_at, k.discharged_at),
        "expected date": (row.expected_on, k.expected_on),
        "cycle": (row.cycle, k.cycle),
        "version of the protocol": (d.protocol, k.protocol),
        "bridger": (row.bridger_id, s.bridger_id),
        "acceptance": (row.accepted_at, k.accepted_at),
        "search": (row.lost_at, k.lost_at),
        "end of the plan": (row.finish_at, k.finish_at),
        "risks": (frozenset(row.risks), k.risks),
        "request to cancel": (row.cancel_requested_at is not None, s.is_cancel_asked),
        "first appointment": (row.first_appointment_at, k.first_appointment_at),
    }
    if row.status == "draft" or k.status == "draft":
        said = {"status": said["status"]}
    for what, (kept, told) in said.items():
        if kept != told:
            yield 11, f"its {what} is not what the journal says"
    holds = [hold.id for hold in d.tables["hold"] if hold.ended_at is None]
    if holds != ([s.hold_id] if s.hold_id else []) or (row.status == "on_hold") != bool(holds):
        yield 11, "its holds are not what the journal says"
    yield from _states(d, s)


def _states(d: Dossier, s: Story) -> Iterator[Problem]:
    """Where contacts, calls and offers stand is where the journal leaves them."""
    for contact in d.tables["contact"]:
        told = s.contacts.get(contact.id)
        if told is not None and (contact.state, contact.due_at) != (told.state, told.due):
            yield (
                11,
                (
                    f"{contact.key} is {contact.state}, due at {contact.due_at.isoformat()}; by the journal it is "
                    f"{told.state}, due at {told.due.isoformat()}"
                ),
            )
    for call in d.tables["escalation"]:
        heard = s.calls.get(call.id)
        if heard is not None and call.state != heard.state:
            yield 11, f"rung {call.rung} about {call.subject} is {call.state}, and by the journal {heard.state}"
        elif heard is not None and heard.state == "raised" and call.answer_by != heard.answer_by:
            yield 5, f"rung {call.rung} about {call.subject} must be answered by another time than the journal says"
        elif heard is not None and heard.state == "acknowledged" and call.act_by != heard.act_by:
            yield 5, f"rung {call.rung} about {call.subject} must be settled by another time than the journal says"
    for offer in d.tables["offer"]:
        if offer.id in s.offers and offer.state != s.offers[offer.id]["state"]:
            yield 11, f"an offer is {offer.state}, and by the journal {s.offers[offer.id]['state']}"


def _of_one_program(d: Dossier, s: Story, now: datetime) -> Iterator[Problem]:
    """Whatever hangs on a referral belongs to its program, and so does whoever is told of it."""
    mine = d.referral.program_id
    for table in ("contact", "attempt", "escalation", "offer", "assignment", "hold", "notification", "disclosure"):
        if any(row.program_id != mine for row in d.tables[table]):
            yield 12, f"a row of {table} belongs to another program"
    people = {d.referral.bridger_id, d.referral.owner_id}
    people |= {one["staff_id"] for call in d.tables["escalation"] for one in call.told}
    people |= {row.staff_id for row in d.tables["notification"]}
    for staff_id in people - {None}:
        staff = d.around.staff.get(staff_id)
        if staff is None or staff.program_id != mine:
            yield 12, "somebody who is not of the program has the person or was told of them"


_RULES = (
    _awaited, _no_silent_miss, _no_false_alarm, _once, _ladders, _one_bridger, _nothing_lost, _journal, _of_one_program,
)  # fmt: skip
