"""What a planner records on a referral: another date, the discharge or release, consent, risks, the wish to cancel."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.auth import SignedIn
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.referral_choices import options, ways_of_leaving
from domain.clock import end_of, local, local_date
from domain.sensitivity import hides, open_values
from domain.vocabulary import ConsentStatus, DateCertainty, Disposition, ReferralStatus, RiskFlag
from records import clock
from records.access import referral_for
from records.commands import cancelling, changes, discharges
from records.queries.consents import is_withheld
from records.queries.own_risks import own_risks
from records.tables import Facility, Person, Referral

router = APIRouter()


def _about(session: Session, me: SignedIn, referral_id: str) -> dict[str, Any]:
    """What each of these pages shows of the referral."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    return {
        "row": referral,
        "called": person.called,
        "base": f"/referrals/{referral_id}",
        "zone": session.get_one(Facility, referral.facility_id).zone,
        "person_zone": person.zone,
        "leaving": referral.setting.leaving,
    }


@router.get("/referrals/{referral_id}/date")
@requires("move_date")
def date_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Another day, or none for now."""
    about = _about(session, me, referral_id)
    row: Referral = about["row"]
    values = {
        "known": "yes" if row.expected_on is not None else "no",
        "expected_on": row.expected_on or "",
        "expected_time": row.expected_time.strftime("%H:%M") if row.expected_time is not None else "",
        "certainty": (row.date_certainty if row.expected_on is not None else DateCertainty.LIKELY).value,
    }
    certainties = options(c for c in DateCertainty if c is not DateCertainty.UNKNOWN)
    return page("referral_date.html", request, values=values, certainties=certainties, **about)


@router.post("/referrals/{referral_id}/date")
@requires("move_date", again=date_form)
def move_date(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Move it; the same date again changes nothing."""
    is_known = form.text("known") != "no"
    on, at = form.date_or_none("expected_on"), form.time_or_none("expected_time")
    certainty = form.word_or_none("certainty", DateCertainty) or DateCertainty.LIKELY
    if is_known and on is None:
        form.problem("expected_on", "required", "Enter the day, or say that it is not known for now.")
    form.check()
    if is_known:
        changes.move_expected_discharge(session, me.actor, referral_id, on, expected_time=at, certainty=certainty)
        said = "The date is moved, and what hangs on it."
        if referral_for(session, me.actor, referral_id).bridger_id is not None:
            said += " The bridger is told."
    else:
        changes.move_expected_discharge(session, me.actor, referral_id, None)
        said = "No date for now. You are asked again in a week."
    return redirect_after_post(request, f"/referrals/{referral_id}", said)


@router.get("/referrals/{referral_id}/discharge")
@requires("record_discharge")
def discharge_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """When, how and where to. Now by default; how is never guessed, since so much follows from it."""
    about = _about(session, me, referral_id)
    row: Referral = about["row"]
    is_correction = row.discharged_at is not None and row.status is not ReferralStatus.ON_HOLD
    at = local(row.discharged_at if is_correction and row.discharged_at else clock.now(), about["zone"])
    values = {
        "when": "then" if is_correction else "now",
        "at_on": at.date(),
        "at_time": at.strftime("%H:%M"),
        "disposition": row.disposition.value if is_correction and row.disposition else "",
        "where": "",
    }
    return page(
        "referral_discharge.html",
        request,
        values=values,
        is_correction=is_correction,
        dispositions=ways_of_leaving(row.setting.is_custody),
        **about,
    )


