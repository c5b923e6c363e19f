"""The one clock. Nothing else in Footbridge reads the time of day.

Three ways to run it: *real* (the default), *set* (tests say what time it is) and *fast* (demonstrations: every real
second counts as many). All instants are aware and in UTC.
"""

from __future__ import annotations

import threading
import time as _time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass
class _State:
    fixed: datetime | None = None
    speed: float = 1.0
    real_anchor: float = 0.0
    anchor: datetime | None = None


_state = _State()
_lock = threading.Lock()


def now() -> datetime:
    """The present moment, aware, UTC, by whichever clock is in force."""
    state = _state
    if state.fixed is not None:
        return state.fixed
    if state.anchor is None:
        return datetime.now(UTC)
    return state.anchor + timedelta(seconds=(_time.time() - state.real_anchor) * state.speed)


def real_seconds_until(at: datetime) -> float:
    """How many seconds of real time pass until the clock shows `at`; negative when it already has."""
    return (at - now()).total_seconds() / (_state.speed if _state.anchor is not None else 1.0)


def stopwatch() -> float:
    """Seconds of real time since some moment, to measure how long work takes, whatever the clock shows."""
    return _time.monotonic()


def set_to(at: datetime) -> None:
    """Stop the clock at `at` (aware). For tests and simulation only."""
    if at.tzinfo is None:
        raise ValueError("the clock is set with an aware instant")
    _state.fixed = at.astimezone(UTC)


def advance(by: timedelta) -> datetime:
    """Move a stopped clock forward and return the new moment."""
    with _lock:
        if _state.fixed is None:
            raise RuntimeError("only a stopped clock is advanced: call set_to first")
        _state.fixed += by
        return _state.fixed


def run_fast(speed: float, *, real_anchor: float, anchor: datetime) -> None:
    """Run `speed` times as fast as real time, from `anchor` at the real Unix time `real_anchor` (seconds).

    Every process that shares a database shares the anchor, so that all see the same time; see `records.engine`.
    """
    if speed <= 0:
        raise ValueError("a clock runs forward: its speed is above zero")
    _state.fixed = None
    _state.speed, _state.real_anchor, _state.anchor = speed, real_anchor, anchor


def run_real() -> None:
    """Back to real time."""
    _state.fixed, _state.anchor, _state.speed = None, None, 1.0


def speed() -> float:
    """Seconds of clock time that pass in one real second."""
    return _state.speed


def settings() -> dict[str, Any]:
    """How the clock runs, as JSON can hold it, for another process that is to follow it."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in vars(_state).items()}


def follow(how: Mapping[str, Any]) -> None:
    """Run as the clock of another process does, whose `settings` these are."""
    at = {name: datetime.fromisoformat(how[name]) if how[name] else None for name in ("fixed", "anchor")}
    vars(_state).update({**how, **at})


def unix_time() -> float:
    """Real Unix time in seconds, for anchors and for measuring how long something took; never for a rule."""
    return _time.time()


@contextmanager
def stopped_at(at: datetime) -> Iterator[None]:
    """The clock stands at `at` within the block; afterwards it is as it was."""
    before = _State(**vars(_state))
    set_to(at)
    try:
        yield
    finally:
        vars(_state).update(vars(before))
