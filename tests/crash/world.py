"""The running system: database, Temporal, API, worker, a gateway for texts; each can be killed and started again."""

from __future__ import annotations

import ast
import asyncio
import os
import queue
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

import httpx
from sqlalchemy import text
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from cli.local_postgres import PostgresServer, postgres_files, start_postgres, stop_postgres
from cli.processes import free_port, spawn, stop
from cli.temporal_server import TemporalServer
from records import engine, migrate
from records.settings import get_settings
from tests.crash import victim as launcher
from tests.crash.nursery import Nursery
from tests.crash.orders import GO, ORDER, SOCKET
from tests.crash.program import Cast, set_up
from tests.crash.sink import Sink, sink
from tests.crash.wal import tear, wal_of
from workflows import names
from workflows.transition import TransitionWorkflow

Kind = Literal["sqlite", "postgresql"]
API, WORKER, TEMPORAL, DATABASE = "API", "worker", "Temporal", "database"
VICTIMS = (API, WORKER, TEMPORAL, DATABASE)
READY_WITHIN = 90.0
_PROBES = 6


class Broken(Exception):
    """Something did not come about that should have; not a promise that does not hold."""


@dataclass
class Reached:
    """A process stands at the point."""

    line: socket.socket
    more: dict[str, Any]

    def answer(self, word: str) -> None:
        """Let it go on; one that was killed does not hear it."""
        try:
            self.line.sendall(word.encode())
        except OSError:
            pass
        finally:
            self.line.close()


