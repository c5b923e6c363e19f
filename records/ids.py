"""Opaque identifiers: sorted by time, naming nobody, safe in URLs, logs and Temporal."""

from __future__ import annotations

import random
import threading

from records import clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_source: random.Random = random.SystemRandom()
_lock = threading.Lock()


def use_source(source: random.Random) -> None:
    """Draw from `source` from now on: a simulation with a seed gives the same identifiers each time."""
    global _source
    _source = source


def new_id(prefix: str) -> str:
    """An identifier such as `ref_01ja3k…`: 48 bits of milliseconds and 60 random ones, in Crockford's base 32."""
    with _lock:
        value = (int(clock.now().timestamp() * 1000) << 60) | _source.getrandbits(60)
    out = []
    for _ in range(11):
        out.append(_PAIRS[value & 1023])
        value >>= 10
    return f"{prefix}_{''.join(reversed(out))}"
