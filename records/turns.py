"""Writers who wait for each other on SQLite are written together, in the transaction of whoever comes to the turn.

SQLite has one writer at a time. While one transaction is under way others wait; whoever's turn comes next takes all
that waits by then into one transaction: one commit to the disk for all of them, and who is signed in, the program and
the protocols are read once. Each piece of work sees what those before it wrote, as if each had had a transaction of its
own, and nobody is answered before the commit. When one of them refuses or breaks, all is rolled back and each is done
again by itself: no refusal of one can touch another. PostgreSQL's writers do not wait, and have their own transactions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from typing import Any, TypeVar

from sqlmodel import Session

from records import engine

T = TypeVar("T")
MOST_TOGETHER = 32
"""Pieces of work in one transaction: bounds how long the first of them waits for the others."""

_waiting: deque[_Turn] = deque()


class _Turn:
    """One piece of work that waits, and what came of it."""

    def __init__(self, work: Callable[[Session], Any]) -> None:
        self.work = work
        self.context: Context = copy_context()
        self.is_done = False
        self.answer: Any = None
        self.error: Exception | None = None

    def run(self, session: Session) -> Any:
        """Do the work as the thread that brought it would."""
        return self.context.run(self.work, session)

    def run_alone(self) -> None:
        """In a transaction of its own."""
        try:
            with engine.transaction() as session:
                self.answer = self.run(session)
        except Exception as error:
            self.error = error  # raised in the thread that brought the work
        self.is_done = True


def in_turn(work: Callable[[Session], T]) -> T:
    """Do this work in a writing transaction, which is committed when it returns, maybe together with others'.

    `work` may be called more than once, each time after everything that it did was rolled back. Raises what it raises.
    """
    lock = engine.writers_lock()
    if lock is None:
        with engine.transaction() as session:
            return work(session)
    mine = _Turn(work)
    _waiting.append(mine)
    with lock:
        while not mine.is_done:
            _carry_out([_waiting.popleft() for _ in range(min(len(_waiting), MOST_TOGETHER))] or [mine])
    if mine.error is not None:
        raise mine.error
    answer: T = mine.answer
    return answer


def together(works: Iterable[Callable[[Session], T]]) -> list[T | Exception]:
    """Do all of this as one turn: in one transaction on SQLite, each in its own on PostgreSQL.

    Returns what each answered, or the error of one that could not be done: nothing of that is there, and all else is.
    """
    turns = [_Turn(work) for work in works]
    lock = engine.writers_lock()
    if lock is None:
        for turn in turns:
            turn.run_alone()
    else:
        with lock:
            _carry_out(turns)
    return [turn.answer if turn.error is None else turn.error for turn in turns]


def _carry_out(turns: list[_Turn]) -> None:
    if len(turns) == 1 or not _carried_out_together(turns):
        for turn in turns:
            turn.run_alone()


def _carried_out_together(turns: list[_Turn]) -> bool:
    """Whether all of it went well; otherwise nothing of it is there."""
    try:
        with engine.transaction() as session:
            answers = []
            for turn in turns:
                answers.append(turn.run(session))
                engine.end_turn(session)
    except Exception:  # whose it is shows when each is done by itself
        return False
    for turn, answer in zip(turns, answers, strict=True):
        turn.answer, turn.is_done = answer, True
    return True
