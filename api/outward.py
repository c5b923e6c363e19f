"""Answers of the API to a facility's own system: they leave the program, so each passes the gate and is accounted for.

How somebody is, is told only under the person's consent; without it the answer says how the request was answered, and
no more. What goes out takes the statement of 42 CFR 2.32(a)(2) and the scope of the consent with it, as headers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from fastapi import Request
from sqlmodel import Session, col, select

from api.auth import SignedIn
from api.models.referrals import ReferralOut
from domain.consent import NOTICE_SHORT, notice_text
from domain.sensitivity import hides, open_values
from domain.vocabulary import Need, ReferralStatus, RiskFlag, Role
from records import clock
from records.access import visible
from records.commands.disclosures import show_standing
from records.queries.consents import withheld_of
from records.queries.own_risks import own_risks
from records.tables import Referral

NOTICE, COVERS, WITHHELD = "Footbridge-Notice", "Footbridge-Consent", "Footbridge-Withheld"
_ANSWERED = (ReferralStatus.REJECTED, ReferralStatus.CANCELLED)


def told(request: Request, session: Session, me: SignedIn, referrals: Iterable[Referral]) -> set[str]:
    """Those of these referrals of which this reader may hear how they stand; the headers say what goes with it."""
    rows = list(referrals)
    outside = _outside(session, me, rows)
    found = {row.id for row in rows} - {row.id for row in outside}
    if not outside:
        return found
    shown = show_standing(session, outside, me.actor.facility_id or "", by=me.id, now=clock.now())
    allowed = {referral_id: row for referral_id, row in shown.items() if row.is_allowed}
    headers: dict[str, str] = {}
    if allowed:
        headers[NOTICE] = notice_text(NOTICE_SHORT)
        headers[COVERS] = quote(" ".join(sorted({row.covers or "" for row in allowed.values()})), safe=" :;,.()'")
    if len(allowed) < len(shown):
        headers[WITHHELD] = "How some of them are: their consent does not cover telling you."
    request.state.goes_with_it = headers
    return found | set(allowed)


def withheld(session: Session, me: SignedIn, rows: Iterable[Referral]) -> set[str]:
    """Those of which this reader of the program's own may not read what concerns substance use."""
    all_rows = list(rows)
    outside = {row.id for row in _outside(session, me, all_rows)}  # what a facility filed is its own
    return withheld_of(session, [row.id for row in all_rows if row.id not in outside], clock.now())


def written_by_them(session: Session, me: SignedIn, rows: Iterable[Referral]) -> dict[str, set[str]]:
    """The risks that the reader's facility wrote itself, of those referrals that are seen for its sake alone."""
    outside = [row for row in _outside(session, me, list(rows)) if row.status is not ReferralStatus.DRAFT]
    written = own_risks(session, outside) if any(row.risks for row in outside) else {}
    return {row.id: written.get(row.id, set()) for row in outside}


def referral_as_told(
    row: Referral,
    is_told: bool,
    *,
    bridger_name: str = "",
    is_withheld: bool = False,
    written: set[str] | None = None,
) -> ReferralOut:
    """A referral as this reader may hear of it; `written`: the risks that a facility wrote, and hears of."""
    shown = ReferralOut.of(row, bridger_name=bridger_name)
    if written is not None:
        shown.risks = [risk for risk in shown.risks if risk.value in written]
    if is_withheld:
        shown.withheld = [name for name in ("risks", "needs", "needs_note") if hides(name, getattr(row, name))]
        shown.risks = [RiskFlag(risk) for risk in open_values("risks", row.risks)]
        shown.needs = [Need(need) for need in open_values("needs", row.needs)]
        shown.needs_note = ""
    if not is_told:
        shown.next_at, shown.next_item = None, ""
        if row.status not in _ANSWERED:
            shown.closure_reason = None
    return shown


def _outside(session: Session, me: SignedIn, rows: list[Referral]) -> list[Referral]:
    """Those that the reader sees for their facility's sake alone."""
    if Role.PLANNER not in me.actor.roles or not rows:
        return []
    otherwise = replace(me.actor, roles=me.actor.roles - {Role.PLANNER})
    inside = set(
        session.exec(
            select(Referral.id).where(col(Referral.id).in_([row.id for row in rows]), visible(otherwise))
        ).all()
    )
    return [row for row in rows if row.id not in inside]
