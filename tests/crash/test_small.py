"""The crash matrix, small: a few kills on each kind of database, on real processes. `make crash` has all of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

from tests.crash import matrix
from tests.crash.matrix import Trial
from tests.crash.orders import ANSWERED, BEFORE, WRITTEN
from tests.crash.steps import STEPS
from tests.crash.verdict import all_promises
from tests.crash.wal import frames_of, tear, wal_of
from tests.crash.world import API, DATABASE, TEMPORAL, WORKER, Kind, world

NAMES = {step.name: step for step in STEPS}
FEW: dict[Kind, tuple[tuple[str, str, str], ...]] = {
    "sqlite": (
        ("a referral is filed", API, WRITTEN),
        ("a contact is logged", DATABASE, BEFORE),
        ("the closing report is sent", WORKER, WRITTEN),
    ),
    "postgresql": (
        ("a referral is filed", DATABASE, WRITTEN),
        ("an offer is made", API, ANSWERED),
        ("a discharge is recorded", TEMPORAL, WRITTEN),
    ),
}


def test_every_step_victim_and_point_is_killed_so_often() -> None:
    every = matrix.trials(Random(1), times=3)
    assert len(every) == 4 * 3 * 3 * len(STEPS) >= 500
    assert len(STEPS) >= 14
    assert len(set(every)) * 3 == len(every)


def test_a_few_kills_lose_nothing_and_double_nothing(database_kind: Kind) -> None:
    wanted = [Trial(NAMES[name], victim, at) for name, victim, at in FEW[database_kind]]
    with world(database_kind) as running:
        done = matrix.run(running, wanted, Random(1))
        slow = [one for one in done.problems if "it answered only after" in one]  # how fast: `make crash` asks
        assert [one for one in matrix.look_back(running, done) if one not in slow] == []
        assert [str(one.trial) for one in done.results] == [str(one) for one in wanted]
        assert all(one.is_acknowledged for one in done.results)
        if database_kind == "sqlite":
            assert all_promises(running)[1] == []


def test_a_torn_log_holds_what_was_finished_before_and_nothing_of_the_last(tmp_path: Path) -> None:
    for seed in range(20):
        database = tmp_path / f"{seed}.sqlite3"
        _killed_while_writing(database, Random(seed))
        with sqlite3.connect(database) as again:
            assert [value for (value,) in again.execute("SELECT number FROM written")] == [1]
            assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        again.close()


def _killed_while_writing(database: Path, chance: Random) -> None:
    """Leave the files as a power failure would: a copy of them, since closing would tidy up."""
    live = database.with_suffix(".live")
    writer = sqlite3.connect(live, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE written (number INTEGER, page BLOB)")
    writer.execute("INSERT INTO written VALUES (1, zeroblob(10000))")
    kept, salt = frames_of(wal_of(str(live)))
    writer.execute("INSERT INTO written VALUES (2, zeroblob(30000))")
    database.write_bytes(live.read_bytes())
    wal_of(str(database)).write_bytes(wal_of(str(live)).read_bytes())
    writer.close()
    tear(wal_of(str(database)), kept, salt, chance)
