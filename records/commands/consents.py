"""Consents: signed, given anew, taken back. Each version is a row that never changes.

There is one truth, the versions. The flag of a referral (`Referral.consent`) is what the latest version of its intake
line says, kept on the referral for lists and for the agenda; only this file writes it, and the invariants compare both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from domain.clock import local_date
from domain.consent import FORM, INTAKE, Grant, check_signer, concerns_use, intake_grants, line_of, missing_elements
from domain.errors import Invalid, NotFound
from domain.vocabulary import ConsentStatus, Resolution, SignerKind, SigningMethod, Subject
from records import outgoing
from records.access import Actor
from records.commands.escalations import settle_ladder
from records.commands.text import LINE_LENGTH, checked_text
from records.commands.work import Work, open_case
from records.ids import new_id
from records.marks import set_line
from records.queries.case import began_here
from records.queries.consents import Row, as_facts, asks_both, elements_of, list_versions
from records.tables import ConsentRevocation, ConsentVersion, Facility, Referral

SIGNED_BACK = timedelta(days=366)
"""A paper that was signed longer ago than this is looked at again: the year is wrong, or it is time to ask anew."""
_UNTIL_THE_END = "the program’s work with them ends"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, how and when. `name` is what was typed as the signature, or stands on the paper.

    `second` and `second_authority` are of whoever signs beside a minor, and why they may.
    """

    name: str
    signer: SignerKind = SignerKind.PERSON
    authority: str = ""
    method: SigningMethod = SigningMethod.PAPER
    signed_on: date | None = None
    second: str = ""
    second_authority: str = ""


def give_consent(
    session: Session,
    actor: Actor,
    referral_id: str,
    grants: Sequence[Grant],
    signature: Signature,
    *,
    expires_at: datetime | None = None,
) -> ConsentVersion:
    """A consent was signed: a new version of its line, which is the one that counts from now on.

    Raises Invalid when the things agreed to need consents of their own, an element is missing, or the signature does
    not count.
    """
    work = open_case(session, actor, referral_id, "record_consent")
    work.require("consent.recorded")
    line = line_of(grants)
    check_expiry(expires_at, work.now)
    person, today = work.rows.person, local_date(work.now, work.rows.person.zone)
    check_signer(
        signature.signer,
        signature.authority,
        grants,
        birth_on=person.birth_on,
        today=today,
        has_died=person.died_at is not None,
    )
    signed_on = signature.signed_on or today
    if not today - SIGNED_BACK <= signed_on <= today:
        raise Invalid("signed_on", "Check the day on which it was signed.", field="signed_on")
    outgoing.hold_back(session, referral_id)
    row = _version(work, line, ConsentStatus.GIVEN, grants, expires_at)
    row.signer, row.signed_on, row.method = signature.signer, signed_on, signature.method
    row.signer_name = checked_text(signature.name, "signature", limit=LINE_LENGTH, required=True)
    row.authority = checked_text(signature.authority, "authority", limit=LINE_LENGTH)
    row.second_name = checked_text(signature.second, "second_signature", limit=LINE_LENGTH)
    row.second_authority = checked_text(signature.second_authority, "second_authority", limit=LINE_LENGTH)
    lacking = missing_elements(elements_of(row), grants, row.signer)
    if lacking:
        is_second = row.needs_both and concerns_use(grants) and row.signer_name
        missing = "second_authority" if row.second_name else "second_signature"
        field = missing if is_second and not (row.second_name and row.second_authority) else "signature"
        raise Invalid("consent_incomplete", f"This is still missing: {', '.join(lacking)}.", field=field)
    work.add(row)
    if line == INTAKE:
        _keep_flag(work, ConsentStatus.GIVEN, expires_at)
    else:
        work.record("permission.given", subject_id=row.id, scope=grants[0].scope, version=row.version)
    work.settle()
    return row


def revoke_consent(session: Session, actor: Actor, referral_id: str, consent_id: str, *, said_by: str = "") -> Referral:
    """Taken back, from this moment on, however it was said; also after the referral is over. Twice changes nothing.

    What waits to be sent is asked about again when it goes; what a gateway is being handed right now is waited for.
    """
    work = open_case(session, actor, referral_id, "record_consent")
    outgoing.hold_back(session, referral_id)
    versions = list_versions(session, [referral_id])
    found = next((pair for pair in versions if pair[0].id == consent_id), None)
    if found is None:
        raise NotFound("That consent")
    if found[1] is not None or found[0].answer is not ConsentStatus.GIVEN:
        return work.referral
    said = checked_text(said_by, "said_by", limit=LINE_LENGTH)
    _take_back(work, found[0], said)
    if found[0].line == INTAKE and found[0] is _latest(versions, INTAKE):
        if work.referral.status.is_over:
            work.referral.consent = ConsentStatus.REVOKED
        else:
            _keep_flag(work, ConsentStatus.REVOKED, work.referral.consent_expires_at)
    work.settle()
    return work.referral


