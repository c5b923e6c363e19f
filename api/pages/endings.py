"""How it ends: closed with a reason, a death, the plan extended instead, an end taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep
from api.filters import due_time, local_day
from api.pages.decision_form import about, decision, done, field, options
from api.pages.once import Once
from domain.clock import end_of, local_date
from domain.vocabulary import OPEN_STATUSES, OVER_STATUSES, ClosureReason, ConsentStatus, ContactState, ReferralStatus
from records import clock
from records.commands import closing
from records.queries.case import load_case

router = APIRouter()
NOT_IN_THE_REPORT = "For the program. The closing report tells the reason and the figures, never these words."

REASONS = [r for r in ClosureReason if r is not ClosureReason.DECEASED]


@router.get("/referrals/{referral_id}/close")
@requires("close")
def close_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Close with a reason and what came of it."""
    referral, person = about(session, me, referral_id, "close")
    rows = load_case(session, referral_id)
    awaited = [c for c in rows.contacts if c.state is ContactState.PLANNED]
    then = ["Every reminder stops, and the bridger is told."]
    if awaited:
        count = "1 contact that is" if len(awaited) == 1 else f"{len(awaited)} contacts that are"
        last = due_time(awaited[0].due_at, person.zone)
        then.append(f"{count} still planned will not happen any more; the first was due {last}.")
    if any(e.state.is_open for e in rows.escalations):
        then.append("What is escalated counts as settled.")
    is_given = referral.consent is ConsentStatus.GIVEN
    then.append(
        "The referrer gets the closing report, as the person agreed." if is_given
        else "The referrer hears only that it is closed: there is no consent for more."
    )  # fmt: skip
    then.append("You can take it back for 30 days.")
    return decision(
        request, referral, person, title="Close", then=then, button="Close", path="/close", allowed=OPEN_STATUSES,
        fields=[
            field("select", "reason", "How it ended", options=options(REASONS)),
            field("area", "note", "What came of it", NOT_IN_THE_REPORT),
        ],
        links=[
            {"label": "They have died", "href": f"/referrals/{referral_id}/death"},
            {"label": "Extend the plan instead", "href": f"/referrals/{referral_id}/extend"},
        ],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/close")
@requires("close", again=close_form)
def close(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Close it."""
    once = Once(session, request, me, form)
    reason, note = form.word("reason", ClosureReason), form.area("note")
    form.check()
    if (before := once.answered()) is not None:
        return before
    closing.close_referral(session, me.actor, referral_id, reason, note)
    return done(once, referral_id, "Closed. The referrer hears it, as far as the person agreed.")


@router.get("/referrals/{referral_id}/death")
@requires("record_death")
def death_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Somebody has died."""
    referral, person = about(session, me, referral_id, "record_death")
    return decision(
        request, referral, person, title=f"{person.called} has died",
        then=[
            "Every reminder and every message stops at once, those that wait included.",
            "The supervisor and the manager are told. A supervisor can take it back if it is a mistake.",
        ],
        button="Record the death", path="/death", tone="warning", allowed=OPEN_STATUSES,
        fields=[field("instant", "died_at", "When", "Leave this empty if you do not know.")],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/death")
@requires("record_death", again=death_form)
def record_death(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Record it."""
    once = Once(session, request, me, form)
    _, person = about(session, me, referral_id, "record_death")
    at = form.instant_or_none("died_at", person.zone)
    form.check()
    if (before := once.answered()) is not None:
        return before
    closing.record_death(session, me.actor, referral_id, at)
    return once.go("/", "It is recorded, and every message has stopped. Please do not carry this alone.")


@router.get("/referrals/{referral_id}/extend")
@requires("close")
def extend_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Go on for longer than the protocol."""
    referral, person = about(session, me, referral_id, "close")
    until = local_date(clock.now() + timedelta(days=30), person.zone).isoformat()
    has_left = referral.discharged_at is not None
    return decision(
        request, referral, person, title="Extend the plan",
        then=["Weekly contacts go on until that day.", "Then you are asked again: close, or extend."],
        button="Extend the plan", path="/extend", allowed={ReferralStatus.IN_PROGRESS, ReferralStatus.ACCEPTED},
        values={"until": until},
        fields=[field("date", "until", "Until"), field("area", "why", "Why")],
        instead="" if has_left else "The plan begins when the person leaves; there is nothing to extend yet.",
    )  # fmt: skip


@router.post("/referrals/{referral_id}/extend")
@requires("close", again=extend_form)
def extend(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Keep the new end of the plan."""
    once = Once(session, request, me, form)
    _, person = about(session, me, referral_id, "close")
    on, why = form.date("until"), form.area("why", required=True)
    form.check()
    if (before := once.answered()) is not None:
        return before
    closing.extend_plan(session, me.actor, referral_id, end_of(on, person.zone), why)
    return done(once, referral_id, "The plan goes on until then.")


@router.get("/referrals/{referral_id}/undo")
@requires("undo_end")
def undo_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The end was entered in error."""
    referral, person = about(session, me, referral_id, "undo_end")
    reason = referral.closure_reason.label if referral.closure_reason is not None else referral.status.label
    return decision(
        request, referral, person, title="Take the end back",
        then=[
            f"It counts as open again: “{reason}”{_on(referral.ended_at, person.zone)} is taken back.",
            "Every contact returns with its original due time. What is late by now is late at once.",
            "The same bridger has this person again, if they still work here.",
        ],
        button="Take it back", path="/undo", allowed=OVER_STATUSES, fields=[field("area", "why", "What was wrong")],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/undo")
@requires("undo_end", again=undo_form)
def undo(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Take the end back."""
    once = Once(session, request, me, form)
    why = form.area("why", required=True)
    form.check()
    if (before := once.answered()) is not None:
        return before
    closing.undo_end(session, me.actor, referral_id, why)
    return done(once, referral_id, "It goes on, with the original due times.")


def _on(at: datetime | None, zone: str) -> str:
    return f", {local_day(at, zone)}," if at is not None else ""
