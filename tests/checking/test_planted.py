"""The check sees what it is there to see: each fault is planted in the rows, behind the commands' back, and named."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.vocabulary import ClosureReason, ConsentStatus, Mode, Outcome, RiskFlag
from records import clock, engine
from records.checking.dossier import read_dossiers, read_surroundings
from records.checking.promises import NAMES, judge
from records.checking.whole import whole_problems
from records.commands import changes, closing
from records.commands.sealing import seal
from tests.scenarios.world import World


@dataclass
class Program:
    """A program in which something of everything has happened, and who is who in it."""

    world: World
    ids: dict[str, str]

    def problems(self, *statements: str) -> set[tuple[int, str]]:
        """What the check says after these changes, which are taken back."""
        with engine.database().lock, engine.database().write.connect() as connection:
            for statement in statements:
                changed = connection.execute(
                    text(statement), {k: v for k, v in self.ids.items() if f":{k}" in statement}
                )
                assert changed.rowcount, f"this changes nothing: {statement}"
            return _all_problems(connection)


def _all_problems(connection: Connection) -> set[tuple[int, str]]:
    ids = [one for (one,) in connection.execute(text("SELECT id FROM referral ORDER BY id"))]
    found = set(whole_problems(connection))
    for dossier in read_dossiers(connection, read_surroundings(connection), ids):
        found |= set(judge(dossier, clock.now()).problems)
    return found


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """Ada's first contact was missed and is called about; Bea is inside again; Cal's case is over; Dot is sought a
    bridger, at high risk; Eli's consent was taken back."""
    world = World()
    cal = world.follow("Cal Sample", phones=["212-555-0125"])
    cal.log(Mode.CALL, Outcome.REACHED)
    world.do("supervisor", closing.close_referral, cal.id, ClosureReason.SERVICES_RECEIVED)
    ada = world.follow()
    bea = world.follow("Bea Sample", phones=["212-555-0124"], bridger="Ines")
    eli = world.follow("Eli Sample", phones=["212-555-0127"], bridger="Omar")
    world.time_passes(hours=2)
    bea.hold()
    world.do("Omar", changes.record_consent, eli.id, ConsentStatus.REVOKED)
    dot = world.refer("Dot Sample", phones=["212-555-0126"], risks=[RiskFlag.SUICIDE_RISK])
    world.time_passes(hours=23)
    with engine.transaction() as session:
        seal(session)
    yield Program(world, {"ada": ada.id, "bea": bea.id, "cal": cal.id, "dot": dot.id, "eli": eli.id})
    engine.dispose()
    clock.run_real()


def test_nothing_is_wrong_before_anything_is_planted(program: Program) -> None:
    assert program.problems() == set()


FAULTS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("planted.toml").read_text("utf-8"))["fault"]


def test_every_invariant_that_rows_can_break_has_a_fault() -> None:
    assert {fault["invariant"] for fault in FAULTS} == set(NAMES) - {10}, "10 is about Temporal: tests/engine"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["name"])
def test_a_planted_fault_is_named(program: Program, fault: dict[str, Any]) -> None:
    found = program.problems(fault["sql"])
    assert any(number == fault["invariant"] and fault["said"] in sentence for number, sentence in found), found
