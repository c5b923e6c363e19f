"""One of our processes as it is in production, with points at which it can be made to die, or to see another die.

`python -m tests.crash.victim api|worker` runs `footbridge api` or `footbridge worker`. The product knows nothing of the
points: they are put around the functions of it through which every step goes. Nothing happens at a point unless an
order lies in the folder that `CRASH_FOLDER` names, for this role and for this step. Whoever comes to it takes the order
(once: a process that starts again finds none), says so on the folder's socket, and stands still until it is answered
or killed. See `tests/crash/orders.py`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from temporalio import activity
from temporalio.bridge.worker import Worker as Bridge

from records import clock, journal
from records.writing import WritingSession
from tests.crash.orders import ANSWERED, BEFORE, LOST, ORDER, SOCKET, WRITTEN, Order
from tests.crash.wal import frames_of, wal_of
from workflows.activities import catch_up
from workflows.gateways.sms import SmsGateway

FOLDER = "CRASH_FOLDER"
SLOW, READ_ONLY, SHIFT = "slow", "read-only", "clock-shift"
"""Names of files; the last with the role behind a dot."""
SLOW_SECONDS = 0.3
_RECORDED = "crash_recorded"


class Points:
    """Where this process stands still when it is told to."""

    def __init__(self, folder: Path, role: str) -> None:
        self._folder, self._role = folder, role
        self._unanswered: tuple[Order, str] | None = None

    def take(self, events: set[tuple[str, str]], at: str = "") -> Order | None:
        """The order, when it is for this role and one of these events; nobody else gets it."""
        path = self._folder / ORDER
        try:
            order = Order.read(path)
        except FileNotFoundError:
            return None
        if order.role != self._role or not order.is_about(events) or (at and at != order.at):
            return None
        try:
            path.unlink()
        except FileNotFoundError:
            return None
        return order

    def reach(self, **more: Any) -> str:
        """Say that the point is reached; returns what is answered, if this process lives to hear it."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._folder / SOCKET))
            line.sendall(repr(more).encode() + b"\n")
            return line.recv(100).decode()

    def answer_follows(self, order: Order) -> None:
        """The next point is when the answer to this step has been given."""
        run = activity.info().workflow_run_id if activity.in_activity() else ""
        self._unanswered = order, run or ""

    def answered(self, *, key: str = "", run: str = "") -> None:
        """An answer was given; the point is reached when it was that of the step."""
        if self._unanswered is None:
            return
        order, its_run = self._unanswered
        if (order.key and order.key == key) or (not order.key and run and (run == its_run or not its_run)):
            self._unanswered = None
            self.reach()


def _put(where: Any, name: str, ours: Any) -> None:
    """Ours in the place of theirs, from now on."""
    setattr(where, name, ours)


def around_commits(points: Points) -> None:
    """Before and after the commit of the transaction that records the step."""
    append, commit = journal.append, WritingSession.commit

    def noted(session: Any, referral: Any, name: str, **more: Any) -> None:
        append(session, referral, name, **more)
        session.info.setdefault(_RECORDED, set()).add((name, referral.id))

    def committed(session: WritingSession) -> None:
        events = session.info.pop(_RECORDED, None)
        order = points.take(events) if events else None
        if order is None:
            commit(session)
            return
        if order.at == BEFORE and not order.torn:
            points.reach()
        if order.torn:  # the power fails while it is written: see tests/crash/wal.py
            session.connection().exec_driver_sql("PRAGMA wal_autocheckpoint = 0")
            points.reach()  # others stop writing: what they were told is on the disk would be torn with it
            path = wal_of(str(session.get_bind().engine.url.database))
            kept, salt = frames_of(path)
            commit(session)
            points.reach(kept=kept, salt=salt)
            return
        commit(session)
        if order.at == WRITTEN and points.reach() == LOST:
            lost = psycopg.OperationalError("server closed the connection unexpectedly")
            raise OperationalError("COMMIT", None, lost)
        if order.at == ANSWERED:
            points.answer_follows(order)

    _put(journal, "append", noted)
    _put(WritingSession, "commit", committed)


