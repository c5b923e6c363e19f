"""After a contact: what the entry did, taking it back, ticking off a check."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlmodel import col, select

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.filters import local
from api.pages.contacts import about
from api.pages.next_words import sentence
from domain.errors import Invalid, NotFound
from domain.vocabulary import Word
from records import clock
from records.access import visible
from records.commands import contacts
from records.queries.person_page import PersonPage, load_person_page
from records.queries.worklist import tasks_of
from records.tables import Attempt, Referral

router = APIRouter()


class WhyTaken(Word):
    """Why an entry is taken back."""

    WRONG_PERSON = "wrong_person", "It was somebody else"
    WRONG_OUTCOME = "wrong_outcome", "Something else came of it"
    TWICE = "twice", "I entered it twice"
    OTHER = "other", "Another reason"


@router.get("/referrals/{referral_id}/logged/{attempt_id}")
@requires("log_attempt")
def logged(request: Request, session: SessionDep, me: Me, referral_id: str, attempt_id: str) -> Response:
    """What an entry did: what it met, what is still to be tried, what comes next, and how to take it back."""
    found, now = load_person_page(session, me.actor, referral_id), clock.now()
    row = _attempt(found, attempt_id)
    titles = {c.id: c for c in found.rows.contacts}
    step, zone = found.next, found.rows.person.zone
    tasks = tasks_of(session, found.referral, found.rows.person, now) if found.referral.status.is_open else []
    task = next((t for t in tasks if t.contact.id == row.contact_id), None)
    return page(
        "logged.html",
        request,
        **about(found),
        row=row,
        when=local(row.at, zone),
        met=[titles[i] for i in row.met if i in titles],
        task=task,
        others=[t for t in tasks if t.contact.id != row.contact_id and t.contact.opens_at <= now][:3],
        next_step=step,
        next_sentence=sentence(step, zone, me.id, found.referral.setting.leaving) if step else "",
        may_take_back=row.recorded_by == me.id or me.may("assign"),
        referral=found.referral,
    )


@router.get("/referrals/{referral_id}/attempts/{attempt_id}/take-back")
@requires("take_back_attempt")
def take_back_form(request: Request, session: SessionDep, me: Me, referral_id: str, attempt_id: str) -> Response:
    """Why an entry is taken back."""
    found = load_person_page(session, me.actor, referral_id)
    row = _attempt(found, attempt_id)
    options = [{"value": why.value, "text": why.label} for why in WhyTaken]
    outcome = row.outcome.label[:1].lower() + row.outcome.label[1:]
    what = f"{row.mode.label}, {outcome}, {local(row.at, found.rows.person.zone)}"
    values = {"why": "", "words": ""}
    return page("take_back.html", request, values=values, **about(found), row=row, what=what, options=options)


@router.post("/referrals/{referral_id}/attempts/{attempt_id}/take-back")
@requires("take_back_attempt", again=take_back_form)
def take_back(
    request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, attempt_id: str
) -> Response:
    """Take an entry back; sent twice it is taken back once."""
    why, words = form.word("why", WhyTaken), form.text("words")
    form.check()
    if why is WhyTaken.OTHER and not words:
        raise Invalid("required", "Write a few words here.", field="words")
    asked = select(Attempt.is_retracted).join(Referral, col(Referral.id) == col(Attempt.referral_id))
    mine = asked.where(Attempt.id == attempt_id, Attempt.referral_id == referral_id, visible(me.actor))
    if not session.exec(mine).first():  # not yet, or none that may be seen, which the command refuses
        reason = ". ".join(filter(None, (why.label if why is not WhyTaken.OTHER else "", words)))
        contacts.take_back_attempt(session, me.actor, referral_id, attempt_id, reason)
    return redirect_after_post(request, f"/referrals/{referral_id}", "Taken back. What it had met is awaited again.")


@router.get("/referrals/{referral_id}/contacts/{contact_id}/done")
@requires("log_attempt")
def done_form(request: Request, session: SessionDep, me: Me, referral_id: str, contact_id: str) -> Response:
    """Tick off a check on the plan."""
    found = load_person_page(session, me.actor, referral_id)
    contact = found.rows.contact(contact_id)
    return page("task_done.html", request, values={"note": ""}, **about(found), contact=contact)


@router.post("/referrals/{referral_id}/contacts/{contact_id}/done")
@requires("log_attempt", again=done_form)
def done(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, contact_id: str) -> Response:
    """It was done; doing it twice changes nothing."""
    note = form.area("note")
    form.check()
    contacts.complete_task(session, me.actor, referral_id, contact_id, note)
    return redirect_after_post(request, f"/referrals/{referral_id}", "Done. It is ticked off on the plan.")


def _attempt(found: PersonPage, attempt_id: str) -> Attempt:
    row = next((a for a in found.rows.attempts if a.id == attempt_id), None)
    if row is None:
        raise NotFound("That entry")
    return row
