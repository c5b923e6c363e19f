"""Lives in which things go wrong keep every promise; one of them lives again by itself; a bug is seen, and shrunk."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlmodel import Session, SQLModel, select

from cli.simulate import run
from cli.simulation import troubled
from cli.simulation.bulk import How, live_many, live_one, shrink
from cli.simulation.crashes import AT_COMMIT, Crash, crash_at
from cli.simulation.troubles import LIKELY, TRACELESS, Trouble
from records import clock, engine, ids
from records.commands import agenda
from records.tables import Meta, Referral

LIVES = 500


@pytest.fixture(autouse=True)
def leave_no_trace() -> Iterator[None]:
    yield
    clock.run_real()
    ids.use_source(random.SystemRandom())
    engine.dispose()


def test_five_hundred_lives_keep_every_promise_whatever_goes_wrong() -> None:
    lives = live_many(How(seed=7), LIVES)

    assert [(one.number, one.broken) for one in lives.broken] == []
    assert lives.lives == LIVES
    assert lives.faults > 10 * LIVES
    assert {kind for kind in LIKELY if lives.counts[f"fault {kind}"]} == set(LIKELY)


def test_what_leaves_no_trace_leaves_none() -> None:
    """With crashes, doubled, early and stale calls a life ends with the very journal that it has without them."""
    shaken = live_many(How(seed=4, faults=20, kinds=tuple(TRACELESS), ordinary=0.5), 8)
    calm = live_many(How(seed=4, faults=0, ordinary=0.5), 8)

    assert shaken.faults > 100
    assert calm.faults == 0
    assert shaken.digest == calm.digest


def test_one_life_of_many_is_the_same_by_itself_and_in_another_process() -> None:
    how, digests = How(seed=9), list[str]()
    lives = live_many(how, 3, processes=2, progress=lambda lived: digests.append(lived.digest))

    assert lives.broken == []
    assert live_one(how, 2).digest == digests[2]
    assert live_one(How(seed=10), 2).digest != digests[2]


def _write_one() -> None:
    with engine.transaction() as session:
        session.add(Meta(key="written", value="and lost"))
        session.flush()


@pytest.mark.parametrize("statement", [1, AT_COMMIT, 50])
def test_a_crash_leaves_nothing_of_its_transaction(tmp_path: Path, statement: int) -> None:
    engine.configure(f"sqlite:///{tmp_path}/crash.db")
    SQLModel.metadata.create_all(engine.database().write)
    with pytest.raises(Crash), crash_at(statement):
        _write_one()
    with engine.transaction() as session:
        assert session.exec(select(Meta.key)).all() == []


@pytest.mark.parametrize("seconds", [1, 60, 600])
def test_what_acts_a_little_too_early_is_seen(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """The planted fault: what is due within a while is carried out by a wake-up that came too early."""
    early, real = timedelta(seconds=seconds), agenda.carry_out

    def hasty(session: Session, referral_id: str) -> object:
        now, due = clock.now(), session.get_one(Referral, referral_id).next_at
        if due is not None and now < due <= now + early:
            clock.set_to(due)
        try:
            return real(session, referral_id)
        finally:
            clock.set_to(now)

    monkeypatch.setattr(agenda, "carry_out", hasty)
    lives = live_many(How(seed=7, kinds=(Trouble.EARLY,)), 4)

    assert lives.faults > 20
    assert len(lives.broken) >= lives.lives / 2
    assert all(any(said.startswith("an early wake-up") for said in one.broken) for one in lives.broken)


def test_a_bug_that_only_a_fault_shows_is_seen_and_shrunk_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: an answer is not kept, so that what comes again with its key is done again."""
    monkeypatch.setattr(troubled, "keep_answer", lambda *_: None)
    how = How(seed=2, faults=20)
    assert live_one(How(seed=2, faults=0), 0).broken == ()
    assert len(live_one(how, 0).met) > 5
    fewest = shrink(how, 0)

    assert fewest.broken
    assert [met.trouble in (Trouble.TWICE, Trouble.ANSWER_LOST) for met in fewest.met] == [True]


def test_what_broke_is_printed_with_how_to_live_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(troubled, "keep_answer", lambda *_: None)
    out = Console(record=True, width=160, file=io.StringIO())
    assert run(1, How(seed=2, faults=20), console=out) == 1
    said = out.export_text()
    assert "footbridge simulate --seed 2 --faults 20 --only 0" in said
    assert "breaks with 1 of them" in said
