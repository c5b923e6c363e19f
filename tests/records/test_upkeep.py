"""Whom upkeep tells: whoever was not told of an earlier appointment, and whoever's appointment nobody kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from records import clock, engine
from records.commands import agenda
from records.commands.upkeep import mark_told
from records.queries.upkeep import PATIENCE, list_untold
from records.tables import Referral
from tests.engine.program import small_program


@pytest.fixture
def referral_id(database: str) -> Iterator[str]:
    """A referral whose workflow was told of everything so far."""
    clock.set_to(datetime(2026, 11, 3, 15, 0, tzinfo=UTC))
    made = small_program().file()
    with engine.transaction() as session:
        agenda.carry_out(session, made)
    with engine.transaction() as session:
        mark_told(session, [made], before=clock.now())
    yield made
    clock.run_real()


def _listed() -> list[str]:
    with engine.read_session() as session:
        return list_untold(session)


def test_whoever_was_told_is_told_again_only_when_the_appointment_has_passed(referral_id: str) -> None:
    """The workflow may be gone, and Temporal may not say so."""
    with engine.read_session() as session:
        due = session.get_one(Referral, referral_id).next_at
    assert due is not None
    assert _listed() == []
    clock.set_to(due)
    assert _listed() == [], "its own timer comes first"
    clock.set_to(due + PATIENCE + timedelta(seconds=1))
    assert _listed() == [referral_id]
