"""The journal's chain and the seals over it, computed anew from what the columns hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from records.sealing import CannotOpen, is_proof, keyring

_TOLD = ("note", "where", "reason", "override_reason")
"""Facts of an entry that may be somebody's own words, and then lie sealed with their salt before them."""
_ABOUT, _SALT, _SEALED = b"journal.data", 32, "c1."
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def written(at: datetime) -> str:
    """An instant as hashes cover it."""
    return at.isoformat(timespec="microseconds")


def hash_of(entry: Any) -> str:
    """The hash that an entry should have. Raises CannotOpen when its words cannot be read."""
    data = entry.data
    for name in _TOLD:
        kept = data.get(name)
        if kept.__class__ is str and kept.startswith(_SEALED):
            opened = keyring().open(kept, _ABOUT)
            salted, words = opened[0] == "+", opened[1:]
            covered = f"told:{hashlib.sha256(words.encode()).hexdigest()}" if salted else words
            data = {**data, name: covered}
    when = written(entry.at)
    recorded = when if entry.recorded_at == entry.at else written(entry.recorded_at)
    covers = [
        entry.prev_hash,
        entry.stream,
        entry.seq,
        entry.event,
        when,
        recorded,
        entry.actor,
        entry.subject_id,
        data,
    ]
    return hashlib.sha256(_encode(covers).encode()).hexdigest()


def chain_problems(entries: Sequence[Any], ends_at: tuple[int, str] | None) -> Iterator[str]:
    """What is wrong with one sequence, in words; `ends_at` is where the record says that it ends."""
    before = ""
    for number, entry in enumerate(entries, 1):
        if entry.seq != number:
            yield f"entry {number} of the journal is missing or out of order"
            return
        if entry.prev_hash != before:
            yield f"entry {number} of the journal does not follow the one before it"
        try:
            is_as_written = hash_of(entry) == entry.hash
        except CannotOpen:
            yield f"entry {number} of the journal does not open"
        else:
            if not is_as_written:
                yield f"entry {number} of the journal was altered"
        before = entry.hash
    if ends_at is not None and ends_at != (len(entries), before):
        yield "the journal does not end where the record says"


def is_proved(proof: str, stream: str, seq: int, last_hash: str) -> bool:
    """Whether this proves that a sequence ends there; nobody can make it without the secret key."""
    return is_proof(proof, f"{stream} {seq} {last_hash}", purpose="end of a sequence")


def seal_digest(before: str, seq: int, at: datetime, streams: Sequence[Sequence[Any]]) -> str:
    """The digest that a seal should have over its sequences: kind, name, number and hash of each."""
    covers = [before, seq, written(at), sorted(list(one) for one in streams)]
    return hashlib.sha256(json.dumps(covers, ensure_ascii=False).encode()).hexdigest()
