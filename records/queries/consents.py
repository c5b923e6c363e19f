"""What people agreed to, as the rules see it: read afresh each time somebody asks whether something may be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from domain.clock import local_date
from domain.consent import (
    INTAKE,
    Consent,
    Decision,
    Grant,
    Recipient,
    form_text,
    is_minor,
    may_disclose,
    missing_elements,
)
from domain.errors import NotFound
from domain.vocabulary import Category, ConsentStatus, Purpose, RecipientKind, Scope
from records.access import Actor
from records.tables import ConsentRevocation, ConsentVersion, Person, Program, Referral, Staff

Row = tuple[ConsentVersion, ConsentRevocation | None]


def list_versions(session: Session, referral_ids: Iterable[str]) -> list[Row]:
    """Every version about these referrals, the oldest first, with the event that took it back."""
    wanted = list(referral_ids)
    if not wanted:
        return []
    found = session.exec(_VERSIONS, params={"referral_ids": wanted}).all()
    return sorted(found, key=lambda pair: _in_order(pair[0]))


def _in_order(row: Any) -> tuple[datetime, str, int]:
    return row.recorded_at, row.line, row.version  # the line is sealed: the database cannot sort by it


_VERSIONS = (
    select(ConsentVersion, ConsentRevocation)
    .outerjoin(ConsentRevocation, col(ConsentRevocation.consent_id) == col(ConsentVersion.id))
    .where(col(ConsentVersion.referral_id).in_(bindparam("referral_ids", expanding=True)))
)


def list_readable(session: Session, actor: Actor, referral_id: str) -> list[Row]:
    """The versions that this actor reads. A facility reads what it was asked when somebody was referred, and what its
    own staff recorded."""
    rows = list_versions(session, [referral_id])
    if actor.facility_id is None:
        return rows
    recorders = select(Staff.id).where(Staff.facility_id == actor.facility_id)
    own = set(session.exec(recorders.where(col(Staff.id).in_({row.recorded_by for row, _ in rows}))))
    return [pair for pair in rows if pair[0].line == INTAKE or pair[0].recorded_by in own]


def readable_consent(session: Session, actor: Actor, referral_id: str, consent_id: str) -> Row:
    """One of those versions. Raises NotFound."""
    for pair in list_readable(session, actor, referral_id):
        if pair[0].id == consent_id:
            return pair
    raise NotFound("That consent")


def asks_both(person: Person, program: Program, now: datetime) -> bool:
    """Whether what concerns substance use takes a parent's signature beside the person's own: they are a minor, in a
    state that asks so (42 CFR 2.14)."""
    return not program.minors_sign_alone and is_minor(person.birth_on, local_date(now, person.zone))


def consents_of(session: Session, referral_id: str) -> tuple[Consent, ...]:
    """What the person of this referral agreed to, every version of it."""
    rows = sorted(session.execute(_OF_ONE, {"referral_id": referral_id}), key=_in_order)
    return tuple([_as_facts(row, row.taken_back_at) for row in rows])


_OF_ONE = (  # values, not entities: asked at every step that tells somebody something
    sa_select(
        *(getattr(ConsentVersion, name) for name in ConsentVersion.model_fields),
        col(ConsentRevocation.at).label("taken_back_at"),
    )
    .outerjoin(ConsentRevocation, col(ConsentRevocation.consent_id) == col(ConsentVersion.id))
    .where(col(ConsentVersion.referral_id) == bindparam("referral_id"))
)


def consents_by_referral(session: Session, referral_ids: Iterable[str]) -> dict[str, list[Consent]]:
    """The same for many, in one query."""
    found: dict[str, list[Consent]] = defaultdict(list)
    for version, taken_back in list_versions(session, referral_ids):
        found[version.referral_id].append(as_facts(version, taken_back))
    return found


def as_facts(row: ConsentVersion, taken_back: ConsentRevocation | None) -> Consent:
    """A version as the rules see it."""
    return _as_facts(row, taken_back.at if taken_back is not None else None)


def _as_facts(row: Any, taken_back_at: datetime | None) -> Consent:
    grants = tuple(_grant(one) for one in row.grants)
    is_given = row.answer is ConsentStatus.GIVEN
    return Consent(
        id=row.id,
        line=row.line,
        version=row.version,
        answer=row.answer,
        given_at=row.recorded_at,
        grants=grants,
        expires_at=row.expires_at,
        revoked_at=taken_back_at,
        lacks=missing_elements(elements_of(row), grants, row.signer) if is_given else (),
    )


def elements_of(row: ConsentVersion) -> dict[str, Any]:
    """The elements of 42 CFR 2.31 as this version has them; the sentences by the wording that was signed."""
    return {
        **(form_text(row.form) if row.form else {}),
        "person_name": row.person_name,
        "discloser": row.discloser,
        "expiry": row.expires_at or row.expires_when,
        "signer_name": row.signer_name,
        "signed_on": row.signed_on,
        "authority": row.authority,
        "needs_both": row.needs_both,
        "second_name": row.second_name,
        "second_authority": row.second_authority,
        "method": row.method,
        "seen_by": row.seen_by,
    }


def _grant(kept: dict[str, Any]) -> Grant:
    return Grant(
        scope=Scope(kept["scope"]),
        to=RecipientKind(kept["to"]),
        categories=frozenset(Category(c) for c in kept["categories"]),
        purpose=Purpose(kept["purpose"]),
        name=kept.get("name", ""),
    )


TELL_REFERRER = (Recipient(RecipientKind.REFERRER), Category.STANDING, Purpose.COORDINATION)
"""How it goes, told to the facility that referred the person."""
SHOW_SUBSTANCE_USE = (Recipient(RecipientKind.PROGRAM), Category.SUBSTANCE_USE, Purpose.SUPPORT)
"""What concerns substance use, shown to the program's own people."""


def decide(
    session: Session, referral_id: str, recipient: Recipient, category: Category, purpose: Purpose, at: datetime
) -> Decision:
    """Whether this may be told at this moment, by what is on record now."""
    return may_disclose(consents_of(session, referral_id), recipient, category, purpose, at)


def covers_telling(session: Session, referral: Referral, now: datetime) -> bool:
    """Whether the person's consent covers telling the facility how it goes, at this moment."""
    return decide(session, referral.id, *TELL_REFERRER, now).is_allowed


def told_about(session: Session, referral_ids: Iterable[str], now: datetime) -> set[str]:
    """The same for many: those of them about whom the facility may be told."""
    found = consents_by_referral(session, referral_ids)
    return {one for one, consents in found.items() if may_disclose(consents, *TELL_REFERRER, now).is_allowed}


def is_withheld(session: Session, referral: Referral, now: datetime) -> bool:
    """Whether the program's people may not read now what of this referral concerns substance use."""
    return not decide(session, referral.id, *SHOW_SUBSTANCE_USE, now).is_allowed


def withheld_of(session: Session, referral_ids: Iterable[str], now: datetime) -> set[str]:
    """The same for many: those of them of which it is withheld."""
    wanted = set(referral_ids)
    found = consents_by_referral(session, wanted)
    return {one for one in wanted if not may_disclose(found.get(one, ()), *SHOW_SUBSTANCE_USE, now).is_allowed}