def around_answers_of_the_worker(points: Points) -> None:
    """After Temporal has taken what came of a workflow task, or of an activity that is not a local one."""
    done, finished = Bridge.complete_workflow_activation, Bridge.complete_activity_task

    async def complete_workflow_activation(self: Bridge, completion: Any) -> None:
        await done(self, completion)
        points.answered(run=completion.run_id)

    async def complete_activity_task(self: Bridge, completion: Any) -> None:
        await finished(self, completion)
        if completion.task_token in _regular:
            _regular.discard(completion.task_token)
            points.answered(run="regular")

    _put(Bridge, "complete_workflow_activation", complete_workflow_activation)
    _put(Bridge, "complete_activity_task", complete_activity_task)


_regular: set[bytes] = set()


def around_sending(points: Points) -> None:
    """Before a text is handed to the gateway, after the gateway took it, after Temporal heard that it is sent."""
    send = SmsGateway.send

    def sent(self: SmsGateway, key: str, to: str, subject: str, body: str) -> str:
        order = points.take({("message.sent", "")})
        if order is not None and order.at == BEFORE:
            points.reach()
        provider_id = send(self, key, to, subject, body)
        if order is not None and order.at == WRITTEN:
            points.reach()
        if order is not None and order.at == ANSWERED:
            _after_this_activity(points)
        return provider_id

    _put(SmsGateway, "send", sent)


def around_upkeep(points: Points) -> None:
    """Before upkeep begins, after it has told everybody and before it says so, after Temporal heard of it."""
    keep, finish = catch_up._keep_absences, catch_up._finish

    def kept() -> None:
        if points.take({("upkeep", "")}, at=BEFORE) is not None:
            points.reach()
        keep()

    def ended(run: str) -> None:
        finish(run)
        if points.take({("upkeep", "")}, at=WRITTEN) is not None:
            points.reach()
        if points.take({("upkeep", "")}, at=ANSWERED) is not None:
            _after_this_activity(points)

    _put(catch_up, "_keep_absences", kept)
    _put(catch_up, "_finish", ended)


def _after_this_activity(points: Points) -> None:
    _regular.add(activity.info().task_token)
    points._unanswered = Order("worker", ANSWERED, ""), "regular"


def around_responses(app: Any, points: Points) -> Any:
    """After the last byte of an answer was handed to the connection."""

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        key = dict(scope.get("headers") or ()).get(b"idempotency-key", b"").decode()

        async def sent(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body") and key:
                await asyncio.sleep(0)
                points.answered(key=key)

        await app(scope, receive, sent)

    return asgi


def under_conditions(folder: Path, role: str) -> None:
    """While files lie in the folder, each transaction of this process begins late, may not write (SQLite), or finds the
    clock wrong by what the file says, in seconds."""
    real, shift = clock.unix_time, 0.0

    def begun(connection: Connection) -> None:
        nonlocal shift
        if (folder / SLOW).exists():
            time.sleep(SLOW_SECONDS)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA query_only = {int((folder / READ_ONLY).exists())}")
        try:
            wanted = float((folder / f"{SHIFT}.{role}").read_text() or 0)
        except FileNotFoundError:
            wanted = 0.0
        if wanted != shift:
            shift = wanted
            here = datetime.fromtimestamp(real(), UTC)
            clock.run_fast(1.0, real_anchor=real(), anchor=here + timedelta(seconds=shift))
            clock.unix_time = lambda: real() + shift

    event.listen(Engine, "begin", begun)


def run(role: str) -> None:
    """Be that process, until killed."""
    folder = Path(os.environ[FOLDER])
    points = Points(folder, role)
    around_commits(points)
    under_conditions(folder, role)
    from cli import main

    if role == "api":
        from api import app

        create_app = app.create_app

        def create(*args: Any, **more: Any) -> Any:
            return around_responses(create_app(*args, **more), points)

        _put(app, "create_app", create)
    else:
        around_answers_of_the_worker(points)
        around_sending(points)
        around_upkeep(points)
    sys.argv = ["footbridge", role]
    main.main()


if __name__ == "__main__":
    run(sys.argv[1])
