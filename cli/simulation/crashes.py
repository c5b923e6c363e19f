"""A process that dies in the middle: an exception at a chosen statement, or at the commit, of the open database.

To the database a crash is a transaction that nobody commits; whatever the process held in memory is gone with it. So
whoever catches `Crash` throws its session away and begins again from the records.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from records import engine

AT_COMMIT = 0
"""Instead of the number of a statement: everything is written, and nothing committed."""


class Crash(Exception):
    """The process ended here. An Exception all the same: at anything above it SQLAlchemy lets go of the connection, and
    with it of a database in memory."""


@contextmanager
def crash_at(statement: int) -> Iterator[None]:
    """Within the block the process dies before its n-th statement (from 1), or before it commits when there are fewer,
    or with `AT_COMMIT`. Raises Crash."""
    write, left = engine.database().write, statement

    def before_statement(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Crash

    def before_commit(_: Connection) -> None:
        raise Crash

    if statement != AT_COMMIT:
        event.listen(write, "before_cursor_execute", before_statement)
    event.listen(write, "commit", before_commit)
    try:
        yield
    finally:
        if statement != AT_COMMIT:
            event.remove(write, "before_cursor_execute", before_statement)
        event.remove(write, "commit", before_commit)
