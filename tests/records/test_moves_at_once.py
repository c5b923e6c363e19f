"""Managers who publish and move at the same moment, where two transactions truly run side by side: one after the other,
or one is refused in words; nothing half."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlmodel import Session, select

from domain.errors import Conflict, Refusal
from domain.protocol import FOLDER
from records import clock, engine
from records.access import Actor, actor_of
from records.commands import agenda
from records.commands.programs import publish_protocol
from records.commands.protocols import move_cases, take_back_move
from records.queries.protocol_moves import preview_move, preview_take_back
from records.tables import JournalEntry, MovedCase, ProtocolMove, ProtocolVersion, Referral, Staff
from tests.engine.program import SmallProgram, small_program
from tests.support.checked import assert_every_promise_holds
from tests.support.versions import with_extra_check, without

pytestmark = pytest.mark.postgresql
TEXT = (FOLDER / "psychiatric-inpatient.toml").read_text(encoding="utf-8")
SHORTER, LONGER = without(TEXT, "thirty-day-check"), with_extra_check(TEXT)
CASES = 6
TIMES = 4
Done = Callable[[Session], Any]


@pytest.fixture
def program(database: str) -> Iterator[SmallProgram]:
    yield small_program()
    clock.run_real()


@pytest.fixture
def manager(program: SmallProgram) -> Actor:
    with engine.read_session() as session:
        return actor_of(session.exec(select(Staff).where(Staff.email == "manager@invented.example")).one())


def at_once(*commands: Done) -> list[Any]:
    """Each in a transaction and a thread of its own, let go together; what each answered, or how it was refused."""
    barrier, answers = threading.Barrier(len(commands)), list[Any]([None] * len(commands))

    def run(place: int, command: Done) -> None:
        try:
            with engine.transaction() as session:
                session.connection()
                barrier.wait()
                answers[place] = command(session)
        except Refusal as refusal:
            answers[place] = refusal

    threads = [threading.Thread(target=run, args=(place, command)) for place, command in enumerate(commands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert None not in answers, "one of them waits for ever, or broke"
    return answers


def follow(program: SmallProgram, name: str) -> str:
    """Somebody who has left, with a plan that a version can change."""
    referral_id = program.file(name)
    with engine.transaction() as session:
        agenda.carry_out(session, referral_id)
    program.accept_open_offer(referral_id)
    program.discharge(referral_id)
    return referral_id


def published(manager: Actor, text: str) -> str:
    with engine.transaction() as session:
        return publish_protocol(session, manager, text).id


def seen(manager: Actor, protocol_id: str, cases: Sequence[str]) -> dict[str, str]:
    with engine.read_session() as session:
        return preview_move(session, manager, protocol_id, cases).seen


def moving(manager: Actor, protocol_id: str, seen: dict[str, str]) -> Done:
    return lambda session: move_cases(session, manager, protocol_id, seen).id


def taking_back(manager: Actor, move_id: str, seen: dict[str, str]) -> Done:
    return lambda session: take_back_move(session, manager, move_id, seen).id


@pytest.mark.parametrize("same", [True, False], ids=["to one version", "to two"])
def test_of_two_moves_of_the_same_cases_one_is_made(program: SmallProgram, manager: Actor, same: bool) -> None:
    cases = [follow(program, f"Placeholder {number}") for number in range(CASES)]
    for _ in range(TIMES):
        made = [published(manager, text) for text in (SHORTER, LONGER)]
        first, second = (made[0], made[0] if same else made[1])
        shown = [seen(manager, first, cases[:-1]), seen(manager, second, cases[1:])]  # all but one are of both
        answers = at_once(moving(manager, first, shown[0]), moving(manager, second, shown[1]))

        [refusal] = [one for one in answers if isinstance(one, Conflict)]
        [move_id] = [one for one in answers if isinstance(one, str)]
        assert refusal.code == "stale_preview"
        with engine.read_session() as session:
            move = session.get_one(ProtocolMove, move_id)
            follows = {row.id: row.protocol_id for row in session.exec(select(Referral))}
            moved = set(session.exec(select(MovedCase.referral_id).where(MovedCase.move_id == move_id)))
        assert moved == {one for one, protocol_id in follows.items() if protocol_id == move.protocol_id}
        assert len(moved) == CASES - 1, "and the one that was in the other move alone stayed"
        again = published(manager, TEXT)
        with engine.transaction() as session:
            move_cases(session, manager, again, preview_move(session, manager, again, cases).seen)
    assert_every_promise_holds()


def test_two_who_publish_at_once_get_two_versions_or_one_and_a_refusal(manager: Actor) -> None:
    one, other = at_once(
        lambda s: publish_protocol(s, manager, SHORTER).version, lambda s: publish_protocol(s, manager, LONGER).version
    )
    assert {one, other} == {2, 3}
    answers = at_once(*[lambda s: publish_protocol(s, manager, TEXT).version] * 2)
    assert sorted(map(str, answers))[0] == "4"
    assert [type(one) for one in answers if not isinstance(one, int)] == [Conflict]
    with engine.read_session() as session:
        versions = select(ProtocolVersion.version).where(ProtocolVersion.key == "psychiatric-inpatient")
        assert sorted(session.exec(versions)) == [1, 2, 3, 4]


def test_a_move_is_taken_back_once_by_two_at_once(program: SmallProgram, manager: Actor) -> None:
    cases = [follow(program, f"Placeholder {number}") for number in range(CASES)]
    for _ in range(TIMES):
        to = published(manager, SHORTER)
        shown = seen(manager, to, cases)
        with engine.transaction() as session:
            move_id = move_cases(session, manager, to, shown).id
        with engine.read_session() as session:
            back = preview_take_back(session, manager, move_id).seen
        at_once(*[taking_back(manager, move_id, back)] * 2)
        published(manager, TEXT)
    with engine.read_session() as session:
        told = [row.event for row in session.exec(select(JournalEntry)) if row.event == "protocol.move_taken_back"]
        assert len(told) == TIMES
        assert {row.protocol_id for row in session.exec(select(Referral))}.isdisjoint({to})
    assert_every_promise_holds()
