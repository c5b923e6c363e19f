"""Where a referral stands in a planner's words: whose move it is, and what happens next and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from api.filters import local, local_date
from domain import agenda
from domain.clock import local_date as date_of
from domain.spoken import spoken_due
from domain.vocabulary import ConsentStatus, DateCertainty, ReferralStatus
from records.queries.planner import Standing
from records.queries.previews import Preview, PreviewItem

A_MOMENT = timedelta(microseconds=1)
"""A series that ends with a day ends at the midnight after it, which is of the next day by its date."""
YOURS, PROGRAMS, BRIDGERS, NOBODYS = "Your move", "The program's move", "The bridger's move", ""


@dataclass(frozen=True, slots=True)
class Move:
    """A status in a few words (`tag`, `tone`), whose move it is, what happens next, and by when."""

    tag: str
    tone: str
    whose: str
    sentence: str
    at: datetime | None = None
    is_late: bool = False


def move_of(standing: Standing, now: datetime) -> Move:
    """Where this referral stands."""
    referral, zone = standing.referral, standing.person.zone
    status, leaving = referral.status, referral.setting.leaving
    if status is ReferralStatus.DRAFT:
        return Move("Draft", "neutral", YOURS, "Complete it and send it: nobody has been asked yet.")
    if status.is_over:
        ended = local_date(referral.ended_at, zone) if referral.ended_at else ""
        return Move(status.label, "neutral", NOBODYS, f"Over since {ended}." if ended else "Over.")
    if referral.cancel_requested_at is not None:
        return Move("You asked to cancel", "wait", PROGRAMS, "The program answers; until then everything goes on.")
    if status is ReferralStatus.SUBMITTED:
        return _unanswered(standing, now, zone)
    if referral.consent is ConsentStatus.PENDING and referral.discharged_at is None and referral.bridger_id:
        return Move("Accepted", "wait", YOURS, "Record whether the person agreed, before they leave.")
    if status is ReferralStatus.ON_HOLD:
        return Move("On hold", "wait", NOBODYS, "Follow-up rests. It goes on when the person is out again.")
    if _may_have_left(standing, now):
        return Move("Date passed", "wait", YOURS, f"Record the {leaving}, or move the date.")
    if referral.bridger_id is None:
        return _unnamed(standing, now, zone)
    if referral.discharged_at is None:
        return Move("Bridger named", "go", BRIDGERS, f"{standing.bridger} prepares with them.")
    return _followed_up(standing, now, zone)


def _unanswered(standing: Standing, now: datetime, zone: str) -> Move:
    by = standing.promised_by
    if by is not None and by <= now:
        said = f"No answer by {local(by, zone)}, as promised: the supervisor was told."
        return Move("Not answered", "stop", PROGRAMS, said, by, is_late=True)
    return Move("Waiting for an answer", "wait", PROGRAMS, "The program accepts, or says why not.", by)


def _unnamed(standing: Standing, now: datetime, zone: str) -> Move:
    by = standing.promised_by
    if by is not None and by <= now:
        said = f"No bridger by {local(by, zone)}, as promised: the supervisor was told."
        return Move("No bridger yet", "stop", PROGRAMS, said, by, is_late=True)
    return Move("Accepted", "wait", PROGRAMS, "A bridger is named.", by)


def _followed_up(standing: Standing, now: datetime, zone: str) -> Move:
    if not standing.is_told:
        said = "Follow-up is under way. How it goes is told once the person has agreed to it."
        return Move("In progress", "go", BRIDGERS, said)
    contact = standing.next_contact
    if contact is None:
        return Move("In progress", "go", PROGRAMS, "The plan has run its course; the program closes or extends it.")
    is_late = contact.due_at <= now
    when = spoken_due(contact.due_at, zone, now)
    said = f"{contact.title} was due by {when}." if is_late else f"{contact.title} is due."
    return Move("In progress", "go", BRIDGERS, said, contact.due_at, is_late=is_late)


def _may_have_left(standing: Standing, now: datetime) -> bool:
    referral = standing.referral
    on = referral.expected_on
    return referral.discharged_at is None and on is not None and on < date_of(now, standing.person.zone)


def expected(standing: Standing) -> str:
    """When the person leaves or left, with how certain it is."""
    referral, zone = standing.referral, standing.person.zone
    custody = referral.setting.is_custody
    if referral.discharged_at is not None:
        return f"{'Released' if custody else 'Left'} {local(referral.discharged_at, zone)}."
    if referral.expected_on is None:
        return "No date yet."
    sure = "" if referral.date_certainty is DateCertainty.CONFIRMED else f" ({referral.date_certainty.label.lower()})"
    return f"Expected {'release' if custody else 'to leave'} {local_date(referral.expected_on)}{sure}."


def promise(standing: Standing, program: str) -> tuple[str, str] | None:
    """The promise in one plain sentence, and what happens if it is not kept; None when it was kept."""
    by, zone = standing.promised_by, standing.person.zone
    if by is None:
        return None
    if standing.referral.status is ReferralStatus.SUBMITTED:
        said = f"{program} has until {local(by, zone)} to accept. You will hear by then either way."
        return said, "If nobody answers, the supervisor on duty is told at that minute, by name."
    said = f"{program} has accepted. A peer bridger is named by {local(by, zone)}; you will hear who it is."
    return said, "If nobody is named by then, the supervisor on duty is told at that minute."


def promise_before(found: Preview, program: str) -> tuple[str, str]:
    """The same before it is sent."""
    assert found.promised_by is not None
    by = local(found.promised_by, found.zone)
    if found.accepts_at_once:
        return f"{program} accepts at once. A peer bridger is named by {by}; you will hear who it is.", ""
    return f"{program} has until {by} to accept. You will hear by then either way.", ""


_TITLES = {
    agenda.UNACCEPTED: "The program answers",
    agenda.UNASSIGNED: "A peer bridger is named",
    agenda.CONSENT_PENDING: "Consent is on record",
    agenda.DATE_CHECK: "You are asked whether they have left",
    agenda.FINISH: "The plan is over: closed, or extended",
}
_WHY = {
    agenda.UNACCEPTED: "Otherwise its supervisor is told.",
    agenda.UNASSIGNED: "Counted from the program's yes; otherwise its supervisor is told.",
    agenda.CONSENT_PENDING: "Otherwise somebody asks. Until then you are told little of how it goes.",
    agenda.DATE_CHECK: "Only if nobody has recorded it by then.",
    agenda.FINISH: "You get the closing report, as far as the person agreed.",
}
_STAGES = (
    ("program", "The program's part"),
    ("before", "Until they leave"),
    ("after", "Once they have left"),
    ("end", "At the end"),
)


def stages(found: Preview, now: datetime) -> list[dict[str, object]]:
    """The preview as headings with dated steps, as the plan list shows them."""
    shown: list[dict[str, object]] = []
    for stage, heading in _STAGES:
        steps = [_step(item, now, found.zone) for item in found.items if item.stage == stage]
        if steps:
            shown.append({"heading": heading, "steps": steps})
    return shown


def _step(item: PreviewItem, now: datetime, zone: str) -> dict[str, object]:
    why = _WHY.get(item.kind, item.why)
    if item.count > 1 and item.until is not None:
        why = f"{why}, {item.count} times, until {local_date(item.until - A_MOMENT, zone)}"
    if item.kind == agenda.CONTACT_MISSED and item.at <= now:
        why = f"{why}. Its time has gone by: it is done at once"
    return {"at": item.at, "title": _TITLES.get(item.kind, item.title), "why": why, "clock": item.clock}
