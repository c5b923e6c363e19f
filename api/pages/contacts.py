"""Logging a contact: two taps from Today, or a third where more must be asked first."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import col, select

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.filters import clock_time
from api.pages import person_view
from api.pages.once import Once, kept_once
from api.pages.shell import first_page
from domain.clock import at_local
from domain.clock import local as wall
from domain.errors import Invalid, NotAllowed, NotFound
from domain.vocabulary import Mode, Outcome
from records import clock
from records.access import referral_for
from records.commands import contacts
from records.queries.person_page import PersonPage, load_person_page
from records.settings import get_settings
from records.tables import Contact, Person, Referral

router = APIRouter()

LATEST_CALL_BACK = timedelta(days=60)
FREQUENT = (Outcome.REACHED, Outcome.NO_ANSWER, Outcome.LEFT_MESSAGE, Outcome.CALL_LATER)
ALSO = (
    Outcome.WRONG_NUMBER,
    Outcome.INFORMATION,
    Outcome.IN_HOSPITAL,
    Outcome.IN_CUSTODY,
    Outcome.DECLINED,
    Outcome.DIED,
)
CONFIRMED_FIRST = frozenset({Outcome.IN_HOSPITAL, Outcome.IN_CUSTODY, Outcome.DECLINED, Outcome.DIED})
"""What changes more than this contact: the page says what will happen before it is saved."""
ONE_ENTRY = "This form was saved already, and it is one entry. To add another, log a contact anew."
ON_BUTTONS = {
    Outcome.REACHED: ("Reached", "We talked"),
    Outcome.NO_ANSWER: ("No answer", ""),
    Outcome.LEFT_MESSAGE: ("Left a message", ""),
    Outcome.CALL_LATER: ("Call later", "They asked for it"),
    Outcome.WRONG_NUMBER: ("Wrong number", ""),
    Outcome.INFORMATION: ("News of them", "From somebody else"),
    Outcome.IN_HOSPITAL: ("In hospital", "Found there"),
    Outcome.IN_CUSTODY: ("In custody", "Found there"),
    Outcome.DECLINED: ("Declined", "Does not want this"),
    Outcome.DIED: ("Has died", ""),
}
"""The outcomes in few words, for half the width of a phone."""


@router.get("/referrals/{referral_id}/log")
@requires("log_attempt")
def log_form(request: Request, session: SessionDep, me: Me, referral_id: str, contact: str = "") -> Response:
    """What came of it, in one tap; how, when, minutes and a note are there for whoever wants them."""
    referral_for(session, me.actor, referral_id)  # whose it is not learns nothing, not even where it would be
    typed = getattr(request.state, "typed", None)
    once = kept_once(request) if typed is None else ""
    if isinstance(once, Response):
        return once
    found = load_person_page(session, me.actor, referral_id)
    chosen = _chosen(found, contact)
    usual = person_view.usual_mode(found, chosen).value
    values = {"once": once, "mode": usual, "usual": usual}
    outcome = typed.as_typed().get("outcome", "") if typed is not None else ""
    if typed is not None and outcome == Outcome.CALL_LATER and "call_back_at" in typed.as_typed():
        return _ask_when(request, found, contact, values)
    never_voicemail = person_view.may_not_voicemail(found.rows.person)
    return page(
        "log.html",
        request,
        values=values,
        **about(found, contact),
        contact=chosen,
        modes=list(Mode),
        frequent=[o for o in FREQUENT if not (never_voicemail and o is Outcome.LEFT_MESSAGE)],
        also=ALSO,
        words=ON_BUTTONS,
        never_voicemail=never_voicemail,
        late_days=get_settings().late_entry_days,
        phones=person_view.phones(found.rows.person),
        safety=person_view.safety(found.rows.person),
    )


@router.post("/referrals/{referral_id}/log")
@requires("log_attempt", again=log_form)
def log(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, contact: str = "") -> Response:
    """Save one try, or first ask what must be asked: when to call back, or whether it shall end."""
    zone, once = zone_of(session, me, referral_id), Once(session, request, me, form)
    mode, outcome = form.word("mode", Mode), form.word("outcome", Outcome)
    usual = form.word_or_none("usual", Mode)
    if outcome is Outcome.WRONG_NUMBER and not mode.needs_phone and mode is usual:
        mode = Mode.CALL  # nobody chose the visit: it stood there beforehand, and a wrong number is no visit
    at, minutes = form.instant_or_none("at", zone), form.number_or_none("minutes", most=contacts.LONGEST_MINUTES)
    note, reoffer = form.area("note"), form.area("reoffer_note")
    call_back_at, confirmed = form.instant_or_none("call_back_at", zone), form.yes("confirmed")
    form.check()
    if (
        before := once.answered(ONE_ENTRY)
    ) is not None:  # asked first: after an ending the bridger sees the person no more
        return before
    if outcome is Outcome.CALL_LATER:
        if "call_back_at" not in form.as_typed():
            return _ask_when(request, load_person_page(session, me.actor, referral_id), contact, form.as_typed())
        call_back_at = _checked_call_back(call_back_at)
    if outcome in CONFIRMED_FIRST and not confirmed:
        found = load_person_page(session, me.actor, referral_id)
        return page("log_confirm.html", request, values=form.as_typed(), **about(found, contact), outcome=outcome)
    logged = contacts.log_attempt(
        session, me.actor, referral_id, mode, outcome, at=at, minutes=minutes, note=note,
        contact_id=contact or None, call_back_at=call_back_at, reoffer_note=reoffer,
    )  # fmt: skip
    return _go_on(session, me, once, logged, referral_id)


def _go_on(session: SessionDep, me: Me, once: Once, logged: contacts.Logged, referral_id: str) -> Response:
    """To what it did; a bridger whose work with this person ended by it goes back to the first page."""
    try:
        referral_for(session, me.actor, referral_id)
    except (NotFound, NotAllowed):
        ended = {
            "died": "Saved. Every reminder and message has stopped, and your supervisor was told. "
            "Please talk to somebody today: your supervisor is there for you too.",
            "closed": "Saved. It ends here, as they chose, and nothing speaks against coming back. Thank you.",
        }
        return once.go(first_page(me.roles), ended.get(logged.consequence, "Saved."))
    return once.go(f"/referrals/{referral_id}/logged/{logged.attempt.id}")


def _checked_call_back(at: datetime | None) -> datetime:
    now = clock.now()
    if at is None:
        raise Invalid("required", "Choose when to call.", field="call_back_at")
    if at <= now:
        raise Invalid("in_the_past", "This time has passed. Choose a later one.", field="call_back_at")
    if at > now + LATEST_CALL_BACK:
        raise Invalid("too_far", "Choose a time within two months.", field="call_back_at")
    return at


def _ask_when(request: Request, found: PersonPage, contact: str, values: dict[str, Any]) -> Response:
    zone = found.rows.person.zone
    return page(
        "log_call_later.html",
        request,
        values=values,
        **about(found, contact),
        times=call_back_times(clock.now(), zone),
    )


def call_back_times(now: datetime, zone: str) -> list[dict[str, str]]:
    """Times that people ask for, as `{value, text}`; local time where the person is, none at night."""
    today, found = wall(now, zone).date(), []
    for hours in (1, 3):
        soon = now + timedelta(hours=hours)
        if 8 <= wall(soon, zone).hour < 21:
            found.append((soon, f"In {hours} hour{'s' if hours > 1 else ''}, {clock_time(soon, zone)}"))
    evening = at_local(today, time(18), zone)
    if evening > now + timedelta(hours=1):
        found.append((evening, "This evening, 6 pm"))
    tomorrow = today + timedelta(days=1)
    found.append((at_local(tomorrow, time(9), zone), "Tomorrow morning, 9 am"))
    found.append((at_local(tomorrow, time(14), zone), "Tomorrow afternoon, 2 pm"))
    return [{"value": wall(at, zone).strftime("%Y-%m-%dT%H:%M"), "text": text} for at, text in found]


def about(found: PersonPage, contact: str = "") -> dict[str, Any]:
    """What every page about one contact shows of the person."""
    base = f"/referrals/{found.referral.id}"
    return {
        "base": base,
        "log_action": f"{base}/log?contact={contact}" if contact else f"{base}/log",
        "called": found.rows.person.called,
        "full_name": found.rows.person.full_name,
        "zone": found.rows.person.zone,
        "leaving": found.referral.setting.leaving,
    }


def zone_of(session: SessionDep, me: Me, referral_id: str) -> str:
    """The person's time zone, for reading what was typed. No gate: the command has it, and loads under its lock."""
    mine = select(Person.zone).join(Referral, col(Referral.person_id) == col(Person.id))
    mine = mine.where(Referral.id == referral_id, Referral.program_id == me.program.id)
    return session.exec(mine).first() or me.zone


def _chosen(found: PersonPage, contact_id: str) -> Contact | None:
    """The contact that this log is about: the one tapped, or what comes first now."""
    if contact_id:
        return found.rows.contact(contact_id)
    to_do = found.to_do(clock.now())
    return to_do[0] if to_do else None