@router.post("/referrals/{referral_id}/discharge")
@requires("record_discharge", again=discharge_form)
def record_discharge(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Record it. Late entry is fine: the clocks start at the real time. The same again changes nothing."""
    zone = _about(session, me, referral_id)["zone"]
    is_now = form.text("when") != "then"
    disposition = form.word("disposition", Disposition)
    where = form.text("where")
    if is_now:
        form.also_asked("at_on", "at_time")
        at = clock.now()
    else:
        at = form.instant("at", zone)
    form.check()
    row = discharges.record_discharge(session, me.actor, referral_id, at, disposition, where=where)
    said = {
        ReferralStatus.ON_HOLD: "Recorded. Follow-up rests, and the referral stays with them.",
        ReferralStatus.FAILED: "Recorded. Every reminder and message has stopped.",
    }.get(row.status, f"The {row.setting.leaving} is recorded. Follow-up counts from that minute.")
    return redirect_after_post(request, f"/referrals/{referral_id}", said)


@router.get("/referrals/{referral_id}/discharge/cancel")
@requires("cancel_discharge")
def cancel_discharge_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """They did not leave after all."""
    return page("referral_not_left.html", request, values={"why": ""}, **_about(session, me, referral_id))


@router.post("/referrals/{referral_id}/discharge/cancel")
@requires("cancel_discharge", again=cancel_discharge_form)
def cancel_discharge(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Take the discharge back."""
    why = form.area("why", limit=500)
    form.check()
    discharges.cancel_discharge(session, me.actor, referral_id, why)
    said = "Taken back: nobody is late. Move the date when you know when they leave."
    return redirect_after_post(request, f"/referrals/{referral_id}", said)


@router.get("/referrals/{referral_id}/consent")
@requires("record_consent")
def consent_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """What the person said."""
    about = _about(session, me, referral_id)
    row: Referral = about["row"]
    until = local_date(row.consent_expires_at, about["person_zone"]) if row.consent_expires_at is not None else ""
    values = {"status": row.consent.value if row.consent is not ConsentStatus.PENDING else "", "until": until}
    return page("referral_consent.html", request, values=values, **about)


@router.post("/referrals/{referral_id}/consent")
@requires("record_consent", again=consent_form)
def record_consent(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Record it; from now on what leaves the program follows it."""
    zone = _about(session, me, referral_id)["person_zone"]
    status, until = form.word("status", ConsentStatus), form.date_or_none("until")
    is_given = status is ConsentStatus.GIVEN
    if is_given and until is not None and until < local_date(clock.now(), zone):
        form.problem("until", "expired", "This day has passed. Leave it empty if no end was agreed.")
    if status is ConsentStatus.EXPIRED:
        form.problem("status", "not_a_choice", "Choose one of these.")
    form.check()
    ends = end_of(until, zone) if is_given and until is not None else None
    changes.record_consent(session, me.actor, referral_id, status, expires_at=ends)
    said = "Recorded. What you are told follows it from now on."
    return redirect_after_post(request, f"/referrals/{referral_id}", said)


@router.get("/referrals/{referral_id}/risks")
@requires("edit_referral")
def risks_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The risk flags."""
    about = _about(session, me, referral_id)
    risks, is_kept = list(about["row"].risks), False
    if me.actor.facility_id is not None:
        own = own_risks(session, [about["row"]])[referral_id]
        risks, is_kept = [risk for risk in risks if risk in own], False
    elif is_withheld(session, about["row"], clock.now()):
        risks, is_kept = open_values("risks", risks), hides("risks", risks)
    values, risk_options = {"risks": risks}, options(RiskFlag)
    return page("referral_risks.html", request, values=values, risk_options=risk_options, is_kept=is_kept, **about)


@router.post("/referrals/{referral_id}/risks")
@requires("edit_referral", again=risks_form)
def set_risks(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Set them; a high risk shortens what is ahead at once."""
    risks = form.words("risks", RiskFlag)
    form.check()
    changes.set_risks(session, me.actor, referral_id, risks)
    return redirect_after_post(request, f"/referrals/{referral_id}", "Saved. The plan follows it.")


@router.get("/referrals/{referral_id}/ask-to-cancel")
@requires("request_cancel")
def ask_to_cancel_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The referral is not needed any more, the planner thinks."""
    return page("referral_ask_to_cancel.html", request, values={"reason": ""}, **_about(session, me, referral_id))


@router.post("/referrals/{referral_id}/ask-to-cancel")
@requires("request_cancel", again=ask_to_cancel_form)
def ask_to_cancel(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Ask; before the program accepted it is done at once."""
    reason = form.area("reason", limit=1000, required=True)
    form.check()
    row = cancelling.request_cancel(session, me.actor, referral_id, reason)
    said = "Cancelled." if row.status.is_over else "The program answers by the end of the next business day."
    return redirect_after_post(request, f"/referrals/{referral_id}", said)
