"""The world of each database, built once and copied; and what the application answers in it, asked once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from records import clock, engine
from tests.access.asking import Asked, open_world
from tests.access.world import World, build_world
from tests.support import databases

Built = tuple[World, str | Path]


@pytest.fixture(scope="session")
def _worlds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """The world on a kind of database, and where it is kept: a file to copy, or the name of a database."""
    built: dict[str, Built] = {}

    def world_on(kind: str) -> Built:
        if kind not in built:
            if kind == "sqlite":
                folder = tmp_path_factory.mktemp("world")
                url = databases.sqlite_copy(request.getfixturevalue("_sqlite_template"), folder)
                built[kind] = _build(url), folder / "footbridge.sqlite3"
            else:
                server = request.getfixturevalue("postgres")
                name = databases.postgres_world(server, request.getfixturevalue("_postgres_template"))
                built[kind] = _build(server.url(name)), name
        return built[kind]

    return world_on


def _build(url: str) -> World:
    engine.configure(url)
    try:
        with clock.stopped_at(clock.now()):
            return build_world()
    finally:
        engine.dispose()


@pytest.fixture
def asked(
    database_kind: str, _worlds: Callable[[str], Built], request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Asked]:
    """The application over a copy of the world that forgets what each request changes."""
    world, kept = _worlds(database_kind)
    if database_kind == "sqlite":
        shutil.copyfile(kept, tmp_path / "world.sqlite3")
        with _opened(f"sqlite:///{tmp_path / 'world.sqlite3'}", world) as asked:
            yield asked
    else:
        server = request.getfixturevalue("postgres")
        with databases.postgres_copy(server, str(kept)) as url, _opened(url, world) as asked:
            yield asked


@contextmanager
def _opened(url: str, world: World) -> Iterator[Asked]:
    engine.configure(url)
    try:
        with clock.stopped_at(world.now):
            yield open_world(world)
    finally:
        engine.dispose()
