"""Commands on a referral. Each is a POST on the thing, answers with its new version, and honors If-Match."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.models import referrals as models
from api.models.common import Done, PathId
from api.models.work import AttemptIn, LoggedOut
from api.routes.common import API_PREFIX, PROBLEMS, done, seen_version
from api.routes.contacts import log
from domain.vocabulary import SystemScope
from records.commands import assignments, cancelling, changes, closing, discharges, holds, referrals
from records.tables import Referral

router = APIRouter(prefix=API_PREFIX + "/referrals/{referral_id}", tags=["referrals"], responses=PROBLEMS)


@router.post("/submit")
@requires("file_referral", systems=NEVER)
def submit(session: SessionDep, me: Me, request: Request, referral_id: PathId) -> Done:
    """Send a draft that waited for a planner."""
    seen_version(session, request, me, referral_id)
    return done(referrals.submit_draft(session, me.actor, referral_id))


@router.post("/accept")
@requires("accept_referral", systems=NEVER)
def accept(session: SessionDep, me: Me, request: Request, referral_id: PathId) -> Done:
    """The program takes the person on; a bridger is sought at once."""
    seen_version(session, request, me, referral_id)
    return done(referrals.accept_referral(session, me.actor, referral_id))


@router.post("/reject")
@requires("accept_referral", systems=NEVER)
def reject(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.RejectIn) -> Done:
    """The program does not take the person on, and says why."""
    seen_version(session, request, me, referral_id)
    return done(referrals.reject_referral(session, me.actor, referral_id, body.reason, body.note))


@router.post("/discharge")
@requires("record_discharge", systems=SystemScope.REFERRALS_WRITE)
def discharge(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.DischargeIn) -> Done:
    """The person left. The windows begin at the real instant, known late or not; another instant is a correction."""
    seen_version(session, request, me, referral_id)
    row = discharges.record_discharge(session, me.actor, referral_id, body.at, body.disposition, where=body.where)
    return done(row)


@router.post("/discharge/cancel")
@requires("cancel_discharge", systems=SystemScope.REFERRALS_WRITE)
def cancel_discharge(
    session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.DischargeCancelIn
) -> Done:
    """The person did not leave after all: what was planned from that instant is superseded."""
    seen_version(session, request, me, referral_id)
    return done(discharges.cancel_discharge(session, me.actor, referral_id, body.note))


@router.post("/expected-discharge")
@requires("move_date", systems=SystemScope.REFERRALS_WRITE)
def expected_discharge(
    session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.ExpectedDischargeIn
) -> Done:
    """The expected date moved, became known, or was withdrawn: what hangs on it is planned anew."""
    seen_version(session, request, me, referral_id)
    row = changes.move_expected_discharge(
        session,
        me.actor,
        referral_id,
        body.expected_on,
        expected_time=body.expected_time,
        certainty=body.certainty,
    )
    return done(row)


@router.post("/hold")
@requires("hold", systems=SystemScope.REFERRALS_WRITE)
def hold(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.HoldIn) -> Done:
    """Follow-up rests: readmitted, in custody, transferred, away."""
    seen_version(session, request, me, referral_id)
    row = holds.put_on_hold(
        session,
        me.actor,
        referral_id,
        body.reason,
        since=body.since,
        where=body.where,
        note=body.note,
        return_on=body.return_on,
    )
    return done(row)


@router.post("/resume")
@requires("resume", systems=SystemScope.REFERRALS_WRITE)
def resume(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.ResumeIn) -> Done:
    """Follow-up goes on."""
    seen_version(session, request, me, referral_id)
    return done(holds.resume(session, me.actor, referral_id, discharged_at=body.discharged_at, note=body.note))


@router.post("/cancel")
@requires("request_cancel", systems=SystemScope.REFERRALS_WRITE)
def cancel(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.CancelIn) -> Done:
    """A planner asks to cancel. Before the program began it is done at once; afterwards the program answers."""
    seen_version(session, request, me, referral_id)
    return done(cancelling.request_cancel(session, me.actor, referral_id, body.reason))


@router.post("/cancel/decide")
@requires("decide_cancel", systems=NEVER)
def decide_cancel(
    session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.CancelDecisionIn
) -> Done:
    """The program agrees to cancel, or says that the person wants the service."""
    seen_version(session, request, me, referral_id)
    return done(cancelling.decide_cancel(session, me.actor, referral_id, agree=body.agree, note=body.note))


@router.post("/close")
@requires("close", systems=NEVER)
def close(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.CloseIn) -> Done:
    """It is over, with a reason; the referrer is told as far as the person agreed."""
    seen_version(session, request, me, referral_id)
    return done(closing.close_referral(session, me.actor, referral_id, body.reason, body.note))


@router.post("/assign")
@requires("assign", systems=NEVER)
def assign(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.AssignIn) -> Done:
    """Assign a bridger by hand. What stands against it is answered with 409 `override_needed`."""
    seen_version(session, request, me, referral_id)
    assignments.assign(session, me.actor, referral_id, body.bridger_id, override_reason=body.override_reason)
    return done(session.get_one(Referral, referral_id))  # given to another team, it is not the supervisor's to see


@router.post("/notes")
@requires("add_note", systems=SystemScope.REFERRALS_WRITE)
def add_note(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.NoteIn) -> Done:
    """Write a line into the timeline."""
    seen_version(session, request, me, referral_id)
    return done(changes.add_note(session, me.actor, referral_id, body.note, about_use=body.about_use))


@router.post("/risks")
@requires("edit_referral", systems=SystemScope.REFERRALS_WRITE)
def set_risks(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.RisksIn) -> Done:
    """Set the risk flags. High risk shortens windows at once; taking it away lengthens none."""
    seen_version(session, request, me, referral_id)
    return done(changes.set_risks(session, me.actor, referral_id, body.risks))


@router.post("/consent")
@requires("record_consent", systems=NEVER)
def record_consent(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.ConsentIn) -> Done:
    """The person agreed, declined, or took it back."""
    seen_version(session, request, me, referral_id)
    row = changes.record_consent(session, me.actor, referral_id, body.status, expires_at=body.expires_at)
    return done(row)


@router.post("/appointment")
@requires("set_appointment", systems=SystemScope.REFERRALS_WRITE)
def set_appointment(
    session: SessionDep, me: Me, request: Request, referral_id: PathId, body: models.AppointmentIn
) -> Done:
    """The first appointment after leaving."""
    seen_version(session, request, me, referral_id)
    return done(changes.set_appointment(session, me.actor, referral_id, body.at, body.where))


@router.post("/attempts", status_code=201)
@requires("log_attempt", systems=NEVER)
def log_attempt(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: AttemptIn) -> LoggedOut:
    """Log one try; the contacts that it meets are found by their windows."""
    seen_version(session, request, me, referral_id)
    return log(session, me, referral_id, body, contact_id=None)
