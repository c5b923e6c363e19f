"""One person's life with the program, lived with the processes of production while everything fails for a moment."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.smtp import Envelope

from cli.processes import free_port, spawn, stop
from cli.temporal_server import TemporalServer
from records import clock
from records.commands import sign_in
from tests.api.house import House
from tests.canary.tokens import Canaries
from tests.workflows.gateways.sms_provider import Provider
from tests.workflows.gateways.smtp_sink import Mailbox

ROOT = Path(__file__).parents[2]
COOKIE = "__Host-footbridge-session"


@dataclass
class Answered:
    """One answer, with what was asked."""

    method: str
    path: str
    answer: httpx.Response


@dataclass
class Processes:
    """Temporal, a worker and a web server, each with its log; and what the web server answered so far."""

    folder: Path
    env: dict[str, str]
    temporal: TemporalServer
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    answers: list[Answered] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the web server is."""
        return f"http://127.0.0.1:{self.env['FOOTBRIDGE_PORT']}"

    def start(self, name: str) -> None:
        """Start one of them."""
        line = self.temporal.argv() if name == "temporal" else [sys.executable, "-m", "cli.main", name]
        log = self.temporal.log if name == "temporal" else self.folder / f"{name}.log"
        self.running[name] = spawn(line, log=log, env=os.environ | self.env)

    def end(self, name: str) -> None:
        """Stop one of them."""
        stop(self.running.pop(name), within_seconds=15)

    def run(self, *words: str) -> None:
        """One command of the terminal beside them, with what it says in a log of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *words], env=os.environ | self.env, capture_output=True, check=False
        )
        (self.folder / f"{words[0]}.log").write_bytes(done.stdout + done.stderr)
        assert done.returncode == 0, done.stderr.decode()

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """One request; what came back is kept for the search."""
        answer = httpx.request(method, f"{self.address}{path}", timeout=30, **sent)
        self.answers.append(Answered(method, path, answer))
        return answer


@contextmanager
def processes(folder: Path, **settings: str) -> Iterator[Processes]:
    """Everything of production but PostgreSQL and TLS; gone after the block."""
    (folder / "temporal").mkdir(parents=True)
    temporal = TemporalServer(folder / "temporal", free_port())
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FOOTBRIDGE_", "TEMPORAL_"))}
    env |= {
        "PYTHONPATH": str(ROOT), "TEMPORAL_ADDRESS": temporal.address, "TEMPORAL_CONFIG_FILE": os.devnull,
        "FOOTBRIDGE_DATA_DIR": str(folder), "FOOTBRIDGE_PORT": str(free_port()),
    } | settings  # fmt: skip
    made = Processes(folder, env, temporal)
    try:
        for name in ("temporal", "api", "worker"):
            made.start(name)
        temporal.wait_until_serving(made.running["temporal"])
        until(lambda: _is_ready(made), seconds=40)
        yield made
    finally:
        for name in reversed(list(made.running)):
            made.end(name)


def _is_ready(made: Processes) -> bool:
    try:
        return httpx.get(f"{made.address}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def until(holds: Callable[[], Any], *, seconds: float = 20) -> Any:
    """What it comes to, once that is something."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.1)
    return found