def answer_work(work: Work, status: ConsentStatus, *, expires_at: datetime | None = None) -> None:
    """What the person said about being referred and contacted, recorded within a command that is under way.

    A yes is a version on paper, seen by whoever records it; a no or “not asked yet” is a version that grants nothing;
    taking it back takes back whatever else they had agreed to as well.
    """
    outgoing.hold_back(work.session, work.referral.id)
    versions = list_versions(work.session, [work.referral.id])
    if status is ConsentStatus.REVOKED:
        given = [row for row, taken_back in versions if taken_back is None and row.answer is ConsentStatus.GIVEN]
        latest = _latest(versions, INTAKE)
        for row in given:
            _take_back(work, row, "")
        if latest is None or latest not in given:
            work.add(_version(work, INTAKE, status, (), None, versions))
    else:
        work.add(_answered(work, status, expires_at, versions))
    _keep_flag(work, status, expires_at)


def begin_consent(work: Work) -> None:
    """The answer with which a referral is filed, as its first version: one row, and none while nobody was asked."""
    referral = work.referral
    begins = began_here(work.session, referral.id)
    versions = [] if begins else list_versions(work.session, [referral.id])
    latest = _latest(versions, INTAKE)
    said = (referral.consent, referral.consent_expires_at)
    before = (ConsentStatus.PENDING, None) if latest is None else (_status(versions, latest), latest.expires_at)
    if said == before or (latest is None and referral.consent is ConsentStatus.PENDING):
        return
    if referral.consent is ConsentStatus.GIVEN and work.actor.only is not None:
        said_by = "Somebody must have seen the person agree. Leave this out; a planner or bridger writes it down."
        raise Invalid("consent_by_a_system", said_by, field="consent")
    work.add(_answered(work, referral.consent, referral.consent_expires_at, versions))


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Raise Invalid for an end that has passed."""
    if expires_at is not None and expires_at <= now:
        raise Invalid("expired", "This consent would have ended already. Check the date.", field="expires_at")


def _answered(
    work: Work, status: ConsentStatus, expires_at: datetime | None, versions: Iterable[Row]
) -> ConsentVersion:
    alone = not asks_both(work.rows.person, work.rows.program, work.now)  # at filing nobody signs beside a minor
    grants = intake_grants(with_use=alone) if status is ConsentStatus.GIVEN else ()
    row = _version(work, INTAKE, status, grants, expires_at, versions)
    row.signer_name = row.person_name if grants else ""
    row.signed_on = local_date(work.now, work.rows.person.zone)
    return row


def _version(
    work: Work,
    line: str,
    answer: ConsentStatus,
    grants: Iterable[Grant],
    expires_at: datetime | None,
    versions: Iterable[Row] | None = None,
) -> ConsentVersion:
    referral, program = work.referral, work.rows.program
    before = list_versions(work.session, [referral.id]) if versions is None else versions
    facility = work.session.get_one(Facility, referral.facility_id)
    row = ConsentVersion(
        id=new_id("cns"),
        program_id=referral.program_id,
        referral_id=referral.id,
        line="",
        version=1 + max((row.version for row, _ in before if row.line == line), default=0),
        answer=answer,
        grants=[kept_grant(grant) for grant in grants],
        person_name=work.rows.person.full_name,
        discloser=f"{facility.name}; {program.name}",
        form=FORM,
        expires_at=expires_at,
        expires_when="" if expires_at is not None else _UNTIL_THE_END,
        needs_both=asks_both(work.rows.person, work.rows.program, work.now),
        seen_by=work.actor_id,
        recorded_by=work.actor_id,
        recorded_at=work.now,
    )
    set_line(row, line)
    return row


def kept_grant(grant: Grant) -> dict[str, object]:
    """One thing agreed to, as a version keeps it."""
    return {
        "scope": grant.scope.value,
        "to": grant.to.value,
        "name": grant.name,
        "categories": sorted(category.value for category in grant.categories),
        "purpose": grant.purpose.value,
    }


def _take_back(work: Work, row: ConsentVersion, said_by: str) -> None:
    work.add(
        ConsentRevocation(
            id=new_id("crv"),
            program_id=row.program_id,
            referral_id=row.referral_id,
            consent_id=row.id,
            at=work.now,
            recorded_by=work.actor_id,
            said_by=said_by,
        )
    )
    if row.line != INTAKE or work.referral.status.is_over:
        scope = row.grants[0]["scope"] if row.grants else row.line
        work.record("permission.ended", subject_id=row.id, scope=scope, version=row.version)


def _keep_flag(work: Work, status: ConsentStatus, expires_at: datetime | None) -> None:
    referral = work.referral
    before = referral.consent
    referral.consent, referral.consent_expires_at, referral.consent_warned_at = status, expires_at, None
    work.record("consent.recorded", before=before, after=status, expires_at=expires_at)
    if status is not ConsentStatus.PENDING:
        settle_ladder(
            work, Resolution.ARRANGED, subject=Subject.CONSENT, note="Consent was recorded.", by=work.actor_id
        )


def _latest(versions: Iterable[Row], line: str) -> ConsentVersion | None:
    return max((row for row, _ in versions if row.line == line), key=lambda row: row.version, default=None)


def _status(versions: Iterable[Row], latest: ConsentVersion) -> ConsentStatus:
    facts = [as_facts(row, taken_back) for row, taken_back in versions]
    return next(
        fact.answer if fact.revoked_at is None else ConsentStatus.REVOKED for fact in facts if fact.id == latest.id
    )
