"""The one gate: whatever of a person's leaves the program passes here, and what is refused is recorded too.

Active consent × recipient × category × purpose × moment (`domain.consent.may_disclose`); the accounting row is written
in the same transaction. What goes out takes `accompanying(row)` with it (42 CFR 2.32).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from domain.consent import Consent, Decision, Recipient, may_disclose, notice_text, standing
from domain.vocabulary import Category, Purpose, RecipientKind
from records.ids import new_id
from records.marks import is_recipient, set_recipient
from records.queries.consents import consents_by_referral, consents_of
from records.queries.restored import HELD, find_hold
from records.tables import Disclosure, Referral

STATUS = "status"
ONE_TELLING = timedelta(hours=24)
"""Showing the same page to the same facility again within this time is one disclosure in the accounting, as long as
the answer is the same (project choice)."""


def disclose(
    session: Session,
    referral: Referral,
    what: str,
    recipient: Recipient,
    category: Category,
    purpose: Purpose,
    *,
    now: datetime,
    to: str = "",
    by: str | None = None,
    content: dict[str, Any] | None = None,
    subject_id: str | None = None,
    is_out: bool = True,
) -> Disclosure:
    """Ask the gate and write down what it said: the row tells whether it may go out, and what must go with it.

    `to` names the recipient in the accounting; without `is_out` it is marked as gone with `went_out`.
    """
    consents = consents_of(session, referral.id)
    decision = _decide(session, referral, consents, recipient, category, purpose, now)
    row = _row(referral, what, recipient, category, purpose, decision, now)
    set_recipient(row, to or recipient.name or recipient.kind.value)
    row.consent = standing(consents, now).value
    row.by, row.subject_id = by, subject_id
    if decision.is_allowed:
        row.content = content or {}
        row.sent_at = now if is_out else None
    session.add(row)
    return row


def show_standing(
    session: Session, referrals: Iterable[Referral], facility_id: str, *, by: str, now: datetime
) -> dict[str, Disclosure]:
    """Ask the gate whether somebody of a facility may see how these referrals stand, on a page or by the API."""
    recipient, to = facility(facility_id)
    asked = (recipient, Category.STANDING, Purpose.COORDINATION)
    return show(session, referrals, STATUS, *asked, to=to, by=by, now=now)


def hand_to_person(session: Session, referral: Referral, what: str, *, by: str, now: datetime) -> Disclosure:
    """Something is printed for the person themselves."""
    asked = (Recipient(RecipientKind.PERSON), Category.STANDING, Purpose.AT_REQUEST)
    return show(session, [referral], what, *asked, to="the person", by=by, now=now)[referral.id]


def show(
    session: Session,
    referrals: Iterable[Referral],
    what: str,
    recipient: Recipient,
    category: Category,
    purpose: Purpose,
    *,
    to: str,
    by: str,
    now: datetime,
) -> dict[str, Disclosure]:
    """Ask the gate about what is opened again and again: one row a day and answer, not one a look.

    Constant queries, however many referrals there are.
    """
    rows = list(referrals)
    consents = consents_by_referral(session, [row.id for row in rows])
    known = _shown_before(session, rows, what, to, now - ONE_TELLING)
    found: dict[str, Disclosure] = {}
    for referral in rows:
        mine = consents.get(referral.id, [])
        decision = _decide(session, referral, mine, recipient, category, purpose, now)
        before = known.get((referral.id, decision.is_allowed, decision.reason, decision.consent_id))
        if before is None:
            before = _row(referral, what, recipient, category, purpose, decision, now)
            set_recipient(before, to)
            before.consent, before.by = standing(mine, now).value, by
            before.sent_at = now if decision.is_allowed else None
            session.add(before)
        found[referral.id] = before
    return found


def _decide(
    session: Session,
    referral: Referral,
    consents: Iterable[Consent],
    recipient: Recipient,
    category: Category,
    purpose: Purpose,
    now: datetime,
) -> Decision:
    """What the consents say. After a restore those from before it are not enough until an administrator has confirmed
    them: one may have been taken back since the copy."""
    known = list(consents)
    decision = may_disclose(known, recipient, category, purpose, now)
    held = find_hold(session, referral.program_id) if decision.consent_id else None
    if held is None or not decision.is_allowed:
        return decision
    given_at = max(one.given_at for one in known if one.id == decision.consent_id)
    return decision if given_at > held.at else Decision(False, HELD)


def _shown_before(
    session: Session, referrals: list[Referral], what: str, to: str, since: datetime
) -> dict[tuple[str, bool, str, str | None], Disclosure]:
    if not referrals:
        return {}
    rows = session.exec(
        select(Disclosure).where(
            col(Disclosure.referral_id).in_([row.id for row in referrals]),
            Disclosure.what == what,
            is_recipient(referrals[0].program_id, to),
            col(Disclosure.at) > since,
        )
    )
    return {(row.referral_id, row.is_allowed, row.reason, row.consent_id): row for row in rows}


def went_out(session: Session, subject_id: str, at: datetime) -> None:
    """What carried it has arrived: the accounting says when."""
    rows = session.exec(
        select(Disclosure)
        .where(Disclosure.subject_id == subject_id, col(Disclosure.is_allowed), col(Disclosure.sent_at).is_(None))
        .order_by(col(Disclosure.at).desc())
    )
    row = rows.first()
    if row is not None:
        row.sent_at = at


def facility(facility_id: str) -> tuple[Recipient, str]:
    """A facility that referred the person, for the gate and by its name in the accounting."""
    return Recipient(RecipientKind.REFERRER, facility_id), f"facility:{facility_id}"


@dataclass(frozen=True, slots=True)
class Accompanying:
    """What goes with what is told (42 CFR 2.32): the statement, word for word, and what the consent covers."""

    notice: str
    covers: str


def accompanying(row: Disclosure) -> Accompanying | None:
    """What must go with it; None when nothing that a consent covers was told."""
    return Accompanying(notice_text(row.notice), row.covers or "") if row.is_allowed and row.notice else None


def _row(
    referral: Referral,
    what: str,
    recipient: Recipient,
    category: Category,
    purpose: Purpose,
    decision: Decision,
    now: datetime,
) -> Disclosure:
    return Disclosure(
        id=new_id("dis"),
        program_id=referral.program_id,
        referral_id=referral.id,
        what=what,
        recipient="",
        recipient_kind=recipient.kind,
        category=category,
        purpose=purpose.value,
        is_allowed=decision.is_allowed,
        reason=decision.reason,
        consent="",
        consent_id=decision.consent_id,
        covers=decision.covers or None,
        notice=decision.notice or None,
        at=now,
    )