@dataclass
class Life:
    """The person, those who walk with them, and what goes wrong meanwhile."""

    house: House
    made: Processes
    canaries: Canaries
    mailbox: Mailbox
    sms: Provider
    database: Path
    sessions: dict[str, str] = field(default_factory=dict)
    referral_id: str = ""

    def api(self, who: str, method: str, path: str, body: Any = None, **sent: Any) -> httpx.Response:
        """A call of the API as somebody."""
        headers = {"Authorization": f"Bearer {self.house.tokens[who]}"} | sent.pop("headers", {})
        more = {"json": body} if body is not None else {}
        return self.made.ask(method, f"/api/v1{path}", headers=headers, **more, **sent)

    def page(self, who: str, path: str, **form: Any) -> httpx.Response:
        """A page as somebody; a form is sent when there is one."""
        token = self.sessions[who]
        sent: dict[str, Any] = {"headers": {"Cookie": f"{COOKIE}={token}"}}
        if not form:
            return self.made.ask("GET", path, **sent)
        return self.made.ask("POST", path, data={"csrf_token": sign_in.csrf_token(token)} | form, **sent)

    @contextmanager
    def without(self, table: str) -> Iterator[None]:
        """The database refuses: a table is not there for a moment."""
        self._sql(f"ALTER TABLE {table} RENAME TO hidden_{table}")
        try:
            yield
        finally:
            self._sql(f"ALTER TABLE hidden_{table} RENAME TO {table}")

    def _sql(self, line: str) -> None:
        with sqlite3.connect(self.database, timeout=30) as connection:
            connection.execute(line)
        connection.close()

    def person(self) -> dict[str, Any]:
        """A person of whom every field is told."""
        of = self.canaries.of
        return {
            "given_name": of("given name"), "family_name": of("family name"), "preferred_name": of("preferred name"),
            "birth_on": "1971-03-04", "pronouns": of("pronouns"), "area": of("area"), "safety_note": of("safety note"),
            "safety_flags": [], "aliases": [of("alias")],
            "phones": [{"number": self.canaries.phone("phone"), "note": of("phone note"), "may_text": True}],
            "places": [{"kind": "shelter", "text": of("place"), "when": of("place when")}],
            "identifiers": [{"system": of("identifier system"), "value": of("identifier"), "kind": "MR"}],
        }  # fmt: skip

    def is_filed(self) -> None:
        """The planner files the referral, the worker offers it, the bridger takes it."""
        of = self.canaries.of
        filed = self.api("planner", "POST", "/referrals", {
            "setting": "psychiatric_inpatient", "person": self.person(), "certainty": "unknown", "consent": "given",
            "unit": of("unit"), "legal_status": of("legal status"), "note": of("note of the planner"),
            "visit_id": of("visit"), "risks": ["suicide_risk", "overdose"], "needs": ["treatment"],
            "first_appointment_at": "2030-01-02T10:00:00Z", "first_appointment_where": of("appointment"),
        })  # fmt: skip
        assert filed.status_code == 201, filed.text
        self.referral_id = filed.json()["id"]
        offers = until(lambda: self.api("bridger", "GET", "/offers").json()["items"])
        assert self.api("bridger", "POST", f"/offers/{offers[0]['id']}/accept").status_code == 200

    def is_walked_with(self) -> None:
        """Contacts, a concern that calls the clinician, and how it is settled."""
        of, base = self.canaries.of, f"/referrals/{self.referral_id}"
        self.api("planner", "POST", f"{base}/discharge", {"at": _an_hour_ago(), "disposition": "home"})
        tried = {"mode": "call", "outcome": "no_answer", "note": of("note of an attempt")}
        assert self.api("bridger", "POST", f"{base}/attempts", tried).status_code == 201
        self.page("bridger", f"{base}/note", note=of("note in the timeline"))
        concern = self.page("bridger", f"{base}/concern", note=of("note of a concern"), once="a")
        assert concern.status_code == 303, concern.text[:500]
        calls = until(lambda: self.api("clinician", "GET", "/escalations").json()["items"])
        call = f"/escalations/{calls[0]['id']}"
        self.api("clinician", "POST", f"{call}/act", {"note": of("note of a call")})
        self.api("clinician", "POST", f"{call}/resolve", {"resolution": "arranged", "note": of("how it was settled")})

    def is_sent_wrongly(self) -> None:
        """Input that is refused, with the same words in it: by the API, in addresses and headers, forms and files."""
        words = sorted(self.canaries.words.values())
        of, base = self.canaries.of, f"/referrals/{self.referral_id}"
        for word in (*words, of("typed and never kept")):
            broken, as_json = f'{{"setting": "{word}", "person": "{word}', {"Content-Type": "application/json"}
            self.api("planner", "POST", "/referrals", content=broken, headers=as_json)
            self.api(
                "planner", "POST", "/referrals", {"setting": word, "person": {"given_name": word, "birth_on": word}}
            )
            self.api("planner", "GET", f"/referrals/{word}", params={"cursor": word, word: word})
            self.api("bridger", "POST", f"{base}/notes", {"note": word * 400}, headers={"If-Match": f'"{word}"'})
            self.page("planner", f"/referrals/{word}?show={word}&next={word}")
            self.page("planner", f"{base}/date", known=word, expected_on=word, **{word: word})
        typed = of("typed and never kept")
        self.page("planner", "/referrals", name=typed)
        self.page("manager", "/people", search=self.canaries.words["family name"])
        self.made.ask("POST", "/sign-in", data={"email": f"{typed}@program.example", "password": typed})
        self.made.ask("GET", f"/{typed}/{typed}?{typed}", headers={"User-Agent": typed})
        bundle = {"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": typed}}]}
        token = {"Authorization": f"Bearer {self.house.tokens['planner']}", "Content-Type": "application/fhir+json"}
        self.made.ask("POST", "/fhir/$process-message", json=bundle, headers=token)
        rows = f"booking_number,first_name,last_name,birth_date,release_date\n1,{typed},{typed},{typed},{typed}\n"
        jailer = self.sessions["jailer"]
        self.made.ask(
            "POST", "/imports", headers={"Cookie": f"{COOKIE}={jailer}"},
            data={"csrf_token": sign_in.csrf_token(jailer)}, files={"file": (f"{typed}.csv", rows, "text/csv")},
        )  # fmt: skip

    def meets_faults(self) -> None:
        """The database refuses what is asked and what is to be written down; the worker's turn comes meanwhile."""
        of, base = self.canaries.of, f"/referrals/{self.referral_id}"
        note = {"note": of("note during a fault")}
        with self.without("journal"):
            assert self.api("bridger", "POST", f"{base}/notes", note).status_code == 500
            assert self.page("bridger", f"{base}/note", **note).status_code == 500
        with self.without("contact"):
            assert self.api("manager", "GET", base).status_code in (200, 500)
            assert self.page("bridger", base).status_code == 500
            assert self.api("planner", "POST", "/referrals", self._another("filed during a fault")).status_code == 500
        with self.without("reading"):
            assert self.api("planner", "GET", base).status_code == 503

    def worker_meets_faults(self) -> None:
        """What the worker is to carry out breaks, is told to Temporal, and is tried again."""
        worker = self.made.running["worker"]
        worker.send_signal(signal.SIGSTOP)
        filed = self.api("planner", "POST", "/referrals", self._another("filed before a fault of the worker"))
        assert filed.status_code == 201, filed.text
        log = self.made.folder / "worker.log"
        with self.without("notification"):
            worker.send_signal(signal.SIGCONT)
            until(lambda: "OperationalError" in log.read_text())
        until(lambda: self._next_item(filed.json()["id"]) != "offer")

    def _next_item(self, referral_id: str) -> str:
        return str(self.api("planner", "GET", f"/referrals/{referral_id}").json()["next_item"])

    def _another(self, name: str) -> dict[str, Any]:
        word = self.canaries.of(name)
        person = {"given_name": word, "family_name": word, "birth_on": "1980-01-01"}
        return {
            "setting": "jail",
            "facility_id": self.house.facilities["hospital"],
            "person": person,
            "consent": "given",
        }

    def meets_silence(self) -> None:
        """Temporal is away for a moment, and things happen meanwhile."""
        self.made.end("temporal")
        told = self.api("planner", "POST", "/referrals", self._another("filed while temporal was away"))
        assert told.status_code == 201, told.text
        self.api(
            "bridger", "POST", f"/referrals/{self.referral_id}/notes", {"note": self.canaries.of("note meanwhile")}
        )
        time.sleep(1)
        self.made.start("temporal")
        self.made.temporal.wait_until_serving(self.made.running["temporal"])

    def is_told_of(self) -> tuple[list[Envelope], list[dict[str, Any]]]:
        """The gateways come back; the messages that they were given, those that they did not take included."""
        until(lambda: self.mailbox.mails and self.sms.requests, seconds=40)
        return self.mailbox.mails, self.sms.requests

    def is_looked_at(self) -> None:
        """Everybody opens what they may: pages, printouts, files."""
        base = f"/referrals/{self.referral_id}"
        person = self.api("bridger", "GET", base).json()["person_id"]
        for who, path in (
            ("planner", base), ("planner", "/referrals"), ("planner", f"{base}/handoff"), ("bridger", "/today"),
            ("bridger", base), ("bridger", f"{base}/log"), ("supervisor", "/board"), ("supervisor", f"{base}/consents"),
            ("manager", f"/people/{person}/disclosures"), ("manager", f"/people/{person}/disclosures.csv"),
            ("manager", "/measures"), ("manager", "/measures/figures.csv"), ("manager", "/outbox"),
            ("admin", "/outbox"), ("privacy", "/privacy"), ("privacy", f"/privacy/people/{person}/looks.csv"),
            ("bridger", "/notifications"),
        ):  # fmt: skip
            self.page(who, path)
        self.api("planner", "POST", f"{base}/consent", {"status": "revoked"})
        for who in ("planner", "jailer", "stranger", "admin"):
            self.api(who, "GET", base)
            self.api(who, "GET", "/events")
        self.made.ask("GET", "/metrics")
        self.made.ask("GET", "/openapi.json")


def _an_hour_ago() -> str:
    return (clock.now() - timedelta(hours=1)).isoformat()
