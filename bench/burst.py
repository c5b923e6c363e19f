"""A burst of missed contacts, and one of releases, while people go on filing and looking at *Today*.

As `make run` has it: the Temporal server of the package, a SQLite file, one worker, one web server. One person in five
is at high risk: all of those are escalated before the rest. On the same server as many workflows that do nothing show
what Temporal itself takes.
"""

from __future__ import annotations

import asyncio
import csv
import http.client
import io
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session, func, select

from bench.children import cpu_seconds
from bench.figures import Figure, at_least, at_most, median, percentile
from bench.filing import referral_from
from bench.filled import set_password_for
from bench.pages import get, sign_in
from bench.serving import footbridge, free_port, server
from bench.storm import (
    WORKER,
    all_asleep,
    empty_lateness,
    forget_what_was_said,
    process,
    until_escalated,
    worker_environment,
)
from cli.drill.deadline import HIGH_RISK, STANDARD, Late, bring_there, lateness
from cli.temporal_server import temporal_server
from domain.vocabulary import FacilityKind, RiskFlag, Setting
from records import clock, engine, migrate
from records.access import system_actor
from records.commands.programs import add_facility
from records.commands.sign_in import create_token
from records.tables import Program, Referral, Staff

KINDS = (HIGH_RISK, STANDARD, STANDARD, STANDARD, STANDARD)
PEOPLE_A_BRIDGER = 25
LATEST, SLOWEST = 300.0, 1.0
"""Seconds: the last escalation after the contacts were due; 95 of 100 answers to people meanwhile."""
_BETWEEN = 0.5  # seconds between two requests of one person


