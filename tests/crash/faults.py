"""The kinds of fault of the soak: each begins, lasts, and is over. What cannot be done here is not counted."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from cli.processes import free_port
from tests.crash import victim as launcher
from tests.crash.proxy import Proxy
from tests.crash.world import API, TEMPORAL, VICTIMS, WORKER, World

HOUR, THREE_DAYS = 3600.0, 259_200.0
_DISK = "64m"


@dataclass
class Ground:
    """The system with what faults need: a proxy before Temporal and before PostgreSQL, small disks."""

    world: World
    to_temporal: Proxy
    to_database: Proxy | None
    disks: list[Path]

    def run(self, call: Callable[[], Any]) -> None:
        """Do this in the proxies' loop."""
        self.world.loop.call_soon_threadsafe(call)


def prepare(world: World, stack: ExitStack) -> Ground:
    """Before anything runs: our processes are to reach Temporal, and PostgreSQL, through proxies; disks are small."""
    host, port = world.temporal_server.address.split(":")
    to_temporal, at = Proxy(lambda: asyncio.open_connection(host, int(port))), free_port()
    _wait(world, to_temporal.listen(at))
    world.temporal_address = f"127.0.0.1:{at}"
    to_database = None
    if world.files is not None:
        there, name = world.files.folder, ".s.PGSQL.5432"
        to_database = Proxy(lambda: asyncio.open_unix_connection(str(there / name)))
        _wait(world, to_database.listen(world.folder / name))
        world.url_of_processes = world.url.replace(str(there), str(world.folder))
    disks = [folder for folder in (world.records_dir, world.temporal_server.data_dir) if small_disk(folder)]
    for folder in disks:
        stack.callback(give_back, folder)
    return Ground(world, to_temporal, to_database, disks)


def _wait(world: World, started: Any) -> None:
    asyncio.run_coroutine_threadsafe(started, world.loop).result(10)


@dataclass(frozen=True)
class Fault:
    """One fault on its way: what it is, and how it ends."""

    name: str
    end: Callable[[], None]


Begin = Callable[[Ground, Random], Fault | None]


def kill(ground: Ground, chance: Random) -> Fault:
    """A process is gone."""
    who = chance.choice(VICTIMS)
    ground.world.kill(who)
    return Fault(f"kill: {who}", lambda: ground.world.start(who))


def stop(ground: Ground, chance: Random) -> Fault:
    """A process stands still, with its connections open."""
    who = chance.choice((API, WORKER, TEMPORAL))
    ground.world.signal(who, signal.SIGSTOP)
    return Fault(f"stop: {who}", lambda: ground.world.signal(who, signal.SIGCONT))


def cut(ground: Ground, chance: Random) -> Fault:
    """The network to Temporal, or to PostgreSQL, is gone."""
    proxy, name = _line(ground, chance)
    asyncio.run_coroutine_threadsafe(proxy.cut(), ground.world.loop).result(5)

    def end() -> None:
        proxy.is_cut = False

    return Fault(f"network cut: {name}", end)


def delay(ground: Ground, chance: Random) -> Fault:
    """Everything between takes long."""
    proxy, name = _line(ground, chance)
    proxy.delay = 0.3

    def end() -> None:
        proxy.delay = 0.0

    return Fault(f"network delay: {name}", end)


def answers_lost(ground: Ground, chance: Random) -> Fault:
    """What is asked arrives and is done; what is answered never comes, and then the line is cut."""
    proxy, name = _line(ground, chance)
    proxy.swallows = True

    def end() -> None:
        ground.run(proxy.hang_up)
        proxy.swallows = False

    return Fault(f"answers lost: {name}", end)


def _line(ground: Ground, chance: Random) -> tuple[Proxy, str]:
    if ground.to_database is not None and chance.random() < 0.5:
        return ground.to_database, "PostgreSQL"
    return ground.to_temporal, "Temporal"


def our_disk_full(ground: Ground, chance: Random) -> Fault | None:
    """No byte more fits beside our SQLite file. PostgreSQL's disk is its operator's."""
    return _fill(ground, ground.world.records_dir, "disk full: ours") if ground.world.files is None else None


def temporals_disk_full(ground: Ground, chance: Random) -> Fault | None:
    """No byte more fits beside Temporal's file."""
    return _fill(ground, ground.world.temporal_server.data_dir, "disk full: Temporal's")


def _fill(ground: Ground, folder: Path, name: str) -> Fault | None:
    if folder not in ground.disks:
        return None
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
    return Fault(name, ballast.unlink)


def slow_database(ground: Ground, chance: Random) -> Fault:
    """Each transaction begins late."""
    return _by_file(ground, launcher.SLOW, "slow database")


def read_only_database(ground: Ground, chance: Random) -> Fault:
    """It can be read and not written, as after a failover or a repair."""
    if ground.world.files is None:
        return _by_file(ground, launcher.READ_ONLY, "read-only database")
    files = ground.world.files

    def is_read_only(word: str) -> None:
        files.execute(f"ALTER SYSTEM SET default_transaction_read_only = {word}")
        files.execute("SELECT pg_reload_conf()")

    is_read_only("on")

    def end() -> None:
        with files.connect() as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")

    return Fault("read-only database", end)


def _by_file(ground: Ground, file: str, name: str) -> Fault:
    """Our launcher does it, while a file lies there."""
    (ground.world.folder / file).touch()
    return Fault(name, (ground.world.folder / file).unlink)


def lock_held(ground: Ground, chance: Random) -> Fault:
    """Somebody else holds the lock that every writer needs."""
    holder: Any
    if ground.world.files is None:
        holder = sqlite3.connect(ground.world.url.removeprefix("sqlite:///"), check_same_thread=False, timeout=10)
        holder.execute("BEGIN IMMEDIATE")
    else:
        holder = psycopg.connect(host=str(ground.world.files.folder), user="postgres", dbname="footbridge")
        holder.execute("LOCK TABLE referral IN EXCLUSIVE MODE")
    return Fault("lock held", holder.close)


def wrong_clock(ground: Ground, chance: Random) -> Fault | None:
    """The API's or the worker's clock is wrong. On SQLite all of it is one machine, which has one clock."""
    if ground.world.files is None:
        return None
    who, shift = chance.choice((API, WORKER)), chance.choice((HOUR, -HOUR, THREE_DAYS, -THREE_DAYS))
    path = ground.world.folder / f"{launcher.SHIFT}.{who.lower()}"
    path.write_text(str(shift))
    return Fault(f"wrong clock: {who} by {shift / HOUR:+.0f} h", path.unlink)


KINDS: tuple[Begin, ...] = (
    kill, stop, cut, delay, answers_lost, our_disk_full, temporals_disk_full, slow_database, read_only_database,
    lock_held, wrong_clock,
)  # fmt: skip


def small_disk(folder: Path) -> bool:
    """Make this folder a disk of its own that is soon full. False without the rights to."""
    folder.mkdir(parents=True, exist_ok=True)
    line = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(line, capture_output=True, check=False).returncode == 0


def give_back(folder: Path) -> None:
    """The disk is gone with what is on it. Called when nobody uses it any more."""
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)