class World:
    """One of everything, on one kind of database. `fresh`: processes begin in new interpreters, as in production."""

    def __init__(
        self, kind: Kind, folder: Path, nursery: Nursery, gateway: Sink, files: PostgresServer | None, *, fresh: bool
    ) -> None:
        self.kind, self.folder, self.fresh, self.sink = kind, folder, fresh, gateway
        self._nursery, self.files = nursery, files
        self.records_dir = folder / "records"
        self.records_dir.mkdir(exist_ok=True)
        self.temporal_server = TemporalServer(folder / "temporal", free_port())
        self.temporal_server.data_dir.mkdir(exist_ok=True)
        self.temporal_address = self.temporal_server.address
        self.port = free_port()
        self.pids: dict[str, int] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._reached: queue.Queue[Reached] = queue.Queue()
        self.loop = asyncio.new_event_loop()
        self._client: Client | None = None
        self.url = f"sqlite:///{self.records_dir / 'footbridge.sqlite3'}" if files is None else files.url("footbridge")
        self.url_of_processes = self.url
        self.cast = Cast()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=15)
        self.secret = secrets.token_hex(32)
        self.over: list[str] = []

    # --- starting and ending

    def open(self) -> None:
        """Start everything, and write the program into the records."""
        threading.Thread(target=self._listen, args=(self._bound(),), daemon=True).start()
        self.start(TEMPORAL)
        if self.files is not None:
            self.start(DATABASE)
            self.files.execute("CREATE DATABASE footbridge")
        migrate.upgrade(self.url)
        with self.records():
            self.cast = set_up()
        self.start(API)
        self.start(WORKER)
        self.until(self.is_ready, READY_WITHIN, "the API did not become ready")
        self._prepare_probes()
        self.answering()

    def close(self) -> None:
        """End everything."""
        for who in (API, WORKER):
            if who in self.pids:
                self._nursery.send(self.pids[who], signal.SIGCONT)
                self._nursery.send(self.pids[who], signal.SIGKILL)
        if TEMPORAL in self._processes:
            stop(self._processes[TEMPORAL], within_seconds=5)
        if DATABASE in self._processes:
            stop_postgres(self._processes[DATABASE])
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.http.close()

    def start(self, who: str) -> None:
        """Start one that does not run. The Temporal server and PostgreSQL answer when this returns."""
        if who in (API, WORKER):
            role = who.lower()
            log = self.folder / f"{role}.log"
            self.pids[who] = self._nursery.start(role, self.environment(who), log, fresh=self.fresh)
        elif who == TEMPORAL:
            process = self._processes[who] = spawn(self.temporal_server.argv(), log=self.temporal_server.log)
            self.temporal_server.wait_until_serving(process)
        elif self.files is not None:
            self._processes[who] = start_postgres(self.files, durable=True)
        else:  # a power failure ended whoever had the file open
            self.start(API)
            self.start(WORKER)

    def kill(self, who: str, reached: Reached | None = None, chance: Random | None = None) -> None:
        """SIGKILL; when this returns it is dead. SQLite is killed as by a power failure: whoever has it open dies, and
        what was being written is torn."""
        if who in (API, WORKER):
            self._nursery.send(self.pids[who], signal.SIGKILL)
        elif who == TEMPORAL:
            os.killpg(self._processes[who].pid, signal.SIGKILL)
            self._processes[who].wait()
        elif self.files is not None:
            _kill_with_children(self._processes[who])
        else:
            self.kill(API)
            self.kill(WORKER)
            if reached is not None and chance is not None and "salt" in reached.more:
                database = self.url.removeprefix("sqlite:///")
                tear(wal_of(database), reached.more["kept"], reached.more["salt"], chance)

    def signal(self, who: str, number: int) -> None:
        """Send a signal to the API, the worker or Temporal."""
        if who in (API, WORKER):
            self._nursery.send(self.pids[who], number)
        else:
            os.killpg(self._processes[who].pid, number)

    def is_alive(self, who: str) -> bool:
        """Whether its process runs."""
        if who in (API, WORKER):
            return self._nursery.is_alive(self.pids[who])
        return self._processes[who].poll() is None

    def start_the_dead(self) -> None:
        """Start whatever does not run, as the supervisor of production does."""
        for who in (TEMPORAL, DATABASE, API, WORKER):
            if (who != DATABASE or self.files is not None) and not self.is_alive(who):
                self.start(who)

    def environment(self, who: str = "") -> dict[str, str]:
        """What a process of ours is told."""
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "FOOTBRIDGE_"))}
        return mine | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "FOOTBRIDGE_DATABASE_URL": self.url_of_processes if who else self.url,
            "FOOTBRIDGE_DATA_DIR": str(self.folder),
            "FOOTBRIDGE_PORT": str(self.port),
            "FOOTBRIDGE_SECRET_KEY": self.secret,
            "FOOTBRIDGE_SMS_GATEWAY": "http",
            "FOOTBRIDGE_SMS_URL": self.sink.url,
            "FOOTBRIDGE_SMS_ACCOUNT": "AC1",
            "FOOTBRIDGE_SMS_TOKEN": "invented",
            "FOOTBRIDGE_SMS_FROM": "+12025550199",
            "FOOTBRIDGE_INTERNAL_HOSTS": "127.0.0.1",
            launcher.FOLDER: str(self.folder),
        }  # fmt: skip

    # --- points

    def await_point(self, seconds: float) -> Reached:
        """Wait until a process stands at the point that was ordered. Raises Broken."""
        try:
            return self._reached.get(timeout=seconds)
        except queue.Empty:
            (self.folder / ORDER).unlink(missing_ok=True)
            raise Broken(f"the point was not reached within {seconds:g} s") from None

    def alone_with(self, role: str, reached: Reached) -> Reached:
        """Stop the other process that has the records open, until the one at the point has come to the next."""
        self.signal(API if role == WORKER else WORKER, signal.SIGSTOP)
        reached.answer(GO)
        return self.await_point(10)

    def _bound(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / SOCKET))
        listener.listen()
        return listener

    def _listen(self, listener: socket.socket) -> None:
        while True:
            line, _ = listener.accept()
            with line.makefile() as said:
                self._reached.put(Reached(line, ast.literal_eval(said.readline())))

    # --- whether it answers

    def is_ready(self) -> bool:
        """Whether the API answers and reaches the records."""
        try:
            return self.http.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def answering(self) -> None:
        """Wait until the API answers, and the worker does what it is asked by Temporal. Raises Broken."""
        self.until(self.is_ready, READY_WITHIN, "the API does not answer")
        self.until(self._worker_answers, READY_WITHIN, "the worker does not answer")

    def _worker_answers(self) -> bool:
        """Whether the transition of somebody whose case is over is carried to its end: it asks the records once.

        Each time it is another's: one that was handed to a dying worker is given to the next only ten seconds later.
        """
        self.over.append(self.over.pop(0))
        try:
            self.in_temporal(self._probe, 3)
        except (RPCError, TimeoutError, RuntimeError, OSError):
            return False
        return True

    async def _probe(self, client: Client) -> None:
        over = self.over[0]
        handle = await client.start_workflow(
            TransitionWorkflow.run,
            over,
            id=names.transition_id(over),
            task_queue=names.TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        await handle.result()

    def _prepare_probes(self) -> None:
        """Referrals that are over and told."""
        for number in range(_PROBES):
            filed = self.http.post(
                "/referrals",
                headers=self.as_("planner"),
                json={
                    "setting": "psychiatric_inpatient",
                    "consent": "given",
                    "person": {"given_name": f"Over{number}", "family_name": "Already", "birth_on": "1980-01-01"},
                },
            ).json()
            self.over.append(filed["id"])
            cancel = f"/referrals/{filed['id']}/cancel"
            said = self.http.post(cancel, headers=self.as_("planner"), json={"reason": "A test."})
            if said.status_code != 200:
                raise Broken(said.text)
        waits = "SELECT count(*) FROM referral WHERE next_at IS NOT NULL"
        self.until(lambda: self.ask(waits) == 0, 30, "they are not over")

    def as_(self, who: str) -> dict[str, str]:
        """The headers of a member of staff."""
        return {"Authorization": f"Bearer {self.cast.tokens[who]}"}

    # --- Temporal and the records

    def in_temporal(self, call: Callable[[Client], Any], seconds: float) -> Any:
        """Do this with a client. Raises what it raises, and TimeoutError."""

        async def with_client() -> Any:
            async with asyncio.timeout(seconds):
                if self._client is None:
                    self._client = await Client.connect(self.temporal_server.address)
                return await call(self._client)

        done: Future[Any] = asyncio.run_coroutine_threadsafe(with_client(), self.loop)
        return done.result(seconds + 5)

    def trigger_upkeep(self) -> None:
        """Have upkeep run now, and not only at the next minute."""

        async def trigger(client: Client) -> None:
            await client.get_schedule_handle(names.UPKEEP_SCHEDULE).trigger()

        self.until(lambda: _went_well(lambda: self.in_temporal(trigger, 5)), 30, "upkeep could not be triggered")

    @contextmanager
    def records(self) -> Iterator[None]:
        """The records are open for this process within the block, with the same secret key; nothing is kept open."""
        before = os.environ.get("FOOTBRIDGE_SECRET_KEY")
        os.environ["FOOTBRIDGE_SECRET_KEY"] = self.secret
        get_settings.cache_clear()
        engine.configure(self.url, pool_size=2)
        try:
            yield
        finally:
            engine.dispose()
            os.environ.pop("FOOTBRIDGE_SECRET_KEY")
            if before is not None:
                os.environ["FOOTBRIDGE_SECRET_KEY"] = before
            get_settings.cache_clear()

    def ask(self, question: str, **values: Any) -> Any:
        """One value of the records."""
        with self.records(), engine.read_session() as session:
            return session.connection().execute(text(question), values).scalar()

    def rows(self, question: str, **values: Any) -> list[Any]:
        """Rows of the records."""
        with self.records(), engine.read_session() as session:
            return list(session.connection().execute(text(question), values))

    def events(self, event: str, referral_id: str = "") -> int:
        """How often the journal says so, of one referral or of all."""
        asked = "SELECT count(*) FROM journal WHERE event = :event"
        return int(self.ask(asked + (" AND stream = :id" if referral_id else ""), event=event, id=referral_id))

    def until(self, condition: Callable[[], bool], seconds: float, what: str, *, every: float = 0.03) -> None:
        """Wait until it is so, and ask again each time after so many seconds. Raises Broken."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Broken(f"{what} within {seconds:g} s\n{self.ends_of_logs()}")
            time.sleep(every)

    def ends_of_logs(self) -> str:
        """What the processes said last."""
        logs = sorted(self.folder.glob("**/*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)


def _went_well(call: Callable[[], Any]) -> bool:
    try:
        call()
    except (RPCError, TimeoutError, RuntimeError, OSError):
        return False
    return True


def _kill_with_children(process: subprocess.Popen[bytes]) -> None:
    """The server and its helpers at one stroke: none of them finishes anything."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = [int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == process.pid]
    for pid in (process.pid, *children):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


@contextmanager
def world(
    kind: Kind, *, fresh: bool = False, prepare: Callable[[World, ExitStack], None] = lambda _world, _stack: None
) -> Iterator[World]:
    """A running system in a folder of its own, which is gone afterwards. Call from the main thread.

    `prepare` is called before anything runs; what it puts on the stack is undone when nothing runs any more.
    """
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="footbridge-crash-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        nursery = Nursery(folder / "nursery.log")
        stack.callback(nursery.close)
        files = stack.enter_context(postgres_files()) if kind == "postgresql" else None
        made = World(kind, folder, nursery, stack.enter_context(sink()), files, fresh=fresh)
        threading.Thread(target=made.loop.run_forever, daemon=True).start()
        prepare(made, stack)
        stack.callback(made.close)
        made.open()
        yield made
