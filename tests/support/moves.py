"""Every change of state that rows really make, beside the events of the same command: what holds `domain/states.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import event
from sqlmodel import Session, select

from domain.states import CONTACT, ESCALATION, OFFER, REFERRAL, Table
from domain.vocabulary import Word
from records.tables import Contact, Escalation, JournalEntry, Offer, Referral

_WATCHED: tuple[tuple[Any, Table], ...] = (
    (Referral.status, REFERRAL),
    (Contact.state, CONTACT),
    (Escalation.state, ESCALATION),
    (Offer.state, OFFER),
)


class Moved(NamedTuple):
    """One row went from one state (None: it was made) to another."""

    table: Table
    before: Word | None
    after: Word


class Done(NamedTuple):
    """What one command moved, and the last event it recorded."""

    referral_id: str
    last_event: int
    moved: tuple[Moved, ...]


class Moves:
    """What moved, command by command. A command ends where the referral's version is raised; rolled back, it is not."""

    def __init__(self) -> None:
        self.committed: list[Done] = []
        self._done: list[Done] = []
        self._moved: list[Moved] = []

    def move(self, moved: Moved) -> None:
        """A row changed its state."""
        self._moved.append(moved)

    def settle(self, referral: Referral) -> None:
        """A command on this referral ends: what moved since the last one is its doing."""
        self._done.append(Done(referral.id, referral.journal_seq, tuple(self._moved)))
        self._moved = []

    def commit(self) -> None:
        """It was written."""
        self.committed += self._done
        self._done = []

    def forget(self) -> None:
        """It was taken back."""
        self._done, self._moved = [], []

    def held_to_the_tables(self, session: Session) -> tuple[set[tuple[str, Moved]], list[str]]:
        """Each move with an event that allows it; and in words, those that no event of their command allows."""
        rows = session.exec(select(JournalEntry.stream, JournalEntry.seq, JournalEntry.event))
        journal = {(stream, seq): name for stream, seq, name in rows}
        reached: dict[str, int] = {}
        known: set[tuple[str, Moved]] = set()
        unknown = []
        for referral_id, last, moved in self.committed:
            names = {journal[referral_id, seq] for seq in range(reached.get(referral_id, 0) + 1, last + 1)}
            reached[referral_id] = last
            for each in moved:
                allowing = {(name, each) for name in names if _allows(name, each)}
                known |= allowing
                if not allowing:
                    unknown.append(
                        f"{each.table.title}: from {each.before} to {each.after} by one of {', '.join(sorted(names))}"
                    )
        return known, unknown


def _allows(name: str, moved: Moved) -> bool:
    if moved.before is None:
        return moved.after in moved.table.begins.get(name, ())
    return moved.table.permits(name, moved.before, moved.after)


@contextmanager
def watched_moves() -> Iterator[Moves]:
    """Watch every row of this process while the block lasts."""
    moves = Moves()
    listeners: list[tuple[Any, str, Any, dict[str, Any]]] = []
    for attribute, table in _WATCHED:

        def made(row: Any, _: Any, given: dict[str, Any], key: str = attribute.key, table: Table = table) -> None:
            moves.move(Moved(table, None, given.get(key, type(row).model_fields[key].default)))

        def changed(_row: Any, after: Word, before: Any, _: Any, table: Table = table) -> None:
            if before != after:
                moves.move(Moved(table, before, after))

        listeners.append((attribute.class_, "init", made, {}))
        listeners.append((attribute, "set", changed, {"active_history": True}))

    def settled(row: Referral, version: int, _before: Any, _: Any) -> None:
        if version:
            moves.settle(row)

    listeners += [
        (Referral.version, "set", settled, {"active_history": True}),
        (Session, "after_commit", lambda _: moves.commit(), {}),
        (Session, "after_transaction_end", lambda _, ended: moves.forget() if ended.parent is None else None, {}),
    ]
    for target, name, listener, how in listeners:
        event.listen(target, name, listener, **how)
    try:
        yield moves
    finally:
        for target, name, listener, _how in listeners:
            event.remove(target, name, listener)
