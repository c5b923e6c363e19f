"""One line of the board: who, from where, what comes next with its time, and in whose hands it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.filters import ago, due_time, local, local_day
from domain.agenda import REVIEW, TITLES, UNACCEPTED
from domain.sensitivity import list_labels
from domain.vocabulary import DateCertainty, EscalationState, ReferralStatus, Subject
from records.access import Actor
from records.queries.board import Row
from records.queries.board_facts import Facts
from records.queries.calls import CallsAbout, Climb, gravity
from records.tables import Escalation, Referral

GRAVITY = {
    0: ("Safety", "stop"),
    1: ("Welfare check", "stop"),
    2: ("High risk", "care"),
    3: ("", ""),
}


def line(key: str, row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    """One person in one section. `what` is the next item in words, `note` who is awaited, `at` its time."""
    referral = row.referral
    said = _SAID[key](row, facts, now)
    contact = facts.contacts.get(referral.id)
    return {
        "name": row.person.full_name,
        "facility": row.facility,
        "owner": row.owner,
        "zone": row.person.zone,
        "tags": _tags(referral),
        "href": f"/referrals/{referral.id}",
        "what": contact.title if contact is not None else TITLES.get(referral.next_item, ""),
        "at": contact.due_at if contact is not None else referral.next_at,
        "lead": "Due ",
        "note": "",
        "action": None,
        "is_late": False,
    } | said


def _tags(referral: Referral) -> list[dict[str, str]]:
    found = [{"text": label, "tone": "care"} for label in list_labels(referral.risks, only_high=True)]
    if referral.cancel_requested_at is not None:
        found.append({"text": "Asked to cancel", "tone": "wait"})
    if referral.lost_at is not None and referral.status.is_open:
        found.append({"text": "Looking for them", "tone": "stop"})
    return found


def _escalated(row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    call = facts.calls.get(row.referral.id)
    if call is None:
        return {}
    return {
        "what": call.subject.label,
        "href": f"/referrals/{row.referral.id}/escalations/{call.id}",
        **waits(call, facts.takers.get(call.id, "a colleague")),
        "is_late": call.state is EscalationState.RAISED,
    }


def waits(call: Escalation, taker: str) -> dict[str, Any]:
    """What a call waits for: an answer, or that it is settled; and by when."""
    if call.state is EscalationState.RAISED:
        told = " and ".join(one["name"] for one in call.told) or "somebody"
        return {"note": f"Nobody took it yet. Told: {told}", "at": call.answer_by, "lead": "Answer "}
    return {"note": f"Taken by {taker}", "at": call.act_by or call.answer_by, "lead": "Settle "}


def _overdue(row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    contact = facts.contacts.get(row.referral.id)
    return {"at": contact.due_at if contact is not None else row.since, "is_late": True}


def _unaccepted(row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    referral, base = row.referral, f"/referrals/{row.referral.id}"
    is_promised = referral.next_item == UNACCEPTED
    left = f"left {ago(referral.discharged_at, now)}" if referral.discharged_at else _expected(referral)
    return {
        "what": f"{referral.setting.label}, {left}",
        "note": f"Filed {ago(row.since, now)}",
        "at": referral.next_at if is_promised else None,
        "lead": "Answer ",
        "action": {"label": "Accept", "href": f"{base}/accept"},
        "is_late": not is_promised,
    }


def _waiting(row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    base, asked = f"/referrals/{row.referral.id}", facts.offers.get(row.referral.id)
    found: dict[str, Any] = {"action": {"label": "Assign", "href": f"{base}/assign"}}
    if asked is not None:
        offer, name = asked
        return found | {"what": f"{name} is being asked", "at": offer.answer_by, "lead": "Answer "}
    if row.referral.status is ReferralStatus.ON_HOLD:
        return found | {"what": "On hold; nobody is asked until it ends", "at": None}
    if row.referral.offers_exhausted_at is not None:
        return found | {
            "what": "Nobody is left to ask: assign by hand",
            "note": f"Waiting since {due_time(row.since, row.person.zone)}",
            "at": None,
            "is_late": True,
        }
    return found | {"what": "The next bridger is asked in a moment", "at": None}


def _leaving(row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    referral = row.referral
    is_past = row.since <= now
    return {
        "what": f"Expected {referral.setting.leaving}: {referral.date_certainty.label.lower()}",
        "note": "Ask whether they have left" if is_past else _first_contact(row, facts),
        "at": row.since,
        "lead": "Leaves ",
        "is_late": is_past,
    }


def _first_contact(row: Row, facts: Facts) -> str:
    contact = facts.contacts.get(row.referral.id)
    return f"Next: {contact.title}, {due_time(contact.due_at, row.person.zone)}" if contact is not None else ""


def _first_days(row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    left = row.referral.discharged_at
    return {"note": f"Left {ago(left, now)}" if left is not None else ""}


def _held(row: Row, facts: Facts, now: datetime) -> dict[str, Any]:
    hold, contact = facts.holds.get(row.referral.id), facts.contacts.get(row.referral.id)
    what = hold.reason.label if hold is not None else "On hold"
    if hold is not None and hold.where:
        what += f", {hold.where}"
    said: dict[str, Any] = {"what": what, "note": f"Since {local(row.since, row.person.zone)}"}
    if contact is not None:  # somebody sees them where they are, before anybody asks how long to wait
        return said | {"note": f"{said['note']}. Next: {contact.title}"}
    return said | {"at": row.referral.next_at, "lead": "Review " if row.referral.next_item == REVIEW else "Next "}


def _expected(referral: Referral) -> str:
    if referral.expected_on is None:
        return "no date yet"
    sure = "" if referral.date_certainty is DateCertainty.CONFIRMED else f", {referral.date_certainty.label.lower()}"
    return f"leaves {local_day(referral.expected_on)}{sure}"


_SAID = {
    "escalated": _escalated,
    "overdue": _overdue,
    "unaccepted": _unaccepted,
    "waiting": _waiting,
    "leaving": _leaving,
    "first_days": _first_days,
    "held": _held,
}


def call_to_answer(about: CallsAbout, climb: Climb, actor: Actor) -> dict[str, Any]:
    """The call that comes first, for the panel above the board."""
    top, grave = climb.top, gravity(climb.top)
    mine = climb.answerable_by(actor)
    return {
        "id": top.id,
        "name": about.person.full_name,
        "zone": about.person.zone,
        "href": f"/referrals/{about.referral.id}/escalations/{top.id}",
        "subject": top.subject.label,
        "why": top.why,
        "answer_by": top.answer_by,
        "told": " and ".join(one["name"] for one in top.told) or "nobody could be found",
        "is_safety": top.subject is Subject.SAFETY,
        "tag": GRAVITY[grave][0],
        "tone": GRAVITY[grave][1],
        "take": f"/referrals/{about.referral.id}/escalations/{mine.id}/acknowledge" if mine is not None else "",
    }
