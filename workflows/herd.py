"""Many appointments at one moment: carried out from the records, the gravest first, whoever's timer fires first.

Temporal hands out timers of one moment in no order that means anything, and takes longer to wake ten thousand workflows
than we to carry out what they wait for. So whoever wakes and finds a herd due sets this going and sleeps on; a thread
takes what is due in the order of `records.queries.due`, many in one transaction, with pauses in which pages and filing
come to their turn. Nothing depends on it: it holds no state, and what it leaves undone each workflow does by itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from zlib import crc32

from sqlmodel import Session

from records import clock, engine
from records.commands import agenda
from records.queries.due import count_due, list_due, take_due
from records.turns import together

HERD = 64
"""So many due at once are a herd. Fewer are carried out each by its own workflow, within a second or two."""
LONGEST_SLEEP = 45.0
"""Seconds after which whoever sleeps on asks again: within upkeep's minute, and seldom enough to be no load."""
_FEWEST, _MOST = 4, 32  # in one transaction, as many as take so long: nobody else can write to SQLite meanwhile
_SECONDS = 0.2
_LOOK_AGAIN = 480  # after so many, somebody graver who fell due since comes first
_AWAITED_A_SECOND = 50.0  # what is carried out on two cores: only the sleep of whoever sleeps on depends on it

_log = logging.getLogger(__name__)


class Herd:
    """What is due at once, seen to by one thread of this process while there is `least` of it or more."""

    def __init__(self, least: int = HERD) -> None:
        self._least = least
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._set_aside: set[str] = set()
        self._at_once = _FEWEST

    def takes(self, session: Session, referral_id: str) -> bool:
        """Whether this referral, which is due, is seen to with the herd; sets that going. When few are due, and for
        what could not be done with the others, it is for the referral's own workflow."""
        if referral_id in self._set_aside or count_due(session, self._least) < self._least:
            return False
        return self.see_to_it()

    def see_to_it(self) -> bool:
        """Carry out whatever is due, however little, in the thread; whether it was set going. For a worker that begins
        and for upkeep: what was on its way to a worker that died reaches another only after a while."""
        with self._lock:
            if self._closing.is_set():
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="herd", daemon=True)
                self._thread.start()
        return True

    def close(self, within_seconds: float = 5.0) -> None:
        """Finish the transaction under way and stop; whoever is still due is seen to by another worker."""
        with self._lock:
            self._closing.set()
            thread = self._thread
        if thread is not None:
            thread.join(within_seconds)

    def _work(self) -> None:
        try:
            while self._see_to_the_gravest():
                pass
        except Exception:
            _log.exception("the herd is left to each workflow")
        finally:
            with self._lock:
                self._thread = None

    def _see_to_the_gravest(self) -> bool:
        """Carry out the next few hundred; whether anything was."""
        with engine.read_session() as session:
            due = [one for one in list_due(session) if one not in self._set_aside][:_LOOK_AGAIN]
        done = 0
        while due:
            some, due = due[: self._at_once], due[self._at_once :]
            began = clock.stopwatch()
            answers = together([_carrying_out(one) for one in some])
            self._keep_pace(len(some) * _SECONDS / max(clock.stopwatch() - began, 0.001))
            done += answers.count(True)
            self._set_aside_what_fails(some, answers)
            if self._closing.wait(0 if engine.writers_lock() is None else engine.Slices.LET_IN):
                return False
        return done > 0

    def _keep_pace(self, fit: float) -> None:
        """So many would have fitted into the time of one transaction; grow by half at most."""
        self._at_once = max(_FEWEST, min(_MOST, round(fit), self._at_once * 3 // 2))

    def _set_aside_what_fails(self, some: list[str], answers: list[bool | Exception]) -> None:
        """One that cannot be done is left to its own workflow, which tries for ever and shows it. Raises the error when
        nothing can be done: then it is not this one's."""
        failed = {one: answer for one, answer in zip(some, answers, strict=True) if isinstance(answer, Exception)}
        if failed and len(failed) == len(some) > 1:
            raise next(iter(failed.values()))
        for one, error in failed.items():
            _log.warning("%s could not be carried out with the herd: %s", one, type(error).__name__)
        self._set_aside.update(failed)


def sleep_on(session: Session, referral_id: str) -> float:
    """After how many seconds to ask again: it is done by then, most likely, and not everybody asks in one second."""
    ahead = count_due(session, round(LONGEST_SLEEP * _AWAITED_A_SECOND)) / _AWAITED_A_SECOND
    spread = crc32(referral_id.encode()) / 2**32
    return min(5.0 + ahead, LONGEST_SLEEP) * (1 + spread) / 2


def _carrying_out(referral_id: str) -> Callable[[Session], bool]:
    def work(session: Session) -> bool:
        if not take_due(session, referral_id):
            return False
        item = agenda.carry_out(session, referral_id)
        if item is None or clock.real_seconds_until(item.at) < LONGEST_SLEEP:  # its workflow may sleep longer
            engine.leave_word(session, nudge=referral_id)
        return True

    return work