@dataclass
class Meanwhile:
    """How long filing and *Today* took while something else went on, in seconds."""

    filing: list[float] = field(default_factory=list)
    today: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run(count: int = 10_000, releases: int = 5_000) -> list[Figure]:
    """Both bursts, one after the other. Raises RuntimeError when something was not done exactly once, or early."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        temporal = stack.enter_context(temporal_server(folder / "temporal"))
        with process("-m", "bench.empty", temporal.address, log=folder / "empty.log"):
            empty = asyncio.run(empty_lateness(temporal.address, count))
        url = f"sqlite:///{folder / 'footbridge.sqlite3'}"
        migrate.upgrade(url)
        engine.configure(url)
        stack.callback(engine.dispose)
        stack.callback(clock.run_real)
        due_at = bring_there(count, KINDS, bridgers=max(8, count // PEOPLE_A_BRIDGER))
        forget_what_was_said()
        people = _people()
        port = free_port()
        env = worker_environment(url, temporal.address, folder)
        command, environment = footbridge(folder, port, url)
        environment["FOOTBRIDGE_SECRET_KEY"] = env["FOOTBRIDGE_SECRET_KEY"]  # each opens what the other sealed
        stack.enter_context(server(command, port, folder, **environment))
        worker = stack.enter_context(process(*WORKER, log=folder / "worker.log", env=env))
        asleep = asyncio.run(all_asleep(temporal.address, count, due_at))
        time.sleep(max((due_at - clock.now()).total_seconds(), 0.0))
        before = cpu_seconds()
        with _meanwhile(port, *people) as burst:
            until_escalated(count, due_at, worker, folder / "worker.log")
        spent = {who: seconds - before.get(who, 0.0) for who, seconds in cpu_seconds().items()}
        late = lateness(count, due_at)
        with _meanwhile(port, *people) as importing:
            took = _import(releases, env)
        return [
            at_least("burst", "workflows asleep before (fewer: the machine is too slow)", asleep, "", count),
            *_of_lateness(late, empty),
            *(
                Figure("burst", f"CPU of {who}, a contact", seconds / count * 1000, "ms")
                for who, seconds in spent.items()
            ),
            *_of_people("the contacts", burst),
            Figure("burst", f"{releases:,} releases imported", took, "s"),
            *_of_people("the releases", importing),
        ]


def _of_lateness(late: list[Late], empty: list[float]) -> Iterator[Figure]:
    if min(one.seconds for one in late) < 0:
        raise RuntimeError("a contact was escalated before it was due")
    high = _high_risk()
    grave = sorted(one.seconds for one in late if one.referral_id in high)
    rest = sorted(one.seconds for one in late if one.referral_id not in high)
    overtaken = sum(1 for seconds in rest if seconds < grave[-1])
    yield Figure("burst", "contacts due at one moment, each escalated once", len(late), "")
    yield at_most("burst", "the last escalated", max(grave[-1], rest[-1]), "s", LATEST)
    yield Figure("burst", "high risk: median", median(grave), "s")
    yield Figure("burst", "high risk: the last", grave[-1], "s")
    yield Figure("burst", "the rest: the first", rest[0], "s")
    yield Figure("burst", "the rest: median", median(rest), "s")
    yield at_most("burst", "of the rest, escalated before the last at high risk", 100 * overtaken / len(rest), "%", 1)
    yield Figure("burst", "empty workflows, the last", max(empty), "s")
    yield Figure("burst", "ours of the empty workflows, p99", _p99(late) / percentile(empty, 99), "×")


def _p99(late: list[Late]) -> float:
    return percentile([one.seconds for one in late], 99)


def _of_people(what: str, meanwhile: Meanwhile) -> Iterator[Figure]:
    if meanwhile.problems:
        raise RuntimeError(meanwhile.problems[0])
    for name, times in (("filing", meanwhile.filing), ("Today", meanwhile.today)):
        yield at_most("burst", f"{name} during {what}, p95 of {len(times)}", percentile(times, 95), "s", SLOWEST)


def _high_risk() -> set[str]:
    with engine.read_session() as session:
        rows = session.exec(select(Referral.id, Referral.risks)).all()
    return {referral_id for referral_id, risks in rows if RiskFlag.SUICIDE_RISK in risks}


def _people() -> tuple[str, str]:
    """A planner's token, and a bridger's e-mail address; a jail that sends releases."""
    with engine.transaction() as session:
        planner, bridger = (_staff(session, name) for name in ("Planner", "Bridger 0"))
        token = create_token(session, planner, "bench", 1)
        program = session.exec(select(Program)).one()
        add_facility(session, system_actor(program.id), "Bench Jail", FacilityKind.JAIL, Setting.JAIL)
    set_password_for(bridger.id)
    return token, bridger.email


def _staff(session: Session, name: str) -> Staff:
    return session.exec(select(Staff).where(Staff.name == name)).one()


@contextmanager
def _meanwhile(port: int, token: str, email: str) -> Iterator[Meanwhile]:
    """A planner who files and a bridger who looks at *Today*, each every half second, for the length of the block."""
    times, over = Meanwhile(), threading.Event()
    cookie = sign_in(port, email)

    def go_on(kept: list[float], ask: Callable[[int], float]) -> None:
        number = 0
        while number == 0 or not over.wait(_BETWEEN):
            try:
                kept.append(ask(number))
            except (RuntimeError, OSError) as error:
                times.problems.append(f"{type(error).__name__}: {error}")
                return
            number += 1

    threads = [
        threading.Thread(target=go_on, args=(times.filing, lambda number: _file(port, token, number))),
        threading.Thread(target=go_on, args=(times.today, lambda _: get(port, "/today", cookie))),
    ]
    for thread in threads:
        thread.start()
    try:
        yield times
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _file(port: int, token: str, number: int) -> float:
    method, path, body, headers = referral_from(token, 0, number)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    connection.close()
    if answer.status != 201:
        raise RuntimeError(f"filing answered {answer.status}")
    return took


def _import(releases: int, env: dict[str, str]) -> float:
    """The seconds that `footbridge import` takes. Raises RuntimeError unless every row is filed."""
    leaves_on = (clock.now() + timedelta(days=7)).date().isoformat()
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(["booking_number", "first_name", "last_name", "birth_date", "release_date", "release_status"])
    for number in range(releases):
        born = f"19{50 + number % 50}-{1 + number % 12:02}-{1 + number % 28:02}"
        rows.writerow([f"BENCH-{number:06}", f"Invented{number}", f"Release{number}", born, leaves_on, "planned"])
    path = Path(env["FOOTBRIDGE_DATA_DIR"]) / "releases.csv"
    path.write_text(written.getvalue(), encoding="utf-8")
    with engine.read_session() as session:
        before = session.exec(select(func.count()).where(Referral.source == "csv")).one()
    began = time.perf_counter()
    line = [sys.executable, "-m", "cli.main", "import", str(path)]
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    with engine.read_session() as session:
        filed = session.exec(select(func.count()).where(Referral.source == "csv")).one() - before
    if filed != releases:
        raise RuntimeError(f"{filed} of {releases} releases were filed: {done.stdout[-300:]}{done.stderr[-300:]}")
    return took
