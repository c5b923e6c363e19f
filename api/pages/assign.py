"""Assign by hand: who fits and why, who cannot and why, what it means, and what happens then."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.filters import due_time
from api.pages import person_view
from api.pages.next_words import sentence
from domain.errors import NotFound
from domain.languages import language_name
from domain.match_facts import Candidate
from domain.vocabulary import ContactState, OfferState, ReferralStatus
from records import clock
from records.commands import assignments
from records.queries.case import CaseRows
from records.queries.matching import candidates_ranked, limits_of
from records.queries.own_case import load_own_case
from records.queries.person_page import load_person_page

router = APIRouter()

WORKS = (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS, ReferralStatus.ON_HOLD)
HERE = "/referrals/{referral_id}/assign"


@router.get(HERE)
@requires("assign")
def candidates(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Everybody ranked with the reasons for and against; below, who cannot be asked and why."""
    rows = load_own_case(session, me.actor, referral_id)
    everybody, ranking = candidates_ranked(session, rows, clock.now())
    limits = limits_of(rows.program)
    lines = {c.id: _line(c, rows, c.limit(limits)) for c in everybody}
    return page(
        "assign.html",
        request,
        who=rows.person.full_name,
        base=f"/referrals/{referral_id}",
        is_possible=rows.referral.status in WORKS,
        stands=rows.referral.status,
        asks=_asks(rows),
        ranked=[
            lines[r.candidate_id]
            | {"score": r.score, "good": _said(r.reasons_for), "against": _said(r.reasons_against)}
            for r in ranking.ranked
        ],
        excluded=[lines[e.candidate_id] | {"against": e.reasons_for_others, "may": e.may_be_overridden}
                  for e in ranking.excluded],
        notes=ranking.notes,
        safety=person_view.safety(rows.person),
    )  # fmt: skip


@router.get(HERE + "/{bridger_id}")
@requires("assign")
def confirm(request: Request, session: SessionDep, me: Me, referral_id: str, bridger_id: str) -> Response:
    """What it means to choose this bridger, before the yes; what stands against it needs a reason by name."""
    rows = load_own_case(session, me.actor, referral_id)
    everybody, ranking = candidates_ranked(session, rows, clock.now())
    chosen = _find(everybody, bridger_id)
    names = {c.id: c.name for c in everybody}
    excluded = next((e for e in ranking.excluded if e.candidate_id == bridger_id), None)
    ranked = next((r for r in ranking.ranked if r.candidate_id == bridger_id), None)
    return page(
        "assign_confirm.html",
        request,
        values={"override_reason": ""},
        who=rows.person.full_name,
        base=f"/referrals/{referral_id}",
        bridger=_line(chosen, rows, chosen.limit(limits_of(rows.program))),
        is_current=rows.referral.bridger_id == bridger_id,
        is_possible=rows.referral.status in WORKS and (excluded is None or excluded.may_be_overridden),
        against=excluded.reasons_for_others
        if excluded is not None
        else ranked.reasons_against
        if ranked is not None
        else (),
        good=ranked.reasons_for if ranked is not None else (),
        needs_reason=excluded is not None,
        consequences=_consequences(rows, chosen, names),
        notes=ranking.notes,
    )


@router.post(HERE + "/{bridger_id}")
@requires("assign", again=confirm)
def assign(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, bridger_id: str) -> Response:
    """Assign. The same again changes nothing."""
    rows = load_own_case(session, me.actor, referral_id)
    everybody, ranking = candidates_ranked(session, rows, clock.now())
    _find(everybody, bridger_id)
    blocked = next((e for e in ranking.excluded if e.candidate_id == bridger_id), None)
    is_new = rows.referral.bridger_id != bridger_id
    reason = form.area("override_reason", limit=500, required=is_new and blocked is not None and
                       blocked.may_be_overridden)  # fmt: skip
    form.check()
    assignments.assign(session, me.actor, referral_id, bridger_id, override_reason=reason)
    return redirect_after_post(request, f"/referrals/{referral_id}/assigned")


@router.get("/referrals/{referral_id}/assigned")
@requires("assign")
def assigned(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """What happens now that somebody has this person."""
    found = load_person_page(session, me.actor, referral_id)
    rows, zone = found.rows, found.rows.person.zone
    if found.bridger is None:
        raise NotFound("That assignment")
    ahead = [c for c in rows.contacts if c.state is ContactState.PLANNED][:3]
    step = found.next
    return page(
        "assigned.html",
        request,
        who=rows.person.full_name,
        called=rows.person.called,
        base=f"/referrals/{referral_id}",
        bridger=found.bridger,
        ahead=[{"at": c.due_at, "title": c.title, "why": "", "state": None} for c in ahead],
        next_step=step,
        next_sentence=sentence(step, zone, me.id, rows.referral.setting.leaving) if step else "",
        tells_referrer=rows.referral.planner_id is not None,
        zone=zone,
    )


def _find(everybody: list[Candidate], bridger_id: str) -> Candidate:
    for candidate in everybody:
        if candidate.id == bridger_id:
            return candidate
    raise NotFound("That bridger")


def _said(reasons: tuple[str, ...]) -> list[str]:
    """The reasons without the caseload, which the bar beside them shows."""
    return [reason for reason in reasons if not reason.startswith("Supports ")]


def _line(candidate: Candidate, rows: CaseRows, limit: int) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "name": candidate.name,
        "href": f"/referrals/{rows.referral.id}/assign/{candidate.id}",
        "load": candidate.caseload,
        "offered": candidate.open_offers,
        "limit": limit,
        "is_current": rows.referral.bridger_id == candidate.id,
        "is_asked": any(o.state is OfferState.OPEN and o.bridger_id == candidate.id for o in rows.offers),
    }


def _asks(rows: CaseRows) -> list[str]:
    """What this person asks of a bridger, and where and when."""
    person, referral = rows.person, rows.referral
    found = [referral.setting.label]
    if person.language != "en" or person.language_strength is not None:
        strength = f" ({person.language_strength.label.lower()})" if person.language_strength else ""
        found.append(f"{language_name(person.language)}{strength}")
    if person.bridger_gender is not None:
        strength = f" ({person.bridger_gender_strength.label.lower()})" if person.bridger_gender_strength else ""
        found.append(f"Bridger: {person.bridger_gender.label.lower()}{strength}")
    if person.area:
        found.append(f"Area {person.area}")
    return found


def _consequences(rows: CaseRows, chosen: Candidate, names: dict[str, str]) -> list[str]:
    referral, called = rows.referral, rows.person.called
    found = [f"{chosen.name} is told now, and sees everything about {called} from this moment."]
    if referral.bridger_id is not None:
        former = names.get(referral.bridger_id, "The bridger until now")
        found.append(f"{former} is told too, and no longer sees this page. {chosen.name} introduces themselves first.")
    asked = next((o for o in rows.offers if o.state is OfferState.OPEN), None)
    if asked is not None and asked.bridger_id != chosen.id:
        found.append(f"The offer to {names.get(asked.bridger_id, 'somebody else')} is taken back.")
    elif asked is not None:
        found.append("The offer that is open now is taken back: no answer is needed any more.")
    due = next((c for c in rows.contacts if c.state is ContactState.PLANNED), None)
    kept = f" Next: {due.title}, {due_time(due.due_at, rows.person.zone)}." if due is not None else ""
    found.append(f"No due time moves.{kept}")
    if referral.planner_id is not None:
        found.append("The referrer hears who the bridger is.")
    return found
