"""The tables of states are what the commands really do: nothing moves in an invented life that they do not allow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from cli.simulation.run import simulate
from domain.states import TABLES, Table
from domain.vocabulary import ContactState, EscalationState, OfferState, ReferralStatus
from records import clock, engine
from tests.support.moves import Moved, Moves, watched_moves


@pytest.fixture(scope="module")
def lives() -> Iterator[tuple[Moves, Session]]:
    """A dozen lives in which people forget, decline and come late, and everything that moved in them."""
    with watched_moves() as moves:
        result = simulate(12, seed=7)
    assert result.broken == []
    with Session(engine.database().write) as session:
        yield moves, session
    clock.run_real()
    engine.dispose()


def test_every_move_is_in_the_table_under_an_event_of_its_command(lives: tuple[Moves, Session]) -> None:
    moves, session = lives
    known, unknown = moves.held_to_the_tables(session)
    assert unknown == []
    went = {(name, moved.before, moved.after) for name, moved in known}
    assert ("referral.accepted", ReferralStatus.SUBMITTED, ReferralStatus.ACCEPTED) in went
    assert ("bridger.assigned", ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS) in went
    assert ("contact.missed", ContactState.PLANNED, ContactState.MISSED) in went
    assert ("escalation.raised", None, EscalationState.RAISED) in went
    assert ("offer.accepted", OfferState.OPEN, OfferState.ACCEPTED) in went


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_a_move_that_is_not_in_the_table_would_be_seen(lives: tuple[Moves, Session], table: Table) -> None:
    moves, session = lives
    done = moves.committed[-1]
    states = list(table.states)
    first, last = states[0], states[-1]
    wrong = Moves()
    wrong.committed = [*moves.committed[:-1], done._replace(moved=(Moved(table, last, first),))]
    _known, unknown = wrong.held_to_the_tables(session)
    assert [line.partition(" by ")[0] for line in unknown] == [f"{table.title}: from {last} to {first}"]
