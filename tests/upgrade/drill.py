"""The drill: old code at work, a migration beneath it, new code beside it, and a bad deploy that is rolled back.

The records lie in PostgreSQL, as in production; Temporal is the embedded server. The clock runs fast, so that every few
seconds somebody's time has come, whatever is being replaced at the moment.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from cli.local_postgres import PostgresServer, postgres_server
from cli.processes import free_port, spawn, stop
from cli.temporal_server import temporal_binary, temporal_server
from tests.upgrade.deploys import MISTAKES, Deploy, with_mistake
from tests.upgrade.load import Load, ask

SPEED = 60.0
NOTICED_SECONDS = 60.0
HOSPITAL = "Example Hospital"
STAFF = (
    ("manager@program.example", "Max Manager", "manager", ()),
    ("supervisor@program.example", "Sue Supervisor", "supervisor", ()),
    ("clinician@program.example", "Cleo Clinician", "clinician", ()),
    ("bridger@program.example", "Bea Bridger", "bridger", ()),
    ("planner@hospital.example", "Pia Planner", "planner", ("--facility", HOSPITAL)),
)


class Failed(Exception):
    """What does not hold, in a sentence."""


class Site:
    """Everything that runs, and who runs it at the moment."""

    def __init__(self, folder: Path, env: dict[str, str], records: PostgresServer) -> None:
        self.folder, self.env, self.records = folder, env, records
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, deploy: Deploy, command: str, **more: str) -> None:
        """Start a process of a version."""
        env = deploy.env(self.env | more)
        self.running[name] = spawn(deploy.argv(command), log=self.folder / f"{name}.log", env=env)

    def web(self, name: str, deploy: Deploy) -> str:
        """Start a web server and wait until it is ready; its address."""
        port = free_port()
        self.start(name, deploy, "api", FOOTBRIDGE_PORT=str(port))
        address = f"http://127.0.0.1:{port}"
        wait(lambda: ask(f"{address}/readyz")[0] == 200, 90, f"{name} is not ready: {self.log(name)}")
        return address

    def end(self, name: str) -> None:
        """SIGTERM, as a container is stopped. Raises Failed when it does not end well."""
        process = self.running.pop(name)
        process.terminate()
        try:
            code = process.wait(45)
        except subprocess.TimeoutExpired:
            stop(process, within_seconds=1)
            raise Failed(f"{name} did not stop in time") from None
        if code != 0:
            raise Failed(f"{name} ended with exit {code}: {self.log(name)}")

    def end_all(self) -> None:
        """Whatever has happened, nobody stays."""
        for process in self.running.values():
            stop(process, within_seconds=5)

    def log(self, name: str) -> str:
        """The end of a log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-1500:]

    def rows(self, asked: str) -> list[tuple[object, ...]]:
        """What the records say, by SQL."""
        with psycopg.connect(self.records.url("footbridge").replace("postgresql+psycopg", "postgresql")) as connection:
            return list(connection.execute(asked))

    def figure(self, address: str, name: str) -> float | None:
        """A figure at /metrics, or None when it is not told."""
        found = re.search(rf"^{name} (\S+)$", ask(f"{address}/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else None


def drill(folder: Path, old: Deploy, new: Deploy, transitions: int) -> None:
    """All of it. Raises Failed with what does not hold."""
    with _site(folder) as site:
        load = _old_at_work(site, old, transitions)
        try:
            _upgrade(site, old, new, load)
            for number, mistake in enumerate(MISTAKES, 1):
                _bad_deploy(site, new, with_mistake(new, mistake, folder / f"bad-{number}"), load, number)
        finally:
            load.end()
        _all_is_there(site, new, load)


@contextmanager
def _site(folder: Path) -> Iterator[Site]:
    with postgres_server(durable=True) as records, temporal_server(folder) as temporal:
        records.execute("CREATE DATABASE footbridge")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTBRIDGE_", "TEMPORAL_"))}
        env = kept | {
            "FOOTBRIDGE_ENVIRONMENT": "test",
            "FOOTBRIDGE_DATABASE_URL": records.url("footbridge"),
            "FOOTBRIDGE_DATA_DIR": str(folder),
            "FOOTBRIDGE_SECRET_KEY": secrets.token_hex(32),
            "FOOTBRIDGE_CLOCK_SPEED": str(SPEED),
            "TEMPORAL_ADDRESS": temporal.address,
            "TEMPORAL_CONFIG_FILE": os.devnull,
        }
        site = Site(folder, env, records)
        try:
            yield site
        finally:
            site.end_all()


def _old_at_work(site: Site, old: Deploy, transitions: int) -> Load:
    old.run(site.env, "migrate")
    old.run(site.env, "program", "add", "Example Program", "--accepts-at-once")
    old.run(site.env, "facility", "add", HOSPITAL, "--kind", "hospital", "--setting", "psychiatric_inpatient")
    for email, name, role, more in STAFF:
        old.run(site.env, "user", "add", email, "--name", name, "--role", role, *more)
    token = old.run(site.env, "token", "planner@hospital.example").strip()
    load = Load(token, [site.web("web-old", old)])
    site.start("worker-old", old, "worker")
    wait(lambda: "keeps appointments" in site.log("worker-old"), 120, "the old worker does not work")
    for number in range(transitions):
        if not load.file(number):
            raise Failed(load.refused[-1])
    wait(lambda: _running(site) >= transitions, 120, "not every transition runs")
    say(f"{_running(site)} transitions run under {old.name}")
    load.begin()
    return load


def _upgrade(site: Site, old: Deploy, new: Deploy, load: Load) -> None:
    load.phase = "migrating"
    began = time.monotonic()
    new.run(site.env, "migrate")
    took = time.monotonic() - began
    time.sleep(3)  # the old version goes on for a while on the new schema
    load.phase = "rolling"
    load.up[:0] = [site.web("web-new", new)]
    del load.up[1:]
    site.start("worker-new", new, "worker")
    wait(lambda: "keeps appointments" in site.log("worker-new"), 60, "the new worker does not work")
    site.end("web-old")
    site.end("worker-old")
    load.phase = "new"
    wait(lambda: _is_on_time(site, load.up[0]), 120, "appointments stay late under the new version")
    refused = [one for one in load.refused if not one.startswith("before")]
    say(f"Migrated in {took:.1f} s and rolled over to the new version; {sum(load.answers.values())} requests")
    if refused:
        raise Failed(f"{len(refused)} requests were refused, the first: {refused[0]}")


def _bad_deploy(site: Site, good: Deploy, bad: Deploy, load: Load, number: int) -> None:
    load.phase = bad.name
    before, name = f"worker-{'new' if number == 1 else f'good-{number - 1}'}", f"worker-bad-{number}"
    site.start(name, bad, "worker")
    began = time.monotonic()
    site.end(before)
    _touch(site, load)
    address = load.up[0]
    wait(
        lambda: (site.figure(address, "footbridge_workflows_stuck") or 0) > 0,
        NOTICED_SECONDS,
        f"nobody noticed that the code {bad.name}",
    )
    noticed = time.monotonic() - began
    _status_says(site, good)
    stuck = site.figure(address, "footbridge_workflows_stuck")
    site.start(f"worker-good-{number}", good, "worker")
    site.end(name)
    back = time.monotonic()
    wait(lambda: site.figure(address, "footbridge_workflows_stuck") == 0.0, 240, "workflows stay stuck with good code")
    wait(lambda: _is_on_time(site, address), 120, "appointments stay late after the roll-back")
    say(
        f"A deploy that {bad.name} was noticed after {noticed:.0f} s ({stuck:.0f} stuck); "
        f"{time.monotonic() - back:.0f} s after the roll-back none was, and nothing was late"
    )


def _touch(site: Site, load: Load) -> None:
    """Ten of those that ran before are told to look again, as by anybody's change: code that does not fit the histories
    there are breaks nothing while they all sleep."""
    for referral_id in list(load.filed.values())[:10]:
        line = [
            str(temporal_binary()),
            "workflow",
            "signal",
            "--name",
            "nudge",
            "--workflow-id",
            f"transition-{referral_id}",
        ]
        done = subprocess.run(
            [*line, "--address", site.env["TEMPORAL_ADDRESS"]], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(done.stderr)


def _status_says(site: Site, good: Deploy) -> None:
    """The lines of the page Status, as its route makes them."""
    program = (
        "from records import engine\nfrom records.settings import get_settings\n"
        "from api.pages.status import status_lines\n"
        "engine.configure(get_settings().sqlalchemy_url())\n"
        "with engine.read_session() as session:\n"
        "    print([line.what for line in status_lines(session) if not line.is_well])"
    )
    argv = [good.argv()[0], "-P", "-c", program]
    said = subprocess.run(argv, env=good.env(site.env), capture_output=True, text=True, check=True).stdout
    if "Workflows run" not in said:
        raise Failed(f"the page Status says nothing of stuck workflows: {said}")


def _all_is_there(site: Site, new: Deploy, load: Load) -> None:
    kept = {str(one) for (one,) in site.rows("SELECT id FROM referral")}
    lost = set(load.filed.values()) - kept
    if lost or len(kept) != len(set(load.filed.values())):
        raise Failed(f"{len(lost)} referrals that were acknowledged are lost, and {len(kept)} are there in all")
    found = json.loads(new.run(site.env, "check", "--json"))
    if found["violations"]:
        raise Failed(f"the check found {found['violations']}: {found['findings'][:3]}")
    refused = f"{len(load.refused)} requests refused" if load.refused else "no request refused"
    say(f"{len(kept)} referrals, none lost, none doubled; {refused}; every promise holds for {found['referrals']}")
    if load.refused:
        raise Failed(load.refused[0])


def _running(site: Site) -> int:
    line = [str(temporal_binary()), "workflow", "count", "--query"]
    query = 'WorkflowType = "TransitionWorkflow" AND ExecutionStatus = "Running"'
    done = subprocess.run(
        [*line, query, "--address", site.env["TEMPORAL_ADDRESS"], "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(json.loads(done.stdout).get("count", 0))


def _is_on_time(site: Site, address: str) -> bool:
    """Nothing is later than twenty real seconds, by the fast clock."""
    late = site.figure(address, "footbridge_agenda_oldest_overdue_seconds")
    return late is not None and late <= 20 * SPEED


def wait(holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Until it holds. Raises Failed after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"{otherwise}, for {seconds:g} s")
        time.sleep(0.3)


def say(sentence: str) -> None:
    """What was seen."""
    print(sentence, flush=True)
