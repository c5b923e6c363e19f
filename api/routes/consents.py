"""What a person agreed to: listed, signed, taken back, one consent at a time."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlmodel import Session

from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.models.common import Done, PathId
from api.models.consents import ConsentOut, ConsentsOut, SignedConsentIn
from api.routes.common import API_PREFIX, PROBLEMS, done, seen_version
from domain.consent import grant_of, intake_grants
from domain.errors import Invalid
from domain.vocabulary import Scope, SigningMethod
from records import clock
from records.access import referral_for
from records.commands import consents
from records.queries.consents import Row, as_facts, asks_both, list_readable, readable_consent
from records.tables import Person

router = APIRouter(prefix=API_PREFIX + "/referrals/{referral_id}/consents", tags=["consents"], responses=PROBLEMS)


@router.get("")
@requires("record_consent", systems=NEVER)
def list_all(session: SessionDep, me: Me, referral_id: PathId) -> ConsentsOut:
    """Every version that you may read. A facility reads the intake's, and those that its own staff recorded."""
    referral_for(session, me.actor, referral_id)
    rows = list_readable(session, me.actor, referral_id)
    return ConsentsOut(items=[_shown(pair, rows) for pair in rows])


@router.post("", status_code=201)
@requires("record_consent", systems=NEVER)
def sign(session: SessionDep, me: Me, request: Request, referral_id: PathId, body: SignedConsentIn) -> ConsentOut:
    """A consent was signed: a new version of its line, which counts from now on."""
    seen_version(session, request, me, referral_id)
    referral = referral_for(session, me.actor, referral_id)
    if body.method is SigningMethod.SCREEN and not body.agrees:
        raise Invalid("required", "On a screen they say that it is their signature.", field="agrees")
    if body.scope is Scope.REFERRED:
        with_use = bool(body.second_signature) or not _needs_both(session, me, referral.person_id)
        grants = list(intake_grants(shares_back=body.shares_back, with_use=with_use))
    else:
        grants = [grant_of(body.scope, body.to, body.name, body.categories)]
    made = consents.give_consent(session, me.actor, referral_id, grants, body.signed(), expires_at=body.expires_at)
    session.flush()
    return _shown((made, None), list_readable(session, me.actor, referral_id))


@router.post("/{consent_id}/revoke")
@requires("record_consent", systems=NEVER)
def revoke(session: SessionDep, me: Me, request: Request, referral_id: PathId, consent_id: PathId) -> Done:
    """Taken back, from this moment on; no reason is asked. Twice changes nothing."""
    seen_version(session, request, me, referral_id)
    readable_consent(session, me.actor, referral_for(session, me.actor, referral_id).id, consent_id)
    return done(consents.revoke_consent(session, me.actor, referral_id, consent_id))


def _needs_both(session: Session, me: Me, person_id: str) -> bool:
    return asks_both(session.get_one(Person, person_id), me.program, clock.now())


def _shown(pair: Row, rows: list[Row]) -> ConsentOut:
    row, taken_back = pair
    newest = max(one.version for one, _ in rows if one.line == row.line)
    return ConsentOut.of(row, as_facts(row, taken_back), clock.now(), is_latest=row.version == newest)
