"""Many due at once: the gravest are carried out first, each once; who has no place in the herd goes its own way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from domain.vocabulary import RiskFlag
from records import clock, engine
from records.commands import agenda
from records.tables import JournalEntry, Referral
from tests.engine.program import SmallProgram, small_program
from workflows.herd import LONGEST_SLEEP, Herd, sleep_on

NOW = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
LATE = timedelta(days=4)
"""Later, nobody was assigned in the promised time, and the program is called about it."""
HIGH = [RiskFlag.SUICIDE_RISK.value]


@pytest.fixture
def program(database: str) -> Iterator[SmallProgram]:
    """A program in which nobody answers."""
    clock.set_to(NOW)
    yield small_program()
    clock.run_real()


def _due(program: SmallProgram, risks: list[list[str]]) -> list[str]:
    """So many people, each with something due now."""
    ids = [program.file(f"Person {number}") for number in range(len(risks))]
    with engine.transaction() as session:
        for referral_id, flags in zip(ids, risks, strict=True):
            agenda.carry_out(session, referral_id)
            session.get_one(Referral, referral_id).risks = flags
    clock.set_to(NOW + LATE)
    return ids


def _takes(herd: Herd, referral_id: str) -> bool:
    with engine.read_session() as session:
        return herd.takes(session, referral_id)


def _still_due(ids: list[str]) -> list[str]:
    with engine.read_session() as session:
        due = col(Referral.next_at) <= clock.now()
        return list(session.exec(select(Referral.id).where(due, col(Referral.id).in_(ids))))


def _finished(herd: Herd) -> None:
    thread = herd._thread
    if thread is not None:
        thread.join(60)


def test_the_gravest_are_carried_out_first_and_each_once(program: SmallProgram) -> None:
    ids = _due(program, [[], HIGH, [], HIGH, []])
    herd = Herd(least=3)
    assert _takes(herd, ids[0])
    _finished(herd)
    assert _still_due(ids) == []
    with engine.read_session() as session:
        raised = session.exec(
            select(JournalEntry.stream)
            .where(JournalEntry.event == "escalation.raised", col(JournalEntry.stream).in_(ids))
            .order_by(col(JournalEntry.id))
        ).all()
    order = list(dict.fromkeys(raised))
    assert set(order[:2]) == {ids[1], ids[3]}
    assert set(order) == set(ids)
    assert not _takes(herd, ids[0]), "nothing is due any more"


def test_a_few_are_no_herd(program: SmallProgram) -> None:
    ids = _due(program, [[], []])
    assert not _takes(Herd(least=3), ids[0])
    assert len(_still_due(ids)) == 2


def test_one_that_cannot_be_done_holds_up_nobody_and_goes_its_own_way(program: SmallProgram) -> None:
    ids = _due(program, [[], [], []])
    with engine.transaction() as session:
        session.get_one(Referral, ids[1]).protocol_id = "no such protocol"
    herd = Herd(least=2)
    assert _takes(herd, ids[0])
    _finished(herd)
    assert _still_due(ids) == [ids[1]]
    assert not _takes(herd, ids[1])


def test_who_sleeps_on_asks_again_within_upkeeps_minute(program: SmallProgram) -> None:
    ids = _due(program, [[], [], []])
    with engine.read_session() as session:
        slept = [sleep_on(session, one) for one in ids]
    assert all(2.5 <= seconds <= LONGEST_SLEEP for seconds in slept)
    assert len(set(slept)) == 3


def test_a_worker_that_ends_takes_nothing_more(program: SmallProgram) -> None:
    ids = _due(program, [[], [], []])
    herd = Herd(least=2)
    herd.close()
    assert not _takes(herd, ids[0])
