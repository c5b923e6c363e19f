"""A person's page, for everybody who works with them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.deps import Me, SessionDep, page
from api.pages import person_view
from api.pages.next_words import sentence
from api.pages.person_actions import actions
from api.pages.planner import show_for_planner
from api.pages.texting import on_the_page
from api.pages.told_by_others import told_by_others
from domain.vocabulary import OVER_STATUSES
from records import clock, engine
from records.queries.person_page import PersonPage, load_person_page, sees_only_as_planner
from records.queries.timeline import Entry, by_day, list_timeline
from records.queries.worklist import tasks_of

router = APIRouter()

SHOWN_AT_FIRST = 10
KINDS = {"contacts": ("attempt.", "contact."), "notes": ("note.", "escalation.acted"), "system": ()}
"""What a filter of the timeline shows, by the beginning of the event; `system` is all the rest."""


@router.get("/referrals/{referral_id}")
@requires("see_person")
def show(
    request: Request, session: SessionDep, me: Me, referral_id: str, show: str = "all", more: str = ""
) -> Response:
    """The person's page. Planners get the lighter one; what it tells a facility is accounted for, which writes."""
    if sees_only_as_planner(session, me.actor, referral_id):
        with engine.transaction() as writing:
            request.state.session = writing
            return show_for_planner(request, writing, me, referral_id)
    found, now = load_person_page(session, me.actor, referral_id), clock.now()
    rows, zone = found.rows, found.rows.person.zone
    chosen = show if show in KINDS else "all"
    entries = [e for e in _timeline(session, found) if chosen == "all" or kind_of(e) == chosen]
    ahead, behind = person_view.plan(found, now)
    attempts, attempt_count = person_view.attempts(found)
    works = found.read_until is None
    step, to_do = found.next, {c.id for c in found.to_do(now)}
    return page(
        "referral.html",
        request,
        person=person_view.header(found),
        called=rows.person.called,
        base=f"/referrals/{referral_id}",
        zone=zone,
        safety=person_view.safety(rows.person),
        died=rows.person.died_at,
        is_over=rows.referral.status in OVER_STATUSES,
        texting=on_the_page(session, rows.referral, rows.person, works=works),
        next_step=step,
        next_sentence=sentence(step, zone, me.id, rows.referral.setting.leaving) if step else "",
        strip=person_view.strip(found, now),
        tasks_now=[t for t in tasks_of(session, rows.referral, rows.person, now) if t.contact.id in to_do and works],
        ahead=[_ahead(a, works) for a in ahead if a["id"] not in to_do or not works],
        behind=behind,
        attempts=attempts,
        attempt_count=attempt_count,
        calls_to_me=[person_view.call(found, e) for e in found.told_to(me.id) if works],
        calls=person_view.calls_to_others(found, me.id),
        holds=rows.holds,
        facts=person_view.facts(found, works and me.may("set_appointment") and rows.referral.status.is_open),
        told_by=told_by_others(session, found),
        entries=entries if more else entries[:SHOWN_AT_FIRST],
        hidden_entries=0 if more else max(len(entries) - SHOWN_AT_FIRST, 0),
        chosen=chosen,
        actions=actions(me, found),
        read_until=found.read_until,
        may_correct=works and me.may("edit_person"),
        may_waive=works and me.may("waive"),
        may_answer=works and me.may("acknowledge"),
    )


def _timeline(session: Session, found: PersonPage) -> list[Entry]:
    return by_day(list_timeline(session, found.referral, is_withheld=found.is_withheld))


def _ahead(step: dict[str, Any], works: bool) -> dict[str, Any]:
    """A step of the plan; whoever only reads gets no way to log it."""
    return step if works else {key: value for key, value in step.items() if key != "href"}


def kind_of(entry: Entry) -> str:
    """Under which filter a line of the timeline stands."""
    return next((name for name, starts in KINDS.items() if starts and entry.event.startswith(starts)), "system")
