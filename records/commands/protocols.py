"""Moving running cases to another version of their protocol: looked at first, then done by somebody, never by itself.

All of a move is done in one transaction or none of it. It can be taken back for a week, as far as nobody has worked
under the version since; what happened by itself meanwhile is judged again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from domain.errors import Conflict, Invalid, NotFound
from domain.moving import TAKE_BACK, Move, done_since
from domain.plan import Planned, Replanned
from domain.protocol import Protocol
from domain.vocabulary import ContactState, Resolution
from records import clock, journal
from records.access import Actor
from records.commands.escalations import call_again, settle_ladder
from records.commands.messages import tell
from records.commands.planning import change_plan
from records.commands.work import Work, open_case
from records.ids import new_id
from records.queries.protocol_moves import (
    MOST_CASES,
    back_of,
    cases_of,
    changes_plan,
    entries_since,
    missed_since,
    move_of,
)
from records.queries.protocols import protocol_of
from records.queries.staff import find_active
from records.queries.staffing import get_protocol
from records.tables import JournalEntry, MovedCase, ProtocolMove

FOLLOWS, TAKEN_BACK = "it follows another version of its protocol", "the move to another version was taken back"
_NOT_ASKED = "The version of the protocol that the case follows now does not ask for this."
_NAMED = 5  # so many cases that changed are named; the rest is counted


@dataclass(frozen=True, slots=True)
class _Case:
    """One case of a move at work."""

    work: Work
    move: Move
    moved: MovedCase | None = None


def move_cases(
    session: Session, actor: Actor, protocol_id: str, seen: Mapping[str, str], *, looked_at: datetime | None = None
) -> ProtocolMove:
    """These cases follow this version from now on. `seen` is what the preview gave: by case, the mark of what changes.

    Raises NotFound, Invalid when there are none or too many, and Conflict, with nothing moved, when one of them would
    not change as it was shown; the sentence says what has changed since `looked_at`.
    """
    actor.require("move_cases")
    target, now = get_protocol(session, actor, protocol_id), clock.now()
    if not seen:
        raise Invalid("required", "Choose at least one case.", field="case")
    if len(seen) > MOST_CASES:
        raise Invalid("too_many", f"At most {MOST_CASES} cases move at a time. Move the rest next.", field="case")
    protocol = protocol_of(session, target.id)
    cases = []
    for work in _open(session, actor, seen, now):
        cases.append(_Case(work, move_of(work.rows, target.id, protocol, now)))
    _require_as_seen(session, cases, seen, looked_at)
    made = ProtocolMove(
        id=new_id("pmv"), program_id=actor.program_id, protocol_id=target.id, made_by=actor.id, made_at=now
    )
    session.add(made)
    for case in cases:
        session.add(_move(case.work, made, protocol, case.move))
    _write_down(session, actor, made, "protocol.cases_moved", cases)
    return made


def take_back_move(
    session: Session, actor: Actor, move_id: str, seen: Mapping[str, str], *, looked_at: datetime | None = None
) -> ProtocolMove:
    """The cases of a move follow the version that they followed before, as far as nobody worked under the new one.

    Taking it back twice changes nothing. Raises NotFound, and Conflict, with nothing changed, when it is too late, when
    no case can go back, or when it would not go as `seen` says.
    """
    actor.require("move_cases")
    asked = select(ProtocolMove).where(ProtocolMove.id == move_id, ProtocolMove.program_id == actor.program_id)
    made = session.exec(asked.with_for_update().execution_options(populate_existing=True)).first()
    if made is None:
        raise NotFound("That move")
    if made.undone_at is not None:
        return made
    now = clock.now()
    if now - made.made_at > TAKE_BACK:
        raise Conflict(
            "too_late", f"A move can be taken back for {TAKE_BACK.days} days. Publish the old rules as a new version."
        )
    moved = {one.referral_id: one for one in cases_of(session, move_id)}
    cases = []
    for work in _open(session, actor, moved, now):
        one = moved[work.referral.id]
        cases.append(_Case(work, back_of(session, work.rows, made, one, now), one))
    going = [case for case in cases if not case.move.stays]
    if not going:
        raise Conflict("nothing_goes_back", "No case of this move can go back: people have worked under it since.")
    _require_as_seen(session, [c for c in cases if not c.move.stays or c.work.referral.id in seen], seen, looked_at)
    for case in going:
        _take_back(case)
    made.undone_at, made.undone_by = now, actor.id
    _write_down(session, actor, made, "protocol.move_taken_back", going)
    return made


def _open(session: Session, actor: Actor, referral_ids: Collection[str], now: datetime) -> list[Work]:
    """Each case, locked; always in the same order, so that two moves wait for each other and never for ever."""
    works = [open_case(session, actor, referral_id, "move_cases") for referral_id in sorted(referral_ids)]
    for work in works:
        work.now = now
    return works


def _require_as_seen(
    session: Session, cases: Sequence[_Case], seen: Mapping[str, str], looked_at: datetime | None
) -> None:
    """Raise Conflict unless each of these cases would change exactly as it was shown."""
    changed = [c for c in cases if c.move.stays or c.move.mark != seen.get(c.work.referral.id)]
    if not changed:
        return
    said = [f"{c.work.referral.number}: {_what_changed(session, c, looked_at)}" for c in changed[:_NAMED]]
    more = f"; and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    raise Conflict("stale_preview", f"Nothing was changed. Since you looked, {'; '.join(said)}{more}. Look again.")


def _what_changed(session: Session, case: _Case, looked_at: datetime | None) -> str:
    if looked_at is not None:
        asked = select(JournalEntry.event).where(
            JournalEntry.stream == case.work.referral.id, col(JournalEntry.recorded_at) >= looked_at
        )
        for event in session.exec(asked.order_by(col(JournalEntry.seq).desc())):
            words = "a contact was missed" if event == "contact.missed" else done_since(event)
            if words is not None:
                return words
    if case.move.stays:
        return case.move.stays.rstrip(".")[:1].lower() + case.move.stays.rstrip(".")[1:]
    return "time has gone on, and other things are due"


def _move(work: Work, made: ProtocolMove, protocol: Protocol, move: Move) -> MovedCase:
    before = _follow(work, made, made.protocol_id, protocol)
    for call in move.settled:
        settle_ladder(
            work,
            Resolution.NOT_NEEDED,
            subject=call.subject,
            subject_id=call.subject_id,
            note=_NOT_ASKED,
            by=work.actor_id,
        )
    change_plan(work, move.change, FOLLOWS, gone_by=move.gone_by)
    _rename(work)
    work.settle()
    return MovedCase(
        move_id=made.id,
        referral_id=work.referral.id,
        before_id=before,
        journal_seq=work.referral.journal_seq,
        dropped=[contact.id for contact in move.change.removed],
        settled=[call.id for call in move.settled],
    )


def _take_back(case: _Case) -> None:
    work, move, moved = case.work, case.move, case.moved
    assert moved is not None
    again = missed_since(work.rows, entries_since(work.session, moved))
    made = work.session.get_one(ProtocolMove, moved.move_id)
    _follow(work, made, moved.before_id, protocol_of(work.session, moved.before_id), taken_back=True)
    anew = _judge_again(work, move, again)
    for call in move.settled:
        settle_ladder(
            work,
            Resolution.CORRECTED,
            subject=call.subject,
            subject_id=call.subject_id,
            note=f"{TAKEN_BACK.capitalize()}.",
            by=work.actor_id,
        )
    change = Replanned(
        added=(*move.change.added, *anew),
        moved=tuple(m for m in move.change.moved if m.contact.id not in again),
        removed=tuple(c for c in move.change.removed if c.id not in again),
    )
    change_plan(work, change, TAKEN_BACK, gone_by=move.gone_by)
    call_again(work, moved.settled)
    _rename(work)
    work.settle()
    moved.undone_at = work.now


def _follow(work: Work, made: ProtocolMove, protocol_id: str, protocol: Protocol, *, taken_back: bool = False) -> str:
    before = work.referral.protocol_id
    work.referral.protocol_id, work.rows.protocol = protocol_id, protocol
    work.record("protocol.moved", before=before, after=protocol_id, move=made.id, taken_back=taken_back or None)
    return before


def _judge_again(work: Work, move: Move, again: Collection[str]) -> list[Planned]:
    """What was missed under the version alone was not missed: it is let go, and planned anew where its time has not
    come by the old one. What is overdue by both keeps its miss, with the time by which it was due."""
    rows = {row.id: row for row in work.rows.contacts}
    judged, anew = [], []
    for moved in move.change.moved:
        if moved.contact.id not in again:
            continue
        row = rows[moved.contact.id]
        before = row.due_at
        if moved.due_at > work.now:
            row.state, row.reason = ContactState.SUPERSEDED, TAKEN_BACK
            anew.append(Planned(row.key, row.seq, row.cycle, moved.opens_at, moved.due_at, moved.is_compressed))
        else:
            row.opens_at, row.due_at, row.missed_at = moved.opens_at, moved.due_at, moved.due_at
        judged.append([row.id, ContactState.MISSED.value, row.state.value, before, row.due_at])
    for contact in move.change.removed:
        if contact.id in again:
            row = rows[contact.id]
            row.state, row.reason = ContactState.SUPERSEDED, TAKEN_BACK
            judged.append([row.id, ContactState.MISSED.value, row.state.value, row.due_at, row.due_at])
    if judged:
        work.record("contacts.corrected", why=TAKEN_BACK, contacts=judged)
    return anew


def _rename(work: Work) -> None:
    """What is still awaited is called as the version calls it."""
    for row in work.rows.contacts:
        rule = work.rows.protocol.rule(row.key)
        if row.state is ContactState.PLANNED and rule is not None:
            row.title = rule.title


def _write_down(session: Session, actor: Actor, made: ProtocolMove, event: str, cases: Sequence[_Case]) -> None:
    """The program's own line of it; and each bridger is told once, however many of their people it concerns."""
    journal.append_for_program(
        session, actor.program_id, event, actor=actor.id, subject_id=made.id, cases=len(cases), after=made.protocol_id
    )
    plans = Counter(c.work.referral.bridger_id for c in cases if changes_plan(c.move))
    for staff_id, count in sorted((key or "", value) for key, value in plans.items()):
        tell(
            session,
            find_active(session, staff_id or None),
            "plans_moved",
            key=f"plans_moved:{made.id}:{event}",
            program_id=actor.program_id,
            subject_id=made.id,
            now=made.undone_at or made.made_at,
            count=count,
        )
