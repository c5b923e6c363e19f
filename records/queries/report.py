"""The closing report: what the referrer hears when it is over. No notes, no diagnosis, nothing they did not ask for."""

from __future__ import annotations

from typing import Any

from domain.vocabulary import ContactState, Outcome
from records.queries.case import CaseRows


def closing_report(rows: CaseRows) -> dict[str, Any]:
    """The facts of the report as JSON keeps them (status, date, reason; then what was done)."""
    referral = rows.referral
    met = [c for c in rows.contacts if c.state in (ContactState.MET, ContactState.MET_LATE)]
    reached = [a for a in rows.attempts if a.outcome is Outcome.REACHED]
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


def _text(at: Any) -> str | None:
    return at.isoformat() if at is not None else None
