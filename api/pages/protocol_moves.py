"""Running cases moved to another version: chosen, looked at, moved all at once, and taken back if it was wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session, col, select

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.forms import LONGEST_FIELD, Form
from api.pages.once import Once, new_once
from api.pages.protocols import HERE
from domain.agenda import TITLES
from domain.moving import TAKE_BACK, planned_id
from domain.plan import LOST_KEY
from domain.protocol import Protocol, rule_of
from records import clock
from records.commands.planning import SEARCH_TITLE
from records.commands.protocols import move_cases, take_back_move
from records.queries.protocol_moves import (
    MOST_CASES,
    CaseMove,
    MovePreview,
    get_move,
    list_movable,
    preview_move,
    preview_take_back,
)
from records.queries.protocols import overlays, protocol_of
from records.queries.staff_pages import list_facilities
from records.queries.staffing import get_protocol, list_protocols
from records.tables import Person, ProtocolVersion, Referral

router = APIRouter()

ALL, TICKED = "all", "ticked"


@router.get(f"{HERE}/{{protocol_id}}/move")
@requires("move_cases")
def choose(
    request: Request, session: SessionDep, me: Me, protocol_id: str, facility: str = "", before: str = ""
) -> Response:
    """Which running cases: all that follow an older version, those of a facility, or those that are ticked."""
    target = get_protocol(session, me.actor, protocol_id)
    rows, count = list_movable(session, me.actor, target.id, before_id=before or None, facility_id=facility or None)
    people = session.exec(select(Person).where(col(Person.id).in_([row.person_id for row in rows]))).all()
    names = {person.id: person.full_name for person in people}
    others = [one for one in list_protocols(session, me.actor) if one.key == target.key and one.id != target.id]
    facilities = list_facilities(session, me.actor)
    return page(
        "protocol_move.html",
        request,
        values={"which": ALL, "case": []},
        target=target,
        count=count,
        most=MOST_CASES,
        cases=[_case(row, names, others, {f.id: f.name for f in facilities}) for row in rows],
        facilities=[{"value": "", "text": "Every facility"}]
        + [{"value": one.id, "text": one.name} for one in facilities],
        versions=[{"value": "", "text": "Every version"}]
        + [{"value": one.id, "text": f"Version {one.version}"} for one in others],
        facility=facility,
        before=before,
    )


@router.post(f"{HERE}/{{protocol_id}}/move/preview")
@requires("move_cases", again=choose, writes=False)
def preview(request: Request, session: SessionDep, me: Me, form: FormDep, protocol_id: str) -> Response:
    """What would change, case by case. Nothing is written."""
    which = form.text("which", limit=10)
    ticked = form.many("case", most=MOST_CASES)
    facility, before = form.text("facility", limit=60), form.text("before", limit=60)
    if which == TICKED:
        chosen = ticked
    else:
        rows, _ = list_movable(session, me.actor, protocol_id, before_id=before or None, facility_id=facility or None)
        chosen = [row.id for row in rows]
    if not chosen:
        form.problem("case", "required", "Choose at least one case.")
    form.check()
    return _preview_page(request, session, preview_move(session, me.actor, protocol_id, chosen), _to_move(protocol_id))


@requires("move_cases")
def preview_once_more(request: Request, session: SessionDep, me: Me, form: FormDep, protocol_id: str) -> Response:
    """What would change by now, of the same cases."""
    shown = preview_move(session, me.actor, protocol_id, _seen(form))
    return _preview_page(request, session, shown, _to_move(protocol_id))


@router.post(f"{HERE}/{{protocol_id}}/move")
@requires("move_cases", again=preview_once_more)
def move(request: Request, session: SessionDep, me: Me, form: FormDep, protocol_id: str) -> Response:
    """Move them all, exactly as it was shown, or none."""
    once, seen, looked_at = Once(session, request, me, form), _seen(form), _looked_at(form)
    form.check()
    answered = once.answered()
    if answered is not None:
        return answered
    made = move_cases(session, me.actor, protocol_id, seen, looked_at=looked_at)
    count = len(seen)
    return once.go(f"{HERE}/moves/{made.id}", f"{count} {'case' if count == 1 else 'cases'} moved.")


@router.get(f"{HERE}/moves/{{move_id}}")
@requires("move_cases")
def moved(request: Request, session: SessionDep, me: Me, move_id: str) -> Response:
    """What was moved, by whom, and until when it can be taken back."""
    made = get_move(session, me.actor, move_id)
    return page(
        "protocol_moved.html",
        request,
        made=made,
        until=made.row.made_at + TAKE_BACK,
        is_open=made.may_be_taken_back(clock.now()),
        zone=me.zone,
    )


@router.get(f"{HERE}/moves/{{move_id}}/take-back")
@requires("move_cases")
def take_back_form(request: Request, session: SessionDep, me: Me, move_id: str) -> Response:
    """What would go back and what would not, and why not."""
    shown = preview_take_back(session, me.actor, move_id)
    return _preview_page(request, session, shown, _to_take_back(get_move(session, me.actor, move_id).row.id))


@router.post(f"{HERE}/moves/{{move_id}}/take-back")
@requires("move_cases", again=take_back_form)
def take_back(request: Request, session: SessionDep, me: Me, form: FormDep, move_id: str) -> Response:
    """Take it back, exactly as it was shown, or not at all."""
    seen, looked_at = _seen(form), _looked_at(form)
    once = Once(session, request, me, form)
    form.check()
    answered = once.answered()
    if answered is not None:
        return answered
    take_back_move(session, me.actor, move_id, seen, looked_at=looked_at)
    return once.go(f"{HERE}/moves/{move_id}", "The move is taken back.")


def _to_move(protocol_id: str) -> dict[str, Any]:
    address = f"{HERE}/{protocol_id}/move"
    return {"action": address, "back": address, "is_taking_back": False}


def _to_take_back(move_id: str) -> dict[str, Any]:
    address = f"{HERE}/moves/{move_id}"
    return {"action": f"{address}/take-back", "back": address, "is_taking_back": True}


def _preview_page(request: Request, session: Session, shown: MovePreview, way: dict[str, Any]) -> Response:
    going = [_line(session, one, shown.protocol) for one in shown.going]
    return page(
        "protocol_move_preview.html",
        request,
        target=shown.protocol,
        going=going,
        staying=[_line(session, one, shown.protocol) for one in shown.staying],
        totals=_totals(shown.going),
        told=shown.told,
        seen=" ".join(f"{referral_id}:{mark}" for referral_id, mark in shown.seen.items()),
        looked_at=shown.at.isoformat(),
        once=new_once(),
        **way,
    )


def _totals(going: Iterable[CaseMove]) -> dict[str, int]:
    totals = dict.fromkeys(("added", "removed", "moved", "gone_by", "kept", "settled", "overdue"), 0)
    for one in going:
        move = one.move
        for name, of in (
            ("added", move.change.added),
            ("removed", move.change.removed),
            ("moved", move.change.moved),
            ("gone_by", move.gone_by),
            ("kept", move.kept),
            ("settled", move.settled),
            ("overdue", move.overdue),
        ):
            totals[name] += len(of)
    return totals


def _line(session: Session, one: CaseMove, target: ProtocolVersion) -> dict[str, Any]:
    """One case of a preview: each part as short lines, a series as one."""
    move, rows = one.move, one.rows
    protocol = protocol_of(session, target.id)
    titles = {row.id: row.title for row in rows.contacts}
    by_key = {row.key: row.title for row in rows.contacts}
    for planned in (*move.change.added, *move.gone_by):
        titles[planned_id(planned)] = by_key.get(planned.key) or _title(protocol, planned.key)
    dues = {row.id: row.due_at for row in rows.contacts}
    added = [(titles[planned_id(p)], p.due_at, None) for p in move.change.added]
    gone_by = [(titles[planned_id(p)], p.due_at, None) for p in move.gone_by]
    moved = [(titles[m.contact.id], m.contact.due_at, m.due_at) for m in move.change.moved]
    return {
        "id": one.referral.id,
        "number": one.referral.number,
        "name": rows.person.full_name,
        "zone": rows.person.zone,
        "before": one.before,
        "stays": move.stays,
        "parts": [
            {"title": title, "lines": _series(lines), "tone": tone}
            for title, tone, lines in (
                ("Due at once", "stop", [(_due_title(i, titles), i.at, None) for i in move.overdue]),
                ("Appears", "go", added),
                ("Moves", "wait", moved),
                ("Disappears", "neutral", [(titles[c.id], dues[c.id], None) for c in move.change.removed]),
                ("Not asked for: its time is over", "neutral", gone_by),
                ("Stays as it is on record", "neutral", [(titles[c.id], dues[c.id], None) for c in move.kept]),
                ("Met by what is on record", "go", [(titles[c], dues.get(c), None) for c in sorted(move.credited)]),
            )
            if lines
        ],
        "settled": len({(e.subject, e.subject_id) for e in move.settled}),
        "overdue": len(move.overdue),
        "called": one.called,
        "is_same": not any(
            (move.change.added, move.change.moved, move.change.removed, move.gone_by, move.overdue, move.settled)
        ),
    }  # fmt: skip


def _due_title(item: Any, titles: dict[str, str]) -> str:
    return titles.get(item.subject_id) or TITLES[item.kind]


def _title(protocol: Protocol, key: str) -> str:
    if key == LOST_KEY:
        return SEARCH_TITLE
    rule = rule_of((protocol, *overlays()), key)
    return rule.title if rule is not None else key


def _series(lines: list[tuple[str, Any, Any]]) -> list[dict[str, Any]]:
    """Lines of the same title that follow one another as one, with how many more there are."""
    found = []
    for title, same in groupby(sorted(lines, key=lambda line: (line[0], str(line[1]))), key=lambda line: line[0]):
        (_, first, to), *more = same
        found.append({"title": title, "at": first, "to": to, "more": len(more)})
    return found


def _case(
    row: Referral, names: dict[str, str], others: list[ProtocolVersion], facilities: dict[str, str]
) -> dict[str, Any]:
    version = next((one.version for one in others if one.id == row.protocol_id), "")
    return {
        "id": row.id,
        "number": row.number,
        "name": names[row.person_id],
        "facility": facilities.get(row.facility_id, ""),
        "version": version,
        "status": row.status.label,
    }


def _seen(form: Form) -> dict[str, str]:
    """What the page that was confirmed had shown: of each case the mark of all that changes."""
    pairs = (one.partition(":") for one in form.text("seen", limit=LONGEST_FIELD).split())
    return {referral_id: mark for referral_id, _, mark in pairs}


def _looked_at(form: Form) -> datetime | None:
    kept = form.text("looked_at", limit=40)
    try:
        return datetime.fromisoformat(kept)
    except ValueError:
        form.problem("looked_at", "time", "Load the page again, please.")
        return None
