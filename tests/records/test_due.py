"""What is due now, in the order in which a herd of it is carried out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.vocabulary import RiskFlag
from records import clock, engine
from records.queries.due import count_due, list_due, take_due
from records.tables import Referral
from tests.engine.program import SmallProgram, small_program

NOW = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)


@pytest.fixture
def program(database: str) -> Iterator[SmallProgram]:
    """A program whose people the tests place where they want them."""
    clock.set_to(NOW)
    yield small_program()
    clock.run_real()


def _waiting(program: SmallProgram, name: str, minutes: int = 5, **columns: object) -> str:
    """Somebody whose next item was due so many minutes ago."""
    referral_id = program.file(name)
    with engine.transaction() as session:
        row = session.get_one(Referral, referral_id)
        row.next_at = NOW - timedelta(minutes=minutes)
        for column, value in columns.items():
            setattr(row, column, value)
    return referral_id


def test_the_gravest_come_first_and_among_equals_who_waits_longest(program: SmallProgram) -> None:
    long_ago = _waiting(program, "Waits longest", minutes=600)
    lately = _waiting(program, "Waits", minutes=5)
    past_first_days = _waiting(program, "Is home longer", minutes=60, first_days_until=NOW - timedelta(hours=1))
    first_days = _waiting(program, "Left yesterday", first_days_until=NOW + timedelta(hours=40))
    high = _waiting(program, "High risk", risks=[RiskFlag.SUICIDE_RISK.value])
    both = _waiting(
        program, "Both", risks=[RiskFlag.OVERDOSE.value], first_days_until=NOW + timedelta(hours=1), minutes=1
    )
    safety = _waiting(program, "Safety", escalated_rank=0, minutes=0)
    taken = _waiting(program, "Safety, somebody is at it", escalated_rank=10, minutes=1)
    _waiting(program, "Is not due", minutes=-1, risks=[RiskFlag.SUICIDE_RISK.value])
    with engine.read_session() as session:
        expected = [taken, safety, both, high, first_days, long_ago, past_first_days, lately]
        assert list_due(session) == expected
        assert count_due(session, 100) == 8
        assert count_due(session, 3) == 3


def test_what_another_worker_is_at_is_not_waited_for(program: SmallProgram, database: str) -> None:
    one = _waiting(program, "One")
    with engine.transaction() as session:
        assert take_due(session, one)
        if database.startswith("postgresql"):
            with engine.transaction() as other:
                assert not take_due(other, one)
        session.get_one(Referral, one).next_at = NOW + timedelta(hours=1)
    with engine.transaction() as session:
        assert not take_due(session, one), "it was carried out"
