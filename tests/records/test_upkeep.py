"""Whom upkeep tells: whoever was not told of an earlier appointment, and whoever's appointment nobody kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import select

from domain.vocabulary import Channel, TextKind
from records import clock, engine
from records.commands import agenda
from records.commands.upkeep import mark_told
from records.queries.upkeep import PATIENCE, list_undelivered, list_untold
from records.tables import Notification, PersonText, Referral, Staff
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


def _waits(referral_id: str, *, staff: int, people: int) -> list[str]:
    """So many messages of each kind wait, those to staff for longer; what is taken up of them, four at a time."""
    with engine.transaction() as session:
        of = session.get_one(Referral, referral_id)
        shared: dict[str, Any] = {"program_id": of.program_id, "referral_id": of.id, "created_at": clock.now()}
        for table in (Notification, PersonText):
            session.execute(delete(table))
        somebody = session.exec(select(Staff.id)).all()[0]
        for number in range(staff):
            session.add(
                Notification(
                    id=f"ntf_{number}", key=f"k{number}", template="offer_made", channel=Channel.EMAIL,
                    staff_id=somebody,
                    not_before=clock.now() - timedelta(hours=2, minutes=-number), **shared,
                )
            )  # fmt: skip
        for number in range(people):
            at = clock.now() - timedelta(hours=1, minutes=-number)
            session.add(
                PersonText(
                    id=f"txt_{number}", person_id=of.person_id, number="+12125550123", key=f"t{number}",
                    kind=TextKind.TRIED, not_before=at, good_until=clock.now() + timedelta(hours=9), **shared,
                )
            )  # fmt: skip
    with engine.read_session() as session:
        return list_undelivered(session, 4)


@pytest.mark.sqlite
def test_however_much_waits_for_staff_texts_to_people_get_their_turn(referral_id: str) -> None:
    assert _waits(referral_id, staff=9, people=5) == ["ntf_0", "ntf_1", "txt_0", "txt_1"]
    assert _waits(referral_id, staff=9, people=1) == ["ntf_0", "ntf_1", "ntf_2", "txt_0"]
    assert _waits(referral_id, staff=1, people=9) == ["ntf_0", "txt_0", "txt_1", "txt_2"]
    assert _waits(referral_id, staff=2, people=1) == ["ntf_0", "ntf_1", "txt_0"]
    assert _waits(referral_id, staff=0, people=0) == []
