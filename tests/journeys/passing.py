"""Two ways in which time passes on the real engine: skipped by the server, or in truth by a fast clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol

from records import clock
from records.commands.upkeep import share_clock
from records.engine import read_session, transaction
from records.queries.next_item import find_next_item
from tests.engine.running import Engine, settled, until, whole_system
from tests.engine.watched import Watched

MINUTE = timedelta(minutes=1)
LEG_SECONDS = 3.0
"""How long a leg of the fast clock takes at least, in real seconds, whatever it covers."""


class Passing(Protocol):
    """Time, for one transition."""

    async def to(self, at: datetime) -> None:
        """Let time pass until `at`; what is due on the way has been carried out."""


Times = Callable[[str], AbstractAsyncContextManager[tuple[Engine, Callable[[str], Passing]]]]
"""Given the server's address: the whole system running, and how time passes for a referral."""


@asynccontextmanager
async def skipped(address: str) -> AsyncIterator[tuple[Engine, Callable[[str], Passing]]]:
    """The server skips to each appointment: exact to the second."""
    async with whole_system(address) as engine:
        yield engine, lambda referral_id: Watched(engine, referral_id)


@asynccontextmanager
async def fast(address: str) -> AsyncIterator[tuple[Engine, Callable[[str], Passing]]]:
    """The server keeps real time and the clock runs fast, as in a demonstration: exact to what a machine can do."""
    async with whole_system(address, skipping=False) as engine:
        yield engine, lambda referral_id: Fast(engine, referral_id)


class Fast:
    """A clock that runs fast on the way, and at its own pace where somebody acts."""

    def __init__(self, engine: Engine, referral_id: str) -> None:
        self.engine = engine
        self.referral_id = referral_id

    async def to(self, at: datetime) -> None:
        by = (at - clock.now()).total_seconds()
        assert by > 0, "time does not run backwards"
        self._run(max(1.0, by / LEG_SECONDS))
        await self.engine.start(self.referral_id)  # its timer was set by a slower clock
        await until(lambda: clock.now() >= at and not self._is_something_due(), seconds=30)
        self._run(1.0)
        await settled(self.engine.transition(self.referral_id))

    def _run(self, speed: float) -> None:
        with transaction() as session:
            share_clock(session, speed)

    def _is_something_due(self) -> bool:
        with read_session() as session:
            item = find_next_item(session, self.referral_id)
        return item is not None and item.at <= clock.now()
