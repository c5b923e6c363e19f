"""A bridger's day on a phone: what is overdue, what is due, what comes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import Me, SessionDep, page
from api.filters import local
from domain.sensitivity import list_labels
from domain.vocabulary import Mode, SafetyFlag
from records import clock
from records.queries.bridger_pages import CallToMe, ToldAbout, list_absences, list_calls_to, list_told_about
from records.queries.text_pages import replies_waiting
from records.queries.worklist import CallBack, Task, worklist_of

router = APIRouter()

FEW_COMING = 6


@router.get("/today")
@requires("answer_offer")
def today(request: Request, session: SessionDep, me: Me, coming: str = "") -> Response:
    """Overdue first, then due, then coming; each with its reason and the time left."""
    now = clock.now()
    work = worklist_of(session, me.actor, now)
    calls = list_calls_to(session, me.actor)
    called = {c.escalation.subject_id: c for c in calls}
    told = list_told_about(session, [t.contact for t in work.overdue])
    bands = {name: [card(t, called.get(t.contact.id), told.get(t.contact.id)) for t in tasks] for name, tasks in (
        ("overdue", work.overdue), ("due", work.due), ("coming", work.coming))}  # fmt: skip
    in_cards = {t.contact.id for t in (*work.overdue, *work.due, *work.coming)}
    absences = list_absences(session, me.actor, now)
    return page(
        "today.html",
        request,
        first_name=me.staff.first_name or me.name.split()[0],
        overdue=bands["overdue"],
        due=bands["due"],
        coming=bands["coming"] if coming else bands["coming"][:FEW_COMING],
        more_coming=0 if coming else max(len(bands["coming"]) - FEW_COMING, 0),
        call_backs=[call_back_card(c) for c in work.call_backs],
        wrote=[
            {
                "who": one.person.full_name,
                "href": f"/referrals/{one.referral_id}#texts",
                "at": one.received_at,
                "is_danger": one.is_danger,
            }
            for one in replies_waiting(session, me.actor)
        ],
        calls=[c for c in calls if c.escalation.subject_id not in in_cards],
        away=[a for a in absences if a.from_at <= now],
        zone=me.program.zone,
        clock=local(now, me.program.zone),
    )


def card(task: Task, told: CallToMe | None = None, raised: ToldAbout | None = None) -> dict[str, Any]:
    """One task as the card shows it: who, what and why, by when; what was tried and what is still to be tried."""
    person, base = task.person, f"/referrals/{task.referral.id}"
    log = {"label": "Log", "href": f"{base}/log?contact={task.contact.id}", "is_primary": True, "icon": "check"}
    if task.is_task:
        log = {"label": "Done", "href": f"{base}/contacts/{task.contact.id}/done", "is_primary": True, "icon": "check"}
    actions = [log]
    number = next((p["number"] for p in person.phones if not p.get("is_quarantined")), None)
    if number and Mode.CALL.value in task.modes:
        actions.append({"label": "Call", "href": f"tel:{number}", "icon": "phone"})
    tags = [{"text": label, "tone": "care"} for label in list_labels(task.referral.risks, only_high=True)]
    if task.contact.is_overdue_on_arrival:
        tags.append({"text": "We heard late", "tone": "wait"})
    last = task.last_attempt
    return {
        "who": person.full_name,
        "href": base,
        "what": task.contact.title,
        "why": task.why[:1].lower() + task.why[1:],
        "due_at": task.due_at,
        "state": task.band,
        "work_by": task.work_by if task.work_by != task.due_at else None,
        "zone": person.zone,
        "tags": tags,
        "safety": " · ".join(task.safety),
        "actions": actions,
        "needed": max(task.needed, len(task.attempts)) if not task.is_task else 0,
        "tried": len(task.attempts),
        "last": f"{last.mode.label}, {_lower(last.outcome.label)}, {local(last.at, person.zone)}" if last else "",
        "still": list(task.still_to_try) if not task.is_task else [],
        "told": told.escalation if told is not None else None,
        "raised": raised if told is None else None,
        "is_open": task.contact.opens_at <= clock.now(),
        "no_phone": Mode.CALL.value in task.modes and number is None and not task.is_task,
    }


def call_back_card(back: CallBack) -> dict[str, Any]:
    """Somebody who asked to be called at a time."""
    base = f"/referrals/{back.referral.id}"
    number = next((p["number"] for p in back.person.phones if not p.get("is_quarantined")), None)
    actions = [{"label": "Log", "href": f"{base}/log", "is_primary": True, "icon": "check"}]
    if number:
        actions.append({"label": "Call", "href": f"tel:{number}", "icon": "phone"})
    return {
        "who": back.person.full_name,
        "href": base,
        "what": "Call back",
        "why": "they asked for this time",
        "due_at": back.at,
        "zone": back.person.zone,
        "safety": " · ".join(SafetyFlag(f).label for f in back.person.safety_flags),
        "actions": actions,
    }


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
