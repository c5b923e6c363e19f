"""What moving running cases to another version would change, case by case, before anybody does it; and taking it back.

The commands ask the same functions under the lock, so that what was shown is what is done or nothing is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from domain.errors import NotFound
from domain.moving import STAYS_OVER, STAYS_THERE, TAKE_BACK, Move, done_since, ladder_of, move_to
from domain.protocol import Protocol, rungs_of
from domain.vocabulary import OPEN_STATUSES, ContactState
from records import clock
from records.access import Actor, visible
from records.queries.case import CaseRows, load_case
from records.queries.protocols import overlays, protocol_of
from records.queries.staff import find_active, names_of, told_for
from records.queries.staffing import get_protocol
from records.tables import JournalEntry, MovedCase, ProtocolMove, ProtocolVersion, Referral

MOST_CASES = 400
"""Of one move: more would keep everybody else from writing for too long. The rest is moved next."""


@dataclass(frozen=True, slots=True)
class CaseMove:
    """What would become of one case, and which people would be called at once, by name."""

    rows: CaseRows
    before: int
    move: Move
    called: tuple[str, ...] = ()

    @property
    def referral(self) -> Referral:
        """The case's referral."""
        return self.rows.referral


@dataclass(frozen=True, slots=True)
class MovePreview:
    """A move before it is made. `told`: the bridgers whose plans would change, by name."""

    protocol: ProtocolVersion
    cases: tuple[CaseMove, ...]
    told: tuple[str, ...]
    at: datetime

    @property
    def going(self) -> tuple[CaseMove, ...]:
        """Those that can move."""
        return tuple(one for one in self.cases if not one.move.stays)

    @property
    def staying(self) -> tuple[CaseMove, ...]:
        """Those that cannot, each with its reason."""
        return tuple(one for one in self.cases if one.move.stays)

    @property
    def seen(self) -> dict[str, str]:
        """What whoever confirms says that they saw: of each case that would move, the mark of all that it changes."""
        return {one.referral.id: one.move.mark for one in self.going}


@dataclass(frozen=True, slots=True)
class MadeMove:
    """A move that was made: by whom, of how many cases, how many of them went back since."""

    row: ProtocolMove
    protocol: ProtocolVersion
    maker: str
    undoer: str
    cases: int
    undone: int

    def may_be_taken_back(self, now: datetime) -> bool:
        """Whether it is still time, and nobody did so."""
        return self.row.undone_at is None and now - self.row.made_at <= TAKE_BACK


def count_followers(session: Session, actor: Actor) -> dict[str, int]:
    """How many running cases follow each version of the program, by its id. It tells of nobody."""
    asked = (
        select(Referral.protocol_id, func.count())
        .where(Referral.program_id == actor.program_id, col(Referral.status).in_(OPEN_STATUSES))
        .group_by(Referral.protocol_id)
    )
    return dict(session.exec(asked).all())


def list_movable(
    session: Session, actor: Actor, protocol_id: str, *, before_id: str | None = None, facility_id: str | None = None
) -> tuple[list[Referral], int]:
    """The running cases that follow another version of the same protocol, by number: as many as one move takes, and how
    many there are. Raises NotFound."""
    target = get_protocol(session, actor, protocol_id)
    others = select(ProtocolVersion.id).where(
        ProtocolVersion.program_id == actor.program_id,
        ProtocolVersion.key == target.key,
        ProtocolVersion.id != target.id,
    )
    asked = select(Referral).where(
        visible(actor), col(Referral.status).in_(OPEN_STATUSES), col(Referral.protocol_id).in_(others)
    )
    if before_id:
        asked = asked.where(Referral.protocol_id == before_id)
    if facility_id:
        asked = asked.where(Referral.facility_id == facility_id)
    rows = session.exec(asked.order_by(col(Referral.number)).limit(MOST_CASES)).all()
    if len(rows) < MOST_CASES:
        return list(rows), len(rows)
    return list(rows), session.exec(select(func.count()).select_from(asked.subquery())).one()


def preview_move(session: Session, actor: Actor, protocol_id: str, referral_ids: Collection[str]) -> MovePreview:
    """What moving these cases to this version would change now. Nothing is written. Raises NotFound."""
    target, now = get_protocol(session, actor, protocol_id), clock.now()
    protocol = protocol_of(session, target.id)
    cases = [
        _looked_at(session, rows, protocol, move_of(rows, target.id, protocol, now))
        for rows in _cases(session, actor, referral_ids)
    ]
    return MovePreview(target, tuple(cases), _told(session, cases), now)


def move_of(rows: CaseRows, protocol_id: str, protocol: Protocol, now: datetime) -> Move:
    """What moving one case to this version would change."""
    if rows.referral.protocol_id == protocol_id:
        return Move(stays=STAYS_THERE)
    return move_to(rows.facts(with_attempts=True), protocol, now)


