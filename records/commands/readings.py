"""Every look at a person's record is written down before it is shown: who, at what, when, from where.

A look must not churn the referral's own journal, nor wait for anybody who reads something else. So looks are a table of
their own, and each process that serves pages keeps a hash-chained sequence of its own: what it appends next it knows by
itself, and no two processes ever wait for each other. Looks of many requests at one moment are written in one
transaction: whoever comes first writes for all who wait. What cannot be written is not shown (`Unwritten`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from domain.errors import Refusal
from records import clock, engine
from records.ids import new_id
from records.journal import end_proof, instant_text
from records.tables import Reading, StreamHead

PATIENCE = 10.0
"""Seconds that a page waits for its line in the journal before it is refused."""
_log = logging.getLogger(__name__)


class Unwritten(Refusal):
    """What was asked for is not shown, since that it was looked at cannot be written down."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            "journal_unavailable",
            "This cannot be shown right now: who looks at a record is written down first. Try again.",
        )


@dataclass(frozen=True, slots=True)
class Look:
    """One look, before it stands in a sequence."""

    program_id: str
    staff_id: str
    route: str
    address: str
    key: str
    referral_id: str = ""
    person_id: str = ""
    glass_id: str = ""
    at: datetime = field(default_factory=clock.now)


@dataclass
class _Waiting:
    looks: Sequence[Look]
    is_written: bool = False
    has_failed: bool = False


class _Sequence:
    """The sequence of this process over one database, and who waits to be written into it."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._few = threading.Lock()
        self._turn = threading.Lock()
        self._stream, self._seq, self._hash = new_id("look"), 0, ""

    def write(self, looks: Sequence[Look]) -> None:
        mine = _Waiting(looks)
        with self._few:
            self._waiting.append(mine)
        if not self._turn.acquire(timeout=PATIENCE):
            raise Unwritten
        try:
            if not mine.is_written and not mine.has_failed:
                with self._few:
                    batch, self._waiting = self._waiting, []
                self._write_all(batch)
        finally:
            self._turn.release()
        if not mine.is_written:
            raise Unwritten

    def _write_all(self, batch: list[_Waiting]) -> None:
        rows, seq, before = [], self._seq, self._hash
        for look in (look for waiting in batch for look in waiting.looks):
            seq += 1
            row = {"stream": self._stream, "seq": seq, "prev_hash": before, **asdict(look)}
            row["hash"] = before = digest(row)
            rows.append(row)
        try:
            with engine.transaction(patience=PATIENCE) as session:
                connection = session.connection()
                connection.execute(insert(Reading), rows)
                head = {"seq": seq, "hash": before, "proof": end_proof(self._stream, seq, before)}
                if self._seq:
                    connection.execute(update(StreamHead).where(col(StreamHead.stream) == self._stream), head)
                else:
                    connection.execute(insert(StreamHead), {"stream": self._stream, "kind": "reading"} | head)
        except (SQLAlchemyError, TimeoutError) as error:
            _log.error("a look could not be written down: %s", type(error).__name__)
            for waiting in batch:
                waiting.has_failed = True
            # Whether the last of it arrived is not known: this sequence ends, another begins.
            self._stream, self._seq, self._hash = new_id("look"), 0, ""
            return
        self._seq, self._hash = seq, before
        for waiting in batch:
            waiting.is_written = True


_current: tuple[Any, _Sequence] | None = None
_making = threading.Lock()


def note_looks(looks: Iterable[Look]) -> None:
    """Write these looks down; they are durable when this returns. Raises Unwritten."""
    wanted = list(looks)
    if not wanted:
        return
    _sequence().write(wanted)


def _sequence() -> _Sequence:
    """The sequence over the database that is open: nothing goes on from one to the next."""
    global _current
    with _making:
        opened = engine.database()
        if _current is None or _current[0] is not opened:
            _current = (opened, _Sequence())
        return _current[1]


_COVERED = (
    "prev_hash", "stream", "seq", "program_id", "staff_id", "referral_id", "person_id", "route", "address", "key",
    "glass_id",
)  # fmt: skip


def digest(row: dict[str, Any]) -> str:
    """The SHA-256 of a look and the hash before it, as hexadecimal."""
    covered = [*(row[name] for name in _COVERED), instant_text(row["at"])]
    return hashlib.sha256(json.dumps(covered, ensure_ascii=False).encode()).hexdigest()
