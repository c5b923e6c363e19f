"""Copies of records in SQLite: taken with its online backup while everybody writes, put in place by one rename."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlmodel import Session, create_engine

from cli.copies import Moment, moment_of
from cli.opening import Stop
from records import clock, engine, migrate


def path_of(url: str) -> Path:
    """The file of a database. Raises Stop for one in memory."""
    name = make_url(url).database
    if not name or name == ":memory:":
        raise Stop("Records in memory cannot be backed up.")
    return Path(name)


def copy_out(url: str, data: Path) -> Moment:
    """Copy one moment of the database into `data`, while it is used; what it says is read from the copy."""
    with closing(sqlite3.connect(f"file:{path_of(url)}?mode=ro", uri=True)) as source:
        at = clock.now()  # before the moment that is copied: everything acknowledged until now is in it
        with closing(sqlite3.connect(data)) as target:
            source.backup(target)  # in one step: a moment, and nobody who writes waits
    _make_whole(data)
    copied = create_engine(f"sqlite:///{data}")
    try:
        with Session(copied) as session:
            return moment_of(session, at, migrate.current(f"sqlite:///{data}") or "")
    finally:
        copied.dispose()
        _make_whole(data)


def put_in_place(data: Path, url: str, *, replace: bool, prepare: Callable[[str], None]) -> Path | None:
    """Put the copy where the database is, or was. `prepare` gets the URL of the new file before it is in place.

    Returns where the former one is kept, if there was one. Raises Stop when one is there and must not be replaced, or
    is in use.
    """
    target = path_of(url)
    if target.exists() and not replace:
        raise Stop(f"There are records in {target}. To put the backup in their place (they are kept): --replace")
    _require_unused(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_name(f".{target.name}.restoring")
    for old in (making, *_beside(making)):
        old.unlink(missing_ok=True)
    making.touch(mode=0o600)
    shutil.copyfile(data, making)
    try:
        prepare(f"sqlite:///{making}")
    finally:
        engine.dispose()
    _make_whole(making)
    kept = None
    if target.exists():
        kept = target.with_name(f"{target.name}.before-{clock.now():%Y%m%dT%H%M%SZ}")
        os.link(target, kept)  # and not moved: a process that finds no records begins with empty ones
        for one in _beside(target):
            one.unlink(missing_ok=True)
    making.replace(target)
    handle = os.open(target.parent, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    return kept


def undo_unfinished(url: str) -> None:
    """Nothing: one that was not finished left a hidden file, made anew by the next, and the records as they were."""


def _require_unused(target: Path) -> None:
    """Nobody else has the file open, and what its log holds is in it. Raises Stop."""
    if not target.exists():
        return
    with closing(sqlite3.connect(target, timeout=2, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            raise Stop("The records are in use. Stop the web servers and workers, and run it again.") from error
        except sqlite3.DatabaseError:
            return  # it is broken: that is why it is replaced


def _make_whole(path: Path) -> None:
    """One file without a log beside it, checked by SQLite itself and on the disk. Raises Stop."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
    if said != "ok" or orphans is not None:
        raise Stop(f"The copy is not whole ({said}). Look after the disk, and take another backup.")
    for one in _beside(path):
        one.unlink(missing_ok=True)
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _beside(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))
