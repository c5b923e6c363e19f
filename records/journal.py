"""The journal: append-only, one hash-chained sequence a referral. Timeline, audit and measures are read from it.

Each entry's hash covers the entry before it, so an alteration, a deletion or a reordering shows. The head of a
referral's chain is kept on the referral, so that appending needs no look-up and cutting off the end shows too.
What people told in words is kept sealed (`records/tables/told.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time
from functools import lru_cache, partial
from operator import attrgetter, itemgetter
from typing import Any, Protocol

from sqlmodel import Session, select

from records import clock
from records.sealing import is_proof, proof
from records.tables import JournalEntry, Program, Referral, StreamHead
from records.tables.told import Told, mark_told
from records.writing import BEFORE, JOURNAL

SYSTEM = "system"


class Linked(Protocol):
    """An entry of a hash-chained sequence."""

    stream: str
    seq: int
    prev_hash: str
    hash: str


def append(
    session: Session,
    referral: Referral,
    event: str,
    *,
    actor: str,
    at: datetime | None = None,
    subject_id: str = "",
    recorded_at: datetime | None = None,
    **data: Any,
) -> None:
    """Append one event to a referral's journal. `at` is when it happened (default: now); `data` are plain facts.

    What one command records is recorded at one moment, `recorded_at`: so it can be told what belongs together.

    The entries of a transaction are written together with the rows they speak of, many in one statement: the row of
    the referral changes too, so that nothing can be committed without them.
    """
    now, held = recorded_at or clock.now(), referral.held()
    entry: dict[str, Any] = {
        "program_id": held["program_id"],
        "stream": held["id"],
        "seq": held["journal_seq"] + 1,
        "event": event,
        "at": at or now,
        "recorded_at": now,
        "actor": actor,
        "subject_id": subject_id,
        "data": mark_told(event, plain(data)),
        "prev_hash": held["journal_head"],
    }
    entry["hash"] = _digest(*_covered(entry))
    referral.journal_seq, referral.journal_head = entry["seq"], entry["hash"]
    session.info.setdefault(BEFORE, {})[entry["stream"]] = partial(_prove_end, referral)
    session.info.setdefault(JOURNAL, []).append(entry)


def _prove_end(referral: Referral) -> None:
    referral.journal_proof = end_proof(referral.id, referral.journal_seq, referral.journal_head)


def append_for_program(
    session: Session, program_id: str, event: str, *, actor: str, subject_id: str = "", **data: Any
) -> JournalEntry:
    """Append one event that concerns no referral: staff, settings, sign-ins. Writers of one program take turns."""
    stream, now = f"program:{program_id}", clock.now()
    session.exec(select(Program.id).where(Program.id == program_id).with_for_update(key_share=True)).first()
    last = session.get(StreamHead, stream, populate_existing=True)
    entry = JournalEntry(
        program_id=program_id,
        stream=stream,
        seq=(last.seq if last else 0) + 1,
        event=event,
        at=now,
        recorded_at=now,
        actor=actor,
        subject_id=subject_id,
        data=mark_told(event, plain(data)),
        prev_hash=last.hash if last else "",
        hash="",
    )
    entry.hash = digest(entry)
    session.add(entry)
    head = last or StreamHead(stream=stream, kind="journal", seq=0, hash="", proof="")
    head.seq, head.hash, head.proof = entry.seq, entry.hash, end_proof(stream, entry.seq, entry.hash)
    session.add(head)
    session.flush()
    return entry


_COVERED = ("prev_hash", "stream", "seq", "event", "at", "recorded_at", "actor", "subject_id", "data")
_covered, _covered_of = itemgetter(*_COVERED), attrgetter(*_COVERED)


def end_proof(stream: str, seq: int, last_hash: str) -> str:
    """A proof that a sequence goes so far, which nobody makes without the secret key."""
    return proof(f"{stream} {seq} {last_hash}", purpose=_END)


def is_end(made: str, stream: str, seq: int, last_hash: str) -> bool:
    """Whether this is the proof that a sequence goes so far."""
    return is_proof(made, f"{stream} {seq} {last_hash}", purpose=_END)


_END = "end of a sequence"


def digest(entry: JournalEntry) -> str:
    """The SHA-256 of an entry and the hash before it, as hexadecimal."""
    return _digest(*_covered_of(entry))


def _digest(
    prev_hash: str,
    stream: str,
    seq: int,
    event: str,
    at: datetime,
    recorded_at: datetime,
    actor: str,
    subject_id: str,
    data: dict[str, Any],
) -> str:
    when, written = instant_text(at), instant_text(recorded_at)
    if any(value.__class__ is Told for value in data.values()):
        data = {name: value.covered if value.__class__ is Told else value for name, value in data.items()}
    covered = [prev_hash, stream, seq, event, when, written, actor, subject_id, data]
    return hashlib.sha256(_IN_ORDER.encode(covered).encode()).hexdigest()


_IN_ORDER = json.JSONEncoder(sort_keys=True, ensure_ascii=False)


def walk(entries: Iterable[Linked], digest_of: Callable[[Any], str]) -> Iterator[tuple[Linked, list[str]]]:
    """One sequence's entries in order, each with what is wrong with it, in words."""
    before, expected = "", 1
    for entry in entries:
        problems = []
        if entry.seq != expected:
            problems.append(f"entry {expected} of {entry.stream} is missing or out of order")
        if entry.prev_hash != before:
            problems.append(f"entry {entry.seq} of {entry.stream} does not follow the one before it")
        if entry.hash != digest_of(entry):
            problems.append(f"entry {entry.seq} of {entry.stream} was altered")
        before, expected = entry.hash, entry.seq + 1
        yield entry, problems


def verify(entries: Iterable[JournalEntry], *, head: str | None = None) -> list[str]:
    """What is wrong with one stream's entries in order, in words; empty when nothing is."""
    problems, before = [], ""
    for entry, found in walk(entries, digest):
        problems += found
        before = entry.hash
    if head is not None and before != head:
        problems.append("the journal does not end where the record says")
    return problems


def plain(value: Any) -> Any:
    """Facts as JSON keeps them: instants in UTC with microseconds, dates ISO, words as their values."""
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple | set | frozenset):
        items = [plain(v) for v in value]
        return sorted(items) if isinstance(value, set | frozenset) else items
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str):
        return str(value)
    return value


_PLAIN = frozenset({str, int, float, bool, type(None)})


@lru_cache(maxsize=4096)  # what one command records carries the same instant many times
def instant_text(at: datetime) -> str:
    """An instant as hashes and JSON hold it: UTC, with microseconds."""
    in_utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")
