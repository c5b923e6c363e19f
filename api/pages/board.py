"""The handoff board: one glance tells whom to look after first, and whether the appointments are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.deps import Me, SessionDep, page
from api.filters import duration
from api.pages import board_lines
from domain.errors import NotFound
from domain.vocabulary import EscalationState
from records import clock
from records.access import Actor
from records.queries.board import BY_KEY, PAGE, Only, board_of, section_of
from records.queries.board_facts import Facts, list_choices, load_facts
from records.queries.calls import OpenCalls, list_open_calls
from records.queries.upkeep import Lateness, agenda_lateness

router = APIRouter()

FIRST_ROWS = 4
KEPT_WITHIN = 60  # seconds: the grace of the invariants, design §5
QUIET_TOO_LONG = 180  # seconds without the upkeep that runs every minute
EMPTY = {
    "escalated": "Nobody has been called about anybody. All is answered.",
    "overdue": "Nothing is overdue. Everybody was tried or reached in time.",
    "unaccepted": "Every referral has its answer.",
    "waiting": "Everybody has a bridger.",
    "leaving": "Nobody is expected to leave in the next three days.",
    "first_days": "Nobody is in their first three days outside.",
    "held": "Nobody is on hold.",
}


@router.get("/board")
@requires("see_board")
def board(request: Request, session: SessionDep, me: Me, bridger: str = "", facility: str = "") -> Response:
    """Every section with its exact count and its first rows; what to do first stands above them."""
    now, only = clock.now(), Only(bridger, facility)
    shown = board_of(session, me.actor, now, size=FIRST_ROWS, only=only)
    facts = load_facts(session, {row.referral.id for part in shown for row in part.rows})
    sections = [
        {
            "key": part.section.key,
            "title": part.section.title,
            "hint": part.section.hint,
            "empty": EMPTY[part.section.key],
            "count": part.count,
            "lines": [board_lines.line(part.section.key, row, facts, now) for row in part.rows],
            "href": f"/board/{part.section.key}{_query(only)}",
        }
        for part in shown
    ]
    return page(
        "board.html",
        request,
        sections=sections,
        first=_first(list_open_calls(session, me.actor, limit=1), me.actor),
        engine=engine_words(agenda_lateness(session)),
        choices=_choices(session, me.actor, only),
        is_narrowed=only != Only(),
        zone=me.program.zone,
    )


@router.get("/board/{section}")
@requires("see_board")
def section(
    request: Request, session: SessionDep, me: Me, section: str, bridger: str = "", facility: str = "", after: str = ""
) -> Response:
    """Everybody in one section, a page at a time."""
    if section not in BY_KEY:
        raise NotFound("That part of the board")
    now, only = clock.now(), Only(bridger, facility)
    offset = int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
    shown = section_of(session, me.actor, section, now, offset=offset, only=only)
    facts: Facts = load_facts(session, {row.referral.id for row in shown.rows})
    newer = max(offset - PAGE, 0)
    return page(
        "board_section.html",
        request,
        section=shown.section,
        count=shown.count,
        empty=EMPTY[section],
        lines=[board_lines.line(section, row, facts, now) for row in shown.rows],
        first=offset + 1,
        last=offset + len(shown.rows),
        newer=f"/board/{section}{_query(only, newer)}" if offset else None,
        older=f"/board/{section}{_query(only, int(shown.next_after))}" if shown.next_after else None,
        back=f"/board{_query(only)}",
        choices=_choices(session, me.actor, only),
        here=f"/board/{section}",
    )


def engine_words(late: Lateness) -> dict[str, str]:
    """Whether the engine keeps up, in one line; `tone` go, wait or stop."""
    seconds = late.upkeep_ran_seconds_ago
    if late.overdue_items and late.oldest_felt_seconds >= KEPT_WITHIN:
        count = "1 item is" if late.overdue_items == 1 else f"{late.overdue_items} items are"
        oldest = _minutes(late.oldest_seconds)
        return {"tone": "stop", "text": f"{count} late, the oldest by {oldest}. Deadlines are not being carried out."}
    if seconds is None or seconds >= QUIET_TOO_LONG:
        since = "has not run yet" if seconds is None else f"last ran {_minutes(seconds)} ago"
        return {"tone": "wait", "text": f"Nothing is late, but the check that runs every minute {since}."}
    return {"tone": "go", "text": "All appointments kept."}


def _minutes(seconds: float) -> str:
    return duration(timedelta(seconds=seconds))


def _first(calls: OpenCalls, actor: Actor) -> dict[str, Any] | None:
    """The one thing to do first: the call that nobody took, the gravest and soonest."""
    for about in calls.people:
        for climb in about.climbs:
            if climb.top.state is EscalationState.RAISED:
                return board_lines.call_to_answer(about, climb, actor)
    return None


def _choices(session: Session, actor: Actor, only: Only) -> list[dict[str, Any]]:
    bridgers, facilities = list_choices(session, actor)
    return [
        {"name": "bridger", "label": "Bridger", "value": only.bridger_id,
         "options": [{"value": "", "text": "Everybody"}, *({"value": s.id, "text": s.name} for s in bridgers)]},
        {"name": "facility", "label": "Facility", "value": only.facility_id,
         "options": [{"value": "", "text": "Every facility"}, *({"value": f.id, "text": f.name} for f in facilities)]},
    ]  # fmt: skip


def _query(only: Only, after: int = 0) -> str:
    asked = {"bridger": only.bridger_id, "facility": only.facility_id, "after": str(after or "")}
    said = urlencode({name: value for name, value in asked.items() if value})
    return f"?{said}" if said else ""
