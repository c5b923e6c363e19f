"""What a reader may do from a person's page, as links: roles from one table, states from the referral."""

from __future__ import annotations

from datetime import timedelta

from api.deps import Me
from domain.vocabulary import ConsentStatus, Disposition, ReferralStatus
from records import clock
from records.access import UNDO_DAYS
from records.queries.person_page import PersonPage
from records.queries.search import against_search


def actions(me: Me, found: PersonPage) -> list[dict[str, str]]:
    """What this reader may do from here, in the order people need it; the page shows it as links."""
    if found.read_until is not None:
        return []
    referral, base = found.referral, f"/referrals/{found.referral.id}"
    status = referral.status
    works = status in (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS, ReferralStatus.ON_HOLD)
    is_held = status is ReferralStatus.ON_HOLD
    is_mine = referral.bridger_id == me.id
    is_settled = referral.ended_at is not None and clock.now() - referral.ended_at > timedelta(days=UNDO_DAYS)
    offered: list[tuple[bool, str, str, str, str]] = [
        (not is_settled and me.may("add_note"), "Add a note", "Write something into the timeline", "/note", "note"),
        (not is_settled and me.may("edit_person"), "How to reach them", "Another number or place; safety on the way",
         "/reach", "phone"),
        (works and me.may("set_appointment"), "Where and when you meet", "Printed on the handoff card",
         "/meeting", "pin"),
        (works and me.may("set_appointment"), "First appointment", "The check after it is planned from it",
         "/appointment", "today"),
        (status.is_open and me.may("print_handoff"), "Handoff card", "One page for them: when and where you meet",
         "/handoff", "offer"),
        (status.is_open and referral.consent is ConsentStatus.PENDING and me.may("record_consent"),
         "Record their agreement", "Nothing is told outside without it", "/consent", "check"),
        (me.may("record_consent"), "What they agreed to", "To whom, until when; sign, take back", "/consents", "check"),
        (works and referral.discharged_at is None and me.may("move_date"), "Move the date", "The plan moves with it",
         "/date", "today"),
        (works and me.may("edit_referral"), "Risk flags", "They shorten the times", "/risks", "shield"),
        (works and referral.discharged_at is None and me.may("record_discharge"),
         f"They have left: record the {referral.setting.leaving}", "The follow-up begins", "/discharge", "door"),
        (works and not is_held and referral.disposition is Disposition.NOT_SAID and me.may("record_discharge"),
         "Say how they left", "The message of it did not say", "/discharge", "door"),
        (works and not is_held and me.may("hold"), "In hospital or in custody again",
         "Follow-up rests; nobody is told of missed contacts", "/hold", "hold"),
        (is_held and me.may("resume"), "They are out again: go on", "Every window begins anew", "/resume", "door"),
        (works and is_mine and me.may("ask_reassignment"), "Ask for another bridger",
         "For you or for them, no reason needed", "/another-bridger", "people"),
        (status is ReferralStatus.SUBMITTED and me.may("accept_referral"), "Accept, or not",
         "The referrer waits for an answer", "/accept", "check"),
        (works and me.may("assign"), "Assign a bridger", "With the reasons for and against each", "/assign", "people"),
        (status.is_open and referral.cancel_requested_at is not None and me.may("decide_cancel"),
         "Answer the request to cancel", "The referrer waits for an answer", "/cancel", "alert"),
        (status.is_open and me.may("waive"), "Let a contact go", "Or change the rhythm; the reason stays", "/waive",
         "note"),
        (works and not is_held and me.may("waive") and not against_search(found.rows),
         "Start the search", "Every step was tried and nobody was reached", "/search", "person"),
        (status is ReferralStatus.IN_PROGRESS and referral.discharged_at is not None and me.may("close"),
         "Extend the plan", "Go on for longer than the protocol", "/extend", "clock"),
        (status.is_open and me.may("close"), "Close", "With a reason; the referrer is told", "/close", "check"),
        (status.is_open and me.may("record_death"), "They have died", "Every message stops at once", "/death", "note"),
        (status.is_over and not is_settled and me.may("undo_end"),
         "Undo the ending", "It was entered in error", "/undo", "door"),
    ]  # fmt: skip
    return [{"label": a[1], "hint": a[2], "href": base + a[3], "icon": a[4]} for a in offered if a[0]]