def preview_take_back(session: Session, actor: Actor, move_id: str) -> MovePreview:
    """What taking a move back would change now. Raises NotFound."""
    made, now = get_move(session, actor, move_id), clock.now()
    moved = {one.referral_id: one for one in cases_of(session, move_id) if one.undone_at is None}
    cases = []
    for rows in _cases(session, actor, moved):
        one = moved[rows.referral.id]
        before = protocol_of(session, one.before_id)
        cases.append(_looked_at(session, rows, before, back_of(session, rows, made.row, one, now)))
    return MovePreview(made.protocol, tuple(cases), _told(session, cases), now)


def back_of(session: Session, rows: CaseRows, made: ProtocolMove, moved: MovedCase, now: datetime) -> Move:
    """What taking a move back would change of one case; `stays` says why it cannot go back."""
    if not rows.referral.status.is_open:
        return Move(stays=STAYS_OVER)
    since = entries_since(session, moved)
    done = next((words for entry in since if (words := done_since(entry.event)) is not None), None)
    if done is not None or rows.referral.protocol_id != made.protocol_id:
        return Move(stays=f"Since it was moved, {done or 'it was moved again'}.")
    return move_to(
        rows.facts(with_attempts=True),
        protocol_of(session, moved.before_id),
        now,
        restores=moved.dropped,
        missed_since=missed_since(rows, since),
    )


def missed_since(rows: CaseRows, since: Sequence[JournalEntry]) -> frozenset[str]:
    """The contacts that were missed under a version, and are missed still."""
    missed = {entry.subject_id for entry in since if entry.event == "contact.missed"}
    return frozenset(c.id for c in rows.contacts if c.id in missed and c.state is ContactState.MISSED)


def entries_since(session: Session, moved: MovedCase) -> list[JournalEntry]:
    """What happened to a case since it was moved, in order."""
    asked = select(JournalEntry).where(
        JournalEntry.stream == moved.referral_id, col(JournalEntry.seq) > moved.journal_seq
    )
    return list(session.exec(asked.order_by(col(JournalEntry.seq))))


def list_moves(session: Session, actor: Actor, *, limit: int = 20) -> list[MadeMove]:
    """The latest moves of the program, the newest first."""
    asked = select(ProtocolMove).where(ProtocolMove.program_id == actor.program_id)
    rows = session.exec(asked.order_by(col(ProtocolMove.made_at).desc(), col(ProtocolMove.id).desc()).limit(limit))
    return [_made(session, row) for row in rows]


def get_move(session: Session, actor: Actor, move_id: str) -> MadeMove:
    """One move of the actor's program. Raises NotFound."""
    row = session.get(ProtocolMove, move_id)
    if row is None or row.program_id != actor.program_id:
        raise NotFound("That move")
    return _made(session, row)


def cases_of(session: Session, move_id: str) -> list[MovedCase]:
    """The cases of a move, always in the same order."""
    asked = select(MovedCase).where(MovedCase.move_id == move_id).order_by(col(MovedCase.referral_id))
    return list(session.exec(asked))


def _made(session: Session, row: ProtocolMove) -> MadeMove:
    cases = cases_of(session, row.id)
    names = names_of(session, (row.made_by, row.undone_by))
    return MadeMove(
        row,
        session.get_one(ProtocolVersion, row.protocol_id),
        names.get(row.made_by, ""),
        names.get(row.undone_by or "", ""),
        len(cases),
        sum(one.undone_at is not None for one in cases),
    )


def _cases(session: Session, actor: Actor, referral_ids: Collection[str]) -> list[CaseRows]:
    """These cases as far as the actor works with them, by number. A list shows them, as the board does: none is opened.

    Raises NotFound when one is not theirs.
    """
    asked = select(Referral.id).where(visible(actor), col(Referral.id).in_(referral_ids))
    found = list(session.exec(asked.order_by(col(Referral.number))))
    if len(found) < len(set(referral_ids)):
        raise NotFound("One of these cases")
    return [load_case(session, referral_id) for referral_id in found]


def _looked_at(session: Session, rows: CaseRows, protocol: Protocol, move: Move) -> CaseMove:
    before = session.get_one(ProtocolVersion, rows.referral.protocol_id)
    called: dict[str, str] = {}
    for item in move.overdue:
        rung = rungs_of((protocol, *overlays()), ladder_of(item, protocol))[0]
        called |= {staff.id: staff.name for role, staff in told_for(session, rows, rung.tell) if role != "referrer"}
    return CaseMove(rows, before.version, move, tuple(called.values()))


def _told(session: Session, cases: Sequence[CaseMove]) -> tuple[str, ...]:
    mine = {one.referral.bridger_id for one in cases if changes_plan(one.move)}
    found = (find_active(session, staff_id) for staff_id in mine)
    return tuple(sorted(staff.name for staff in found if staff is not None))


def changes_plan(move: Move) -> bool:
    """Whether whoever walks with the person has other things to do than before."""
    return not move.stays and not move.change.is_empty
