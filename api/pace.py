"""How often one account may ask: enough for anybody at work, too little for whoever copies or floods.

Kept in this process's memory and written nowhere, so it costs a request a microsecond; with several web servers each
counts for itself. By account, never by address: a whole hospital behind one address is many accounts. The generic cell
rate algorithm: what is allowed in a minute may come at once, and comes back evenly. Time is real, whatever the clock
shows. Nothing is counted before the records have said who it is, so nobody uses up what is another's; who has used up
theirs is turned away for a second or more without asking the records again. What cannot be read is refused before that,
and counted by its session or token, as often as what can.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable

from fastapi import Request

from domain.errors import Refusal
from records import clock
from records.settings import Settings

MINUTE = 60.0
MOST_KEPT = 10_000
"""Entries before those that say nothing any more are thrown away."""


class TooOften(Refusal):
    """Somebody who is signed in asked too often. `wait`: whole seconds until it is worth asking again."""

    status = 429

    def __init__(self, wait: int) -> None:
        seconds = "a second" if wait == 1 else f"{wait} seconds"
        super().__init__(
            "too_often",
            f"This account asked too often within a minute. Nothing was done. Wait {seconds}, then repeat it.",
        )
        self.wait = wait


class Pace:
    """So many a minute for each key; those of one minute may come at once."""

    def __init__(self, a_minute: int, stopwatch: Callable[[], float] = clock.stopwatch) -> None:
        self._step = MINUTE / a_minute
        self._stopwatch = stopwatch
        self._used_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Count one. 0: it may pass; otherwise the seconds until one may, and it was not counted."""
        now = self._stopwatch()
        with self._lock:
            used_until = max(self._used_until.get(key, now), now) + self._step
            if used_until - now > MINUTE + self._step / 2:  # half a step: sums of fractions are not exact
                return used_until - now - MINUTE
            self._used_until[key] = used_until
            if len(self._used_until) > MOST_KEPT:
                self._used_until = {kept: until for kept, until in self._used_until.items() if until > now}
        return 0.0


class Paces:
    """The limits of one application: `app.state.paces`."""

    def __init__(self, settings: Settings, stopwatch: Callable[[], float] = clock.stopwatch) -> None:
        self._people = Pace(settings.person_requests_a_minute, stopwatch)
        self._systems = Pace(settings.system_requests_a_minute, stopwatch)
        self._stopwatch = stopwatch
        self._turned_away: dict[bytes, float] = {}

    def turn_away(self, credential: str) -> None:
        """Before the records are asked anything. Raises TooOften while this session or token must wait."""
        until = self._turned_away.get(_digest(credential)) if self._turned_away else None
        if until is None:
            return
        left = until - self._stopwatch()
        if left <= 0:
            self._turned_away.pop(_digest(credential), None)
            return
        raise TooOften(math.ceil(left))

    def count(self, account: str, credential: str, *, is_system: bool) -> None:
        """One request of an account, by this session or token. Raises TooOften."""
        wait = (self._systems if is_system else self._people).wait(account)
        if not wait:
            return
        whole = math.ceil(wait)
        if len(self._turned_away) >= MOST_KEPT:
            self._turned_away.clear()  # they are counted again, and turned away again
        self._turned_away[_digest(credential)] = self._stopwatch() + whole
        raise TooOften(whole)

    def count_unread(self, credential: str, *, is_system: bool) -> None:
        """A request that could not be read, so that nobody asked whose session or token it is. Raises TooOften."""
        if credential:
            self.turn_away(credential)
            self.count(f"unread {_digest(credential).hex()}", credential, is_system=is_system)


def paces_of(request: Request) -> Paces:
    """The limits of the application that serves this."""
    paces: Paces = request.app.state.paces
    return paces


def _digest(credential: str) -> bytes:
    """No token lies about in memory."""
    return hashlib.sha256(credential.encode()).digest()
