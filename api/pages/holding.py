"""Follow-up rests and goes on: put on hold, resumed, the hold taken back."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep
from api.pages.decision_form import about, decision, done, field, options
from api.pages.once import Once
from domain.clock import local
from domain.vocabulary import HoldReason, ReferralStatus
from records import clock
from records.commands import holds
from records.queries.case import load_case

router = APIRouter()

TYPED = "%Y-%m-%dT%H:%M"
WORKS = frozenset({ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS})
HELD = frozenset({ReferralStatus.ON_HOLD})


@router.get("/referrals/{referral_id}/hold")
@requires("hold")
def hold_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Readmitted, in custody, transferred: since when and where."""
    referral, person = about(session, me, referral_id, "hold")
    return decision(
        request, referral, person, title="Put on hold",
        then=[
            "Follow-up rests, and nobody is told of missed contacts.",
            "What fell due since then is not counted as missed.",
            "The bridger is told. Somebody is asked after 30 days whether to keep waiting.",
        ],
        button="Put on hold", path="/hold", allowed=WORKS,
        values={"since": local(clock.now(), person.zone).strftime(TYPED)},
        fields=[
            field("select", "reason", "Why", options=options(HoldReason)),
            field("instant", "since", "Since when"),
            field("text", "where", "Where", "You may leave this empty."),
            field("date", "return_on", "Expected back on", "You may leave this empty."),
            field("area", "note", "Note", "You may leave this empty."),
        ],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/hold")
@requires("hold", again=hold_form)
def put_on_hold(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Let follow-up rest. Holding what is on hold changes nothing."""
    once = Once(session, request, me, form)
    _, person = about(session, me, referral_id, "hold")
    reason, since = form.word("reason", HoldReason), form.instant_or_none("since", person.zone)
    where, note, back = form.text("where"), form.area("note"), form.date_or_none("return_on")
    form.check()
    if (before := once.answered()) is not None:
        return before
    holds.put_on_hold(session, me.actor, referral_id, reason, since=since, where=where, note=note, return_on=back)
    return done(once, referral_id, "On hold. Nobody is told of missed contacts until it goes on.")


@router.get("/referrals/{referral_id}/resume")
@requires("resume")
def resume_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """They are out again, or still to leave: how the plan goes on."""
    referral, person = about(session, me, referral_id, "resume")
    had_left = referral.discharged_at is not None
    if had_left:
        then = ["Every window begins anew from the minute they left, first contact included."]
    else:
        then = ["With the minute they left, follow-up begins. Without it, everything goes on as it was before."]
    then.append("The bridger sees what is due." if referral.bridger_id else "A bridger is sought at once.")
    return decision(
        request, referral, person, title="Go on", then=then, button="Go on", path="/resume", allowed=HELD,
        values={"discharged_at": local(clock.now(), person.zone).strftime(TYPED) if had_left else ""},
        fields=[
            field("instant", "discharged_at", f"When they left: the {referral.setting.leaving}",
                  "" if had_left else "Leave this empty if they have not left yet."),
            field("area", "note", "Note", "You may leave this empty."),
        ],
        links=[{"label": "The hold was a mistake: take it back", "href": f"/referrals/{referral_id}/undo-hold"}],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/resume")
@requires("resume", again=resume_form)
def resume(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Go on, with the new discharge if there was one."""
    once = Once(session, request, me, form)
    _, person = about(session, me, referral_id, "resume")
    at, note = form.instant_or_none("discharged_at", person.zone), form.area("note")
    form.check()
    if (before := once.answered()) is not None:
        return before
    holds.resume(session, me.actor, referral_id, discharged_at=at, note=note)
    return done(once, referral_id, "It goes on. What is due now is on the plan.")


@router.get("/referrals/{referral_id}/undo-hold")
@requires("resume")
def undo_hold_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The hold was a mistake."""
    referral, person = about(session, me, referral_id, "resume")
    hold = load_case(session, referral_id).hold
    what = f" ({hold.reason.label.lower()})" if hold is not None else ""
    return decision(
        request, referral, person, title="Take the hold back",
        then=[
            f"The hold{what} counts as never begun: every contact returns with its original due time.",
            "What is late by now is late at once, and whoever is to be called is called again.",
        ],
        button="Take it back", path="/undo-hold", allowed=HELD, fields=[field("area", "why", "What was wrong")],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/undo-hold")
@requires("resume", again=undo_hold_form)
def undo_hold(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Take the hold back."""
    once = Once(session, request, me, form)
    why = form.area("why", required=True)
    form.check()
    if (before := once.answered()) is not None:
        return before
    holds.undo_hold(session, me.actor, referral_id, why)
    return done(once, referral_id, "The hold is taken back; every contact has its original due time.")
