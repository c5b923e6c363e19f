"""Writers who wait are written together; each is answered, refused and seen as if it had been alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session, func, select

from domain.errors import Conflict
from records import engine, turns
from records.tables import Person, Program
from records.turns import in_turn

AT = datetime(2026, 11, 2, 15, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")
caller: ContextVar[str] = ContextVar("caller", default="nobody")


@pytest.fixture(autouse=True)
def _program(database: object) -> None:
    with engine.transaction() as session:
        session.add(Program(id="prg_one", name="One", created_at=AT))


@contextmanager
def commits() -> Iterator[list[int]]:
    """One entry for every commit to the database."""
    seen: list[int] = []
    bind = engine.database().write

    def note(_connection: Any) -> None:
        seen.append(1)

    event.listen(bind, "commit", note)
    yield seen
    event.remove(bind, "commit", note)


def at_once(works: list[Callable[[Session], Any]]) -> list[Any]:
    """Bring all of these while somebody else writes; each one's answer, or the error that it raised."""
    came: list[Any] = [None] * len(works)

    def bring(number: int) -> None:
        caller.set(f"caller {number}")
        try:
            came[number] = in_turn(works[number])
        except Exception as error:
            came[number] = error

    threads = [threading.Thread(target=bring, args=(number,)) for number in range(len(works))]
    lock = engine.writers_lock()
    with lock or nullcontext():
        for thread in threads:
            thread.start()
        pause = threading.Event()
        while lock is not None and len(turns._waiting) < len(works):
            assert not pause.wait(0.005)
    for thread in threads:
        thread.join()
    return came


def add(name: str) -> Callable[[Session], int]:
    """Write somebody down; returns how many there are then."""

    def work(session: Session) -> int:
        session.add(Person(id=f"per_{name}", program_id="prg_one", given_name=name, family_name="S", created_at=AT))
        return session.exec(select(func.count()).select_from(Person)).one()

    return work


def names() -> list[str]:
    """Who is on record."""
    with engine.read_session() as session:
        return sorted(session.exec(select(Person.given_name)))


@pytest.mark.sqlite
def test_those_who_wait_are_committed_together_and_each_sees_those_before(database_kind: str) -> None:
    with commits() as seen:
        came = at_once([add(f"p{number:02}") for number in range(8)])
    assert sorted(came) == list(range(1, 9))
    assert len(names()) == 8
    assert len(seen) == 1


@pytest.mark.sqlite
def test_only_so_many_share_a_transaction(database_kind: str) -> None:
    with commits() as seen:
        came = at_once([add(f"p{number:02}") for number in range(turns.MOST_TOGETHER + 3)])
    assert sorted(came) == list(range(1, turns.MOST_TOGETHER + 4))
    assert len(seen) == 2


def test_a_refusal_is_its_own_alone_and_leaves_nothing(database_kind: str) -> None:
    tried: list[int] = []

    def refused(session: Session) -> None:
        tried.append(1)
        add("half")(session)
        session.get_one(Program, "prg_one").name = "Changed"
        session.flush()
        raise Conflict("no", "Not like this.")

    came = at_once([add("ada"), refused, add("bo")])
    assert isinstance(came[1], Conflict)
    assert [type(answer) for answer in (came[0], came[2])] == [int, int]
    assert names() == ["ada", "bo"]
    assert tried
    with engine.read_session() as session:
        assert session.get_one(Program, "prg_one").name == "One"


def test_what_breaks_at_the_commit_breaks_nobody_else(database_kind: str) -> None:
    def nowhere(session: Session) -> None:
        session.add(Person(id="per_x", program_id="of_nobody", given_name="x", family_name="S", created_at=AT))

    came = at_once([add("ada"), nowhere, add("bo")])
    assert "IntegrityError" in type(came[1]).__name__
    assert names() == ["ada", "bo"]


def test_work_runs_as_whoever_brought_it_and_words_are_passed_on(database_kind: str) -> None:
    heard: list[engine.Word] = []
    stop = engine.on_commit(heard.append)

    def work(session: Session) -> str:
        engine.leave_word(session, nudge=f"ref of {caller.get()}")
        return caller.get()

    came = at_once([work] * 5)
    stop()
    assert came == [f"caller {number}" for number in range(5)]
    assert {nudge for word in heard for nudge in word.nudges} == {f"ref of caller {number}" for number in range(5)}


def test_work_without_anybody_waiting_is_done_at_once(database_kind: str) -> None:
    assert in_turn(add("ada")) == 1
    with pytest.raises(Conflict):
        in_turn(lambda session: (_ for _ in ()).throw(Conflict("no", "Not like this.")))
    assert names() == ["ada"]
