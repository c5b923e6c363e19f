"""The check of a whole database, or of some referrals: in slices, beside a system that goes on working.

A slice is read in one transaction that sees one moment. Whatever does not hold is asked again a little later, in
another, before it is reported: what changed in between is not a fault.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, text

from records import clock, engine
from records.checking.dossier import SLICE, read_dossiers, read_surroundings
from records.checking.promises import NAMES, Judged, Problem, judge
from records.checking.whole import whole_problems

MOST_FINDINGS = 1_000
"""So many are kept in full; all are counted."""
Progress = Callable[[int], None]


class Finding(NamedTuple):
    """One thing that does not hold. `referral` is its number, as people say it on the phone; empty: more than one."""

    invariant: int
    referral: str
    sentence: str

    @property
    def name(self) -> str:
        """The invariant in words."""
        return NAMES[self.invariant]


@dataclass
class Checked:
    """What was looked at and what does not hold. `late`: how often something was carried out late, and the latest."""

    referrals: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)
    late: int = 0
    latest: timedelta = timedelta()
    seconds: float = 0.0

    def found(self, invariant: int, referral: str, sentence: str) -> None:
        """Something does not hold."""
        self.counts[invariant] += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(invariant, referral, sentence))

    @property
    def violations(self) -> int:
        """How many things do not hold."""
        return self.counts.total()

    def as_data(self) -> dict[str, Any]:
        """What was found, as plain data. It names nobody."""
        return {
            "referrals": self.referrals,
            "seconds": round(self.seconds, 1),
            "violations": self.violations,
            "invariants": {NAMES[number]: self.counts.get(number, 0) for number in NAMES},
            "late": self.late,
            "latest_seconds": round(self.latest.total_seconds()),
            "findings": [{**one._asdict(), "name": one.name} for one in self.findings],
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Checked:
        """What another process found."""
        return cls(
            referrals=data["referrals"],
            findings=[Finding(one["invariant"], one["referral"], one["sentence"]) for one in data["findings"]],
            counts=Counter({number: data["invariants"][name] for number, name in NAMES.items()}),
            late=data["late"],
            latest=timedelta(seconds=data["latest_seconds"]),
            seconds=data["seconds"],
        )


def check(
    *,
    only: Sequence[str] | None = None,
    since: datetime | None = None,
    processes: int = 1,
    ask_again_after: float = 1.0,
    progress: Progress = lambda _: None,
    url: str = "",
) -> Checked:
    """Look at every referral of the open database, at those of these numbers, or at those of which something was
    recorded since.

    `processes` above one: others are started, which open `url`. `progress` hears of referrals that are done.
    """
    began, result = clock.stopwatch(), Checked()
    suspects: dict[str, set[Problem]] = {}
    with moment() as connection:
        slices = list(_slices(connection, only, since))
    for part in _look_at_all(slices, processes, url):
        suspects |= part.suspects
        result.referrals += part.referrals
        result.late += part.late
        result.latest = max(result.latest, part.latest)
        progress(part.referrals)
    first_whole: set[Problem] = set()
    if only is None and since is None:
        with moment() as connection:
            first_whole = set(whole_problems(connection))
    if suspects or first_whole:
        time.sleep(ask_again_after)
        _ask_again(result, suspects, first_whole)
    result.seconds = clock.stopwatch() - began
    return result


def count_referrals() -> int:
    """How many a check of everything looks at."""
    with moment() as connection:
        return int(connection.execute(text("SELECT count(*) FROM referral")).scalar_one())


@contextmanager
def moment() -> Iterator[Connection]:
    """A connection that sees one moment of the records and writes nothing."""
    opened = engine.database().read
    if opened.dialect.name == "postgresql":
        opened = opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with opened.connect() as connection:
        yield connection


class _Part(NamedTuple):
    """What came of a slice: by referral what does not hold there, which is asked again; and what was late."""

    referrals: int
    suspects: dict[str, set[Problem]]
    late: int
    latest: timedelta


def _slices(connection: Connection, only: Sequence[str] | None, since: datetime | None) -> Iterator[list[str]]:
    if only is not None:
        numbers = {"numbers": [one.strip().upper() for one in only]}
        asked = text("SELECT id FROM referral WHERE number IN :numbers ORDER BY id").bindparams(
            bindparam("numbers", expanding=True)
        )
        rows = connection.execute(asked, numbers)
    elif since is not None:
        asked = text(
            "SELECT r.id FROM referral r WHERE EXISTS (SELECT 1 FROM journal j WHERE j.stream = r.id"
            " AND j.seq = r.journal_seq AND j.recorded_at >= :since) ORDER BY r.id"
        )
        is_sqlite = connection.dialect.name == "sqlite"
        rows = connection.execute(asked, {"since": f"{since:%Y-%m-%d %H:%M:%S.%f}" if is_sqlite else since})
    else:
        rows = connection.execute(text("SELECT id FROM referral ORDER BY id"))
    ids = [referral_id for (referral_id,) in rows]
    for start in range(0, len(ids), SLICE):
        yield ids[start : start + SLICE]


def _look_at_all(slices: list[list[str]], processes: int, url: str) -> Iterator[_Part]:
    if processes <= 1 or len(slices) < 2 * processes:
        yield from map(look_at, slices)
        return
    context = multiprocessing.get_context("spawn")  # a fork would share connections, and threads' locks
    opening = (url, clock.settings())
    with ProcessPoolExecutor(processes, mp_context=context, initializer=open_elsewhere, initargs=opening) as pool:
        yield from pool.map(look_at, slices)


def open_elsewhere(url: str, runs: Mapping[str, Any]) -> None:
    """Open the records in a process of its own, on the clock of the process that started it."""
    clock.follow(runs)
    engine.configure(url, pool_size=1)


def look_at(ids: list[str]) -> _Part:
    """Judge one slice, at one moment."""
    suspects: dict[str, set[Problem]] = {}
    late: list[timedelta] = []
    for referral_id, _, judged in _judged(ids):
        late += judged.late
        if judged.problems:
            suspects[referral_id] = set(judged.problems)
    return _Part(len(ids), suspects, len(late), max(late, default=timedelta()))


def _judged(ids: list[str]) -> Iterator[tuple[str, str, Judged]]:
    now = clock.now()  # before the moment that is read: what came due since is not asked for
    with moment() as connection:
        dossiers = read_dossiers(connection, read_surroundings(connection), ids)
    for dossier in dossiers:
        yield dossier.referral.id, dossier.referral.number, judge(dossier, now)


def _ask_again(result: Checked, suspects: dict[str, set[Problem]], first_whole: set[Problem]) -> None:
    """What is reported did not hold twice."""
    ids = sorted(suspects)
    for start in range(0, len(ids), SLICE):
        for referral_id, number, judged in _judged(ids[start : start + SLICE]):
            for invariant, sentence in judged.problems:
                if (invariant, sentence) in suspects[referral_id]:
                    result.found(invariant, number, sentence)
    if first_whole:
        with moment() as connection:
            for invariant, sentence in whole_problems(connection):
                if (invariant, sentence) in first_whole:
                    result.found(invariant, "", sentence)
