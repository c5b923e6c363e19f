"""A call in words: what it asks, who was told and when, what was done, and where to decide what it is about."""

from __future__ import annotations

from typing import Any

from api.filters import local
from domain.vocabulary import Ask, EscalationState, Resolution, Subject, Word
from records.access import Actor
from records.queries.call_page import CallPage
from records.queries.calls import Climb, gravity
from records.queries.case import CaseRows
from records.queries.next_step import DUTIES
from records.queries.search import against_search
from records.tables import Escalation

SEVERITY = {
    0: ("Safety concern", "stop"),
    1: ("Welfare check to decide", "stop"),
    2: ("High risk", "care"),
    3: ("", "neutral"),
}


class Place(Word):
    """Where to look for somebody; least invasive first. What came of it is kept as a note of the call."""

    JAIL = "jail", "Jail roster"
    HOSPITALS = "hospitals", "Hospitals"
    SHELTERS = "shelters", "Shelters and meal sites"
    CONTACTS = "contacts", "People they agreed to"
    OTHER = "other", "Somewhere else"


SEARCH = "/search"
DECIDE: dict[Subject, tuple[tuple[str, str], ...]] = {
    Subject.CONTACT: (("Log a contact", "/log"),),
    Subject.STREAK: (("Log a contact", "/log"), ("Start the search", SEARCH)),
    Subject.RELEASE: (("Log a contact", "/log"), ("Assign a bridger", "/assign")),
    Subject.ASSIGNMENT: (("Assign a bridger", "/assign"),),
    Subject.ACCEPTANCE: (("Accept", "/accept"), ("Do not accept", "/reject")),
    Subject.DATE: (("They have left", "/discharge"), ("Move the date", "/date")),
    Subject.HOLD: (("Go on", "/resume"), ("Close", "/close")),
    Subject.CANCEL: (("Answer the request", "/cancel"),),
    Subject.CONSENT: (("Record consent", "/consent"),),
    Subject.LOST: (("Sign the closure", "/close"), ("Log a contact", "/log")),
    Subject.FINISH: (("Close", "/close"), ("Extend the plan", "/extend")),
    Subject.SAFETY: (("Log a contact", "/log"),),
}
"""Where the thing itself is decided; doing so settles the call."""
NEEDS = {"/log": "log_attempt", SEARCH: "waive", "/assign": "assign", "/accept": "accept_referral",
         "/reject": "accept_referral", "/discharge": "record_discharge", "/date": "move_date", "/resume": "resume",
         "/close": "close", "/cancel": "decide_cancel", "/consent": "record_consent", "/extend": "close"}  # fmt: skip


def decisions(actor: Actor, call: Escalation, rows: CaseRows) -> list[dict[str, str]]:
    """The links to where it is decided, as far as the reader may; to the search only when it can begin, as on the
    person's page: not while they can be reached, or something is still to be tried, or it is on already."""
    base = f"/referrals/{call.referral_id}"
    return [
        {"label": label, "href": base + path}
        for label, path in DECIDE[call.subject]
        if actor.may(NEEDS[path]) and (path != SEARCH or not against_search(rows))
    ]


def told_words(row: Escalation) -> str:
    """Who was told: `Dana Example (supervisor on duty) and Kim Example (on-call clinician)`."""
    said = [f"{one['name']} ({DUTIES[one['role']]})" if one.get("role") in DUTIES else one["name"] for one in row.told]
    return " and ".join(said) or "nobody could be found"


def rung_words(found: CallPage, row: Escalation, zone: str) -> dict[str, Any]:
    """One rung: when it was raised, whom it told, what it asked and what came of it."""
    name = found.names.get
    came = []
    if row.acknowledged_at is not None:
        came.append(f"Taken by {name(row.acknowledged_by or '', 'a colleague')}, {local(row.acknowledged_at, zone)}.")
    if row.decision is not None and row.decided_at is not None:
        came.append(f"Decided: {row.decision.label}, {local(row.decided_at, zone)}.")
    if row.resolved_at is not None and row.resolution is not None:
        by = f" by {name(row.resolved_by, 'a colleague')}" if row.resolved_by else ""
        came.append(f"{row.resolution.label}{by}, {local(row.resolved_at, zone)}. {row.resolution_note}".strip())
    if not came:
        came.append(f"Nobody took it yet; to answer by {local(row.answer_by, zone)}.")
    return {
        "at": row.raised_at,
        "told": told_words(row),
        "asks": row.ask.label if row.ask is not Ask.ANSWER else "",
        "again": row.alerts - 1,
        "came": came,
    }


def why(climb: Climb, zone: str) -> str:
    """Why the call was raised, as it reads later on."""
    if climb.top.subject is Subject.SAFETY:
        return f"A safety concern was raised {local(climb.rungs[0].raised_at, zone)}."
    return climb.top.why


def climb_card(climb: Climb, actor: Actor, names: dict[str, str], base: str, zone: str) -> dict[str, Any]:
    """One call in a list: what, why, who was told, by when, and who has it."""
    top, mine = climb.top, climb.answerable_by(actor)
    is_raised = top.state is EscalationState.RAISED
    tag, tone = SEVERITY[gravity(top)]
    return {
        "id": top.id,
        "href": f"{base}/escalations/{top.id}",
        "subject": top.subject.label,
        "why": why(climb, zone),
        "tag": tag,
        "tone": tone,
        "is_raised": is_raised,
        "asks": top.ask.label if top.ask is not Ask.ANSWER else "",
        "told": told_words(top),
        "raised_at": climb.rungs[0].raised_at,
        "rungs": len(climb.rungs),
        "before": [told_words(r) for r in climb.rungs[:-1]],
        "at": top.answer_by if is_raised else top.act_by or top.answer_by,
        "taker": names.get(top.acknowledged_by or "", "a colleague") if not is_raised else "",
        "is_mine": top.acknowledged_by == actor.id if not is_raised else mine is top and _told_me(top, actor),
        "take": f"{base}/escalations/{mine.id}/acknowledge" if is_raised and mine is top else "",
    }


def _told_me(row: Escalation, actor: Actor) -> bool:
    return any(one["staff_id"] == actor.id for one in row.told)


def resolutions(call: Escalation) -> list[dict[str, str]]:
    """How this can be settled."""
    out_there = {Resolution.REACHED, Resolution.FOUND_IN_HOSPITAL, Resolution.FOUND_IN_CUSTODY,
                 Resolution.UNABLE_TO_REACH}  # fmt: skip
    is_about_person = call.subject in (
        Subject.CONTACT, Subject.STREAK, Subject.RELEASE, Subject.SAFETY, Subject.LOST
    )  # fmt: skip
    words = [r for r in Resolution if is_about_person or r not in out_there]
    return [{"value": r.value, "text": r.label} for r in words]
