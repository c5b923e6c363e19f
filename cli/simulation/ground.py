"""A database in memory that is the same again for each life: so one life of many can be lived again by itself."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from sqlmodel import SQLModel

from cli.simulation.life import FIRST_DAY
from cli.simulation.world import World, build_world
from records import clock, engine, ids


class Picture:
    """The whole of the open database in memory, as it is now."""

    def __init__(self) -> None:
        self._pages: bytes = _connection().serialize()

    def restore(self) -> None:
        """Put the database back to how it was. No session may be at work."""
        _connection().deserialize(self._pages)


class Ground:
    """The invented program of one seed, in which every life begins as if it were the first."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.source = random.Random(seed)  # noqa: S311 -- chance, not secrecy
        """Where ids are drawn from."""
        clock.set_to(FIRST_DAY - timedelta(days=1))
        ids.use_source(self.source)
        engine.configure("sqlite://")
        SQLModel.metadata.create_all(engine.database().write)
        with engine.lasting_session() as session:
            self.world: World = build_world(session, random.Random(seed))  # noqa: S311 -- chance, not secrecy
            engine.commit(session)
        self._picture = Picture()

    def anew(self, number: int) -> None:
        """Nothing has happened yet, and what life `number` draws depends on nothing but seed and number."""
        self._picture.restore()
        self.source = random.Random(f"{self.seed}:{number}")  # noqa: S311 -- chance, not secrecy
        ids.use_source(self.source)


def _connection() -> Any:
    opened = engine.database().write.raw_connection()
    try:
        return opened.driver_connection
    finally:
        opened.close()
