"""How long `footbridge check` takes over many referrals, each with the whole journal of a ninety-day life.

A few hundred invented lives are led by the real commands; then each is written again and again, with ids and hashes of
its own, until there are enough. Nothing may be wrong with any of them.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import Figure, at_most
from cli.simulation.run import LONG_AFTER, simulate
from records import clock, engine
from records.checking.chain import hash_of
from records.checking.dossier import instant
from records.checking.run import check
from records.checking.whole import Entry
from records.journal import end_proof

_MANY, _LIVES = 100_000, 250
_OWN = re.compile(r"\b(ref|con|esc|off|asg|att|hld|ntf|dis|cns|crv|per|cnc)_[0-9a-z]{2}")
"""Ids of what hangs on one referral; the rest (staff, facilities, protocols) is shared."""
_SHARED = ("program", "facility", "staff", "bridger", "protocol")
_HANGING = (
    "person", "referral", "contact", "attempt", "escalation", "escalation_told", "offer", "assignment", "hold",
    "notification", "disclosure", "consent_version", "consent_revocation",
)  # fmt: skip


def run(many: int = _MANY) -> list[Figure]:
    """On all cores of this machine; the figure is for 100,000, in proportion when there are fewer."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "many.sqlite3"
        fill(path, many)
        engine.configure(f"sqlite:///{path}")
        began = time.perf_counter()
        result = check(processes=min(4, os.cpu_count() or 1), url=f"sqlite:///{path}")
        took = time.perf_counter() - began
        engine.dispose()
        clock.run_real()
    if result.violations:
        raise RuntimeError(result.findings[0].sentence)
    return [at_most("check", f"of {many:,} referrals, for 100,000", took * _MANY / many, "seconds", 300)]


def fill(path: Path, many: int) -> None:
    """A database with so many referrals whose lives are over; the clock stands long after them."""
    result = simulate(_LIVES, 4)
    after = clock.now()
    with engine.database().write.connect() as lived, sqlite3.connect(path) as written:
        source = lived.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC"):
            written.execute(sql)
        written.execute("PRAGMA synchronous=OFF")
        for table in _SHARED:
            _insert(written, table, list(source.execute(f"SELECT * FROM {table}")))  # noqa: S608 -- our names
        rows = {name: list(source.execute(f"SELECT * FROM {name}")) for name in _HANGING}  # noqa: S608
        names = {name: [column[1] for column in source.execute(f"PRAGMA table_info({name})")] for name in rows}
        journal = list(source.execute("SELECT * FROM journal WHERE stream LIKE 'ref_%' ORDER BY stream, seq"))
        columns = [column[1] for column in source.execute("PRAGMA table_info(journal)")]
        for copy in range(-(-many // result.lives)):
            heads = dict(_write_journal(written, columns, journal, copy))
            for name in _HANGING:
                _insert(written, name, [_renamed(row, names[name], copy, heads) for row in rows[name]])
            written.commit()
    written.close()
    engine.dispose()
    clock.set_to(after + LONG_AFTER)


def _write_journal(
    written: sqlite3.Connection, columns: list[str], journal: list[Any], copy: int
) -> Iterator[tuple[str, str]]:
    """The sequences of one copy, hashed anew; yields each with its last hash."""
    made, before, stream = [], "", ""
    for row in journal:
        kept = dict(zip(columns, (_own(value, copy) for value in row), strict=True))
        before = before if kept["stream"] == stream else ""
        stream = kept["stream"]
        entry = Entry(
            stream, kept["seq"], kept["event"], instant(kept["at"]), instant(kept["recorded_at"]), kept["actor"],
            kept["subject_id"], json.loads(kept["data"]), before, "",
        )  # fmt: skip
        kept["prev_hash"], kept["hash"] = before, hash_of(entry)
        before, kept["id"] = kept["hash"], None
        made.append(tuple(kept.values()))
        yield stream, before
    _insert(written, "journal", made)


def _renamed(row: Any, names: list[str], copy: int, heads: dict[str, str]) -> tuple[Any, ...]:
    kept = dict(zip(names, (_own(value, copy) for value in row), strict=True))
    if "journal_head" in kept:  # a referral
        kept["number"] = f"{kept['number']}{copy}"
        kept["journal_head"] = heads[kept["id"]]
        kept["journal_proof"] = end_proof(kept["id"], kept["journal_seq"], kept["journal_head"])
    return tuple(kept.values())


def _own(value: Any, copy: int) -> Any:
    """A value with the ids of this copy: two letters of each tell the copy."""
    return _OWN.sub(rf"\1_{copy:03}", value) if value.__class__ is str and "_" in value else value


def _insert(written: sqlite3.Connection, table: str, rows: list[Any]) -> None:
    if rows:
        places = ", ".join("?" * len(rows[0]))
        written.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 -- our names
