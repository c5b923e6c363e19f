"""Pages of the tests themselves: a form that is shown again, a page that is only looked at, things that break."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import public, requires, signed_in
from api.deps import FormDep, Me, SessionDep, check_version, page, redirect_after_post
from domain.errors import IllegalState
from domain.vocabulary import Mode
from records.access import referral_for
from records.commands.changes import add_note

router = APIRouter()
SECRET = "Ada Sample 1990"


@router.get("/probe/look")
@signed_in()
def look(request: Request, me: Me) -> Response:
    """A page of nothing but the frame."""
    return page("error.html", request, title="Probe", sentence=f"Hello, {me.zone}")


@router.get("/probe/{referral_id}")
@requires("add_note")
def probe_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The page with a form; its title says what the fields would show."""
    referral = referral_for(session, me.actor, referral_id)
    response = page("error.html", request, title="Probe", values={"note": "as on record"}, sentence=referral.number)
    refusal = getattr(request.state, "refusal", None)
    shown = request.state.typed.as_typed() if refusal is not None else {}
    response.headers["X-Typed"] = str(sorted(shown.items())).encode("ascii", "replace").decode()
    response.headers["X-Token"] = request.state.csrf_token
    return response


@router.post("/probe/{referral_id}")
@requires("add_note", again=probe_form)
def probe(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Writes a note first and then refuses, so that a test sees that nothing stays."""
    referral = referral_for(session, me.actor, referral_id)
    note, seen = form.area("note", required=True), form.number_or_none("version")
    mode, on = form.word_or_none("mode", Mode), form.date_or_none("on")
    form.check()
    check_version(referral.version, seen)
    add_note(session, me.actor, referral_id, note)
    if mode is not None:
        raise IllegalState("Not in this state.", state="closed", allowed=("in_progress",))
    return redirect_after_post(request, f"/probe/{referral_id}", f"Written on {on}." if on else "Written.")


@router.post("/probe-unchecked")
@signed_in()
def unchecked(request: Request, form: FormDep) -> Response:
    """Forgets to ask the form what is wrong with it."""
    return Response(form.text("note"))


@router.get("/probe-refused")
@requires("decide_welfare")
def refused(request: Request) -> Response:
    """Nobody but a clinician comes here."""
    return Response()


@router.get("/probe-broken")
@public()
def broken() -> Response:
    """Breaks, with a message that is nobody's business."""
    raise RuntimeError(SECRET)


@router.get("/probe-torn")
@signed_in(writes=True)
def torn(session: SessionDep, me: Me) -> Response:
    """Writes what the database refuses, so that everything read so far is let go of."""
    me.staff.email = None  # type: ignore[assignment]
    session.flush()
    return Response()


@router.get("/api/v1/probe-broken")
@public()
def broken_api() -> Response:
    """The same for programs."""
    raise RuntimeError(SECRET)
