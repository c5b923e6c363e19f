"""The frame of every command on a case: open it under the lock, record what happened, settle what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from domain.agenda import Item, next_item
from domain.case import Case
from domain.errors import Conflict, IllegalState
from domain.states import REFERRAL
from domain.vocabulary import OPEN_STATUSES, EscalationState, ReferralStatus, Subject
from records import clock, engine, journal
from records.access import UNDO_DAYS, Actor, system_actor
from records.commands.messages import tell
from records.queries.calls import gravity
from records.queries.case import CaseRows, load_case
from records.queries.own_case import load_own_case
from records.tables import Escalation, Referral, Staff

FIRST_DAYS = timedelta(hours=72)  # the board's “first 72 hours”: suicide risk peaks on days 2 and 3 (NHS England)
SETTLED = f"This ended more than {UNDO_DAYS} days ago and stays as it is. A new referral is linked to it."


@dataclass
class Work:
    """One command at work on one case: who acts, when, on what."""

    session: Session
    actor: Actor
    rows: CaseRows
    now: datetime

    @property
    def referral(self) -> Referral:
        """The referral itself."""
        return self.rows.referral

    @property
    def actor_id(self) -> str:
        """Who acts, as rows and journal keep it."""
        return self.actor.id

    def require(self, event: str, *, to: ReferralStatus | None = None) -> None:
        """Raise IllegalState, with what would be allowed, unless this may happen to the referral as it stands."""
        status = self.referral.status
        sentence = f"This is not possible while the referral is “{status.label.lower()}”."
        REFERRAL.require(event, status, sentence, to=to)

    def require_open(self) -> None:
        """Raise IllegalState when it is over: what counted at the end counts, and nothing is awaited any more."""
        status = self.referral.status
        if status.is_over:
            sentence = f"This is not possible while the referral is “{status.label.lower()}”. Take the end back first."
            raise IllegalState(sentence, state=status, allowed=OPEN_STATUSES)

    def require_not_settled(self) -> None:
        """Raise Conflict when the end cannot be taken back any more: what was written stays as it is."""
        ended = self.referral.ended_at
        if ended is not None and self.now - ended > timedelta(days=UNDO_DAYS):
            raise Conflict("too_late", SETTLED)

    def record(self, event: str, *, at: datetime | None = None, subject_id: str = "", **data: Any) -> None:
        """Append one event to the journal."""
        journal.append(
            self.session,
            self.referral,
            event,
            actor=self.actor_id,
            at=at,
            subject_id=subject_id,
            recorded_at=self.now,
            **data,
        )

    def add(self, *rows: Any) -> None:
        """Add rows to the transaction."""
        self.session.add_all(rows)

    def tell(self, staff: Staff | None, template: str, key: str, *, subject_id: str = "", **params: Any) -> None:
        """Tell one member of staff about this case, once for this key."""
        tell(
            self.session,
            staff,
            template,
            key=f"{template}:{self.referral.id}:{key}",
            program_id=self.referral.program_id,
            referral_id=self.referral.id,
            subject_id=subject_id or self.referral.id,
            is_high_risk=self.rows.is_high_risk,
            now=self.now,
            **params,
        )

    def settle(self, *, nudge: bool = True) -> Item | None:
        """Recompute the agenda and keep what comes next on the referral; the last step of every command.

        The workflow is told only when the next item came earlier or the case is over; a later one it finds by itself.
        """
        case = self.rows.facts()
        item = next_item(case)
        self.settle_as(case, item, nudge=nudge)
        return item

    def settle_as(self, case: Case, item: Item | None, *, nudge: bool = True) -> None:
        """The same by whoever has just made the facts of the case as it stands and knows what comes next."""
        row = self.referral
        before = row.next_at
        row.version += 1
        row.next_at, row.next_item = (item.at, item.kind) if item is not None else (None, "")
        self.rows.remember_settled(case)
        row.owner_id = self._owner()
        _place_on_board(row, self.rows, case)
        is_earlier = item is not None and (before is None or item.at < before)
        is_over = item is None and before is not None
        if nudge and (is_earlier or is_over):
            row.untold_since = self.now
            engine.leave_word(self.session, nudge=row.id)

    def _owner(self) -> str | None:
        program = self.rows.program
        return self.referral.bridger_id or program.supervisor_id or program.manager_id or None


def open_case(session: Session, actor: Actor, referral_id: str, action: str) -> Work:
    """A case for a command: visible to the actor, who may do `action`; locked. Raises NotFound or NotAllowed."""
    rows = load_own_case(session, actor, referral_id, lock=True)
    actor.require(action)
    return Work(session, actor, rows, clock.now())


def open_for_timer(session: Session, referral_id: str) -> Work:
    """A case for the program's own hand, when a timer fired."""
    rows = load_case(session, referral_id, lock=True)
    return Work(session, system_actor(rows.referral.program_id), rows, clock.now())


def _place_on_board(row: Referral, rows: CaseRows, case: Case) -> None:
    """Keep the columns by which the handoff board is asked, so that it never reads more rows than it shows."""
    status = row.status
    is_open, is_held = status.is_open, status is ReferralStatus.ON_HOLD
    unsettled = [e for e in rows.escalations if e.state is not EscalationState.RESOLVED]
    row.waiting_since = (row.unassigned_since or row.submitted_at) if is_open and row.bridger_id is None else None
    is_before_leaving = is_open and not is_held and row.discharged_at is None
    row.leaving_at = case.expected_at if is_before_leaving and row.expected_on else None
    row.first_days_until = row.discharged_at + FIRST_DAYS if is_open and not is_held and row.discharged_at else None
    row.overdue_since = _earliest(e.due_at for e in unsettled if e.subject is Subject.CONTACT)
    row.escalated_since = _earliest(e.raised_at for e in unsettled)
    row.escalated_rank, row.escalated_by = _urgency(unsettled)
    row.held_since = (rows.hold.started_at if rows.hold else row.held_since) if is_held else None


def _urgency(unsettled: list[Escalation]) -> tuple[int | None, datetime | None]:
    """Where a person's calls stand among all: what nobody took yet before what somebody took, then by gravity; and by
    when the first of those must be answered or acted on. (None, None) when there are none."""
    if not unsettled:
        return None, None
    waiting = [e for e in unsettled if e.state is EscalationState.RAISED]
    of = waiting or unsettled
    gravest = min(gravity(e) for e in of)
    until = min(e.answer_by if waiting else e.act_by or e.answer_by for e in of if gravity(e) == gravest)
    return (gravest if waiting else gravest + _TAKEN), until


_TAKEN = 10


def _earliest(instants: Iterable[datetime]) -> datetime | None:
    return min(instants, default=None)
