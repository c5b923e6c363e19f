"""Whether this machine's clock is right: PostgreSQL's is asked every few seconds, before anything is written by ours.

A process whose clock is an hour ahead would call people about contacts that are not due yet, and three days ahead would
forget the answers that are kept for a day. So it writes nothing until its clock is right, and others go on. SQLite lies
on the same machine, which has one clock.
"""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from records import clock

MOST_WRONG_SECONDS = 30.0
"""Half of the minute within which a missed contact is noticed; time services keep machines within a second."""
_ASK_EVERY_SECONDS = 5.0
_ASKED = "SELECT extract(epoch FROM clock_timestamp())::float8"


class ClockWrong(SQLAlchemyError):
    """This machine's clock and the database's do not agree; nothing is written until they do."""


class ClockWatch:
    """One process's look at the database's clock."""

    def __init__(self) -> None:
        self._right_at: float | None = None

    def require_right(self, connection: Connection) -> None:
        """Raises ClockWrong when ours is wrong by more than half a minute. Agreement is believed for five seconds."""
        if self._right_at is not None and clock.stopwatch() - self._right_at < _ASK_EVERY_SECONDS:
            return
        before = clock.unix_time()
        driver = connection.connection.driver_connection
        assert driver is not None
        (theirs,) = driver.execute(_ASKED).fetchone()  # by the driver itself: it is no question of the request's
        ahead = before - theirs if before > theirs else min(clock.unix_time() - theirs, 0.0)
        if abs(ahead) > MOST_WRONG_SECONDS:
            raise ClockWrong(
                f"this machine’s clock is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} the"
                " database’s: nothing is written until they agree"
            )
        self._right_at = clock.stopwatch()
