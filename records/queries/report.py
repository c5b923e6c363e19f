"""The closing report: what the referrer hears when it is over. No notes, no diagnosis, nothing they did not ask for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, false, or_, true
from sqlmodel import Session, col, select

from domain.contact import is_contact
from domain.vocabulary import ContactState, Outcome, Role
from records.access import Actor, not_theirs, visible
from records.marks import is_recipient
from records.queries.case import CaseRows
from records.tables import Disclosure, JournalEntry, Referral

CLOSING_REPORT = "closing report"


def closing_report(rows: CaseRows) -> dict[str, Any]:
    """The facts of the report as JSON keeps them (status, date, reason; then what was done)."""
    referral = rows.referral
    met = [c for c in rows.contacts if c.state in (ContactState.MET, ContactState.MET_LATE)]
    reached = [a for a in rows.attempts if a.outcome is Outcome.REACHED and is_contact(a.mode, a.outcome)]
    first = min((a.at for a in reached if referral.discharged_at and a.at >= referral.discharged_at), default=None)
    return {
        "number": referral.number,
        "status": referral.status.value,
        "reason": referral.closure_reason.value if referral.closure_reason else "",
        "ended_at": _text(referral.ended_at),
        "submitted_at": _text(referral.submitted_at),
        "accepted_at": _text(referral.accepted_at),
        "discharged_at": _text(referral.discharged_at),
        "first_reached_at": _text(first),
        "contacts_met": sum(c.state is ContactState.MET for c in met),
        "contacts_met_late": sum(c.state is ContactState.MET_LATE for c in met),
        "contacts_missed": sum(c.state is ContactState.MISSED for c in rows.contacts),
        "times_reached": len(reached),
    }


def is_told(session: Session, referral: Referral, facility_id: str) -> bool:
    """Whether a facility is one of those that asked for this person."""
    return facility_id == referral.facility_id or facility_id in dict(list_to_tell(session, referral))


def recipient_of(facility_id: str) -> str:
    """A facility as the record of disclosures names whom something went to."""
    return f"facility:{facility_id}"


def list_to_tell(session: Session, referral: Referral) -> list[tuple[str, str]]:
    """Facility and planner of everybody who asked for this person: who filed it, then whoever asked too since."""
    found = {referral.facility_id: referral.planner_id or ""}
    for actor, data in session.exec(_ASKED_TOO, params={"referral_id": referral.id}):
        if facility_id := data.get("facility"):
            found.setdefault(facility_id, actor or "")
    return list(found.items())


_ASKED_TOO = (
    select(JournalEntry.actor, JournalEntry.data)
    .where(col(JournalEntry.stream) == bindparam("referral_id"), col(JournalEntry.event) == "referral.joined")
    .order_by(col(JournalEntry.seq))
)


def referral_with_report(session: Session, actor: Actor, referral_id: str) -> Referral:
    """The referral, for whoever may see it, or whose facility asked for the person too and was told how it ended.

    Raises NotFound or NotAllowed.
    """
    told = col(Referral.id).in_(
        select(Disclosure.referral_id).where(is_recipient(actor.program_id, recipient_of(actor.facility_id or "")))
    )
    asked = and_(told, true() if Role.PLANNER in actor.roles and actor.facility_id else false())
    found = session.exec(select(Referral).where(Referral.id == referral_id, or_(visible(actor), asked))).first()
    if found is None:
        raise not_theirs(session, actor, referral_id, "That referral")
    actor.require("see_report")
    return found


def find_report(session: Session, referral: Referral, facility_id: str | None = None) -> Disclosure | None:
    """The closing report that a facility was sent (or the record that it was withheld), the latest.

    Without a facility, or for one that never asked, that of the facility which filed the referral.
    """
    reports = session.exec(
        select(Disclosure)
        .where(Disclosure.referral_id == referral.id, Disclosure.what == CLOSING_REPORT)
        .order_by(col(Disclosure.at).desc())
    ).all()
    by_recipient = {report.recipient: report for report in reversed(reports)}
    first = recipient_of(referral.facility_id)
    return by_recipient.get(recipient_of(facility_id) if facility_id else first, by_recipient.get(first))


def _text(at: Any) -> str | None:
    return at.isoformat() if at is not None else None
