"""The demonstration program behind a real web server, at one moment: what the browser tests and the pictures visit."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from api.app import create_app
from cli.welcome import seed_demonstration
from records import clock, engine
from records.settings import Settings
from tests.support import databases

NOW = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
"""A Tuesday, ten in the morning in New York. The clock stands still, so that every walk finds the same day."""


def seeded(folder: Path) -> Path:
    """A migrated SQLite file with the demonstration in it, to copy; a few seconds."""
    path = databases.sqlite_template(folder)
    engine.configure(f"sqlite:///{path}")
    try:
        with clock.stopped_at(NOW):
            assert seed_demonstration()
    finally:
        engine.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@contextmanager
def house(template: Path, folder: Path) -> Iterator[str]:
    """The application on a copy of its own and a free port; the value is its address. No Temporal answers it."""
    path = folder / "footbridge.sqlite3"
    shutil.copyfile(template, path)
    settings = Settings(environment="demonstration", data_dir=folder, database_url=f"sqlite:///{path}")
    engine.configure(settings.sqlalchemy_url())
    clock.set_to(NOW)
    try:
        with _nobody_for_temporal(), _served(settings) as address:
            yield address
    finally:
        clock.run_real()
        engine.dispose()


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started, "the web server did not start"
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the web server did not stop"


@contextmanager
def _nobody_for_temporal() -> Iterator[None]:
    """What the pages do, they do while the engine is away; word of it waits. An address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    ours = {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}", "TEMPORAL_CONFIG_FILE": os.devnull}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
