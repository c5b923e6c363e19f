"""What was refused, as lines of the log: whoever watches it sees tries at what is not theirs (ASVS 16.3.2, 16.3.3).

    refused status=403 code=not_allowed method=POST route=/referrals/{referral_id}/close by=stf_… reference=… unsaid=0

An account by its id, an address as its pattern, a refusal by its code: no names, nothing that was sent, no network
address. So many lines a minute for one account and code, and for all together: nobody floods the log. What was left
out is told with the next line. Moves that a state does not allow, or that somebody else made first, are everyday work.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from fastapi import Request

from api.measuring import METHODS
from api.pace import Pace
from records import clock

OF_ONE, OF_ALL = 10, 300
"""Lines a minute: of one account and code, and of everybody together."""
NOTED = frozenset({400, 401, 403, 404, 413, 415, 422, 429})
_log = logging.getLogger("footbridge.refused")


class Refusals:
    """The bound of one application: `app.state.refusals`."""

    def __init__(self, stopwatch: Callable[[], float] = clock.stopwatch) -> None:
        self._of_one, self._of_all = Pace(OF_ONE, stopwatch), Pace(OF_ALL, stopwatch)
        self._unsaid, self._lock = 0, threading.Lock()

    def note(self, request: Request, status: int, code: str) -> None:
        """Write one line, unless there were too many of its like."""
        by = getattr(request.state, "asker", "-")
        if self._of_one.wait(f"{by} {code}") or self._of_all.wait(""):
            with self._lock:
                self._unsaid += 1
            return
        with self._lock:
            unsaid, self._unsaid = self._unsaid, 0
        _log.warning(
            "refused status=%s code=%s method=%s route=%s by=%s reference=%s unsaid=%s",
            status, code, request.method if request.method in METHODS else "other",
            getattr(request.scope.get("route"), "path", "-"), by,
            getattr(request.state, "request_id", "-"), unsaid,
        )  # fmt: skip


def note(request: Request, status: int, code: str) -> None:
    """Write down that this was refused, if it is of note."""
    if status in NOTED:
        request.app.state.refusals.note(request, status, code)
