"""The one gate: whatever of a person's leaves the program passes here, and what is refused is recorded too.

Active consent × recipient × category × purpose × moment (`domain.consent.may_disclose`); the accounting row is written
in the same transaction. What goes out takes `notice_of(row)` and `row.covers` with it (42 CFR 2.32).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from domain.consent import Decision, Recipient, may_disclose, notice_text, standing
from domain.vocabulary import Category, Purpose, RecipientKind
from records.ids import new_id
from records.queries.consents import consents_of
from records.tables import Disclosure, Referral

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
    decision = may_disclose(consents, recipient, category, purpose, now)
    row = _row(referral, what, recipient, category, purpose, decision, now)
    row.recipient = to or recipient.name or recipient.kind.value
    row.consent = standing(consents, now).value
    row.by, row.subject_id = by, subject_id
    if decision.is_allowed:
        row.content = content or {}
        row.sent_at = now if is_out else None
    session.add(row)
    return row


def show(
    session: Session,
    referral: Referral,
    what: str,
    recipient: Recipient,
    category: Category,
    purpose: Purpose,
    *,
    now: datetime,
    to: str,
    by: str,
) -> Disclosure:
    """The same for a page or an answer that is opened again and again: one row a day and answer, not one a look."""
    decision = may_disclose(consents_of(session, referral.id), recipient, category, purpose, now)
    before = session.exec(
        select(Disclosure)
        .where(
            Disclosure.referral_id == referral.id,
            Disclosure.what == what,
            Disclosure.recipient == to,
            col(Disclosure.is_allowed).is_(decision.is_allowed),
            Disclosure.reason == decision.reason,
            col(Disclosure.consent_id).is_(None)
            if decision.consent_id is None
            else col(Disclosure.consent_id) == decision.consent_id,
            col(Disclosure.at) > now - ONE_TELLING,
        )
        .order_by(col(Disclosure.at).desc())
    ).first()
    if before is not None:
        return before
    return disclose(session, referral, what, recipient, category, purpose, now=now, to=to, by=by)


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


def notice_of(row: Disclosure) -> str:
    """The statement that goes with it, word for word; empty when none is asked for."""
    return notice_text(row.notice or "")


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
