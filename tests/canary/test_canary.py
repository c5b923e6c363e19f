"""Nothing of a person stands anywhere but in the records: a word for every field, a life with failures, and a search.

Searched are the logs of every process, Temporal's database and histories, metrics, addresses, e-mails with their
headers, texts, refusals and pages about errors, and backups (of PostgreSQL in `test_backups.py`).
What must be found is looked for too, or the search proves nothing.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope
from sqlmodel import Session, SQLModel, create_engine, select
from temporalio.client import Client

from records import engine, sealing
from records.commands import sign_in
from records.settings import get_settings
from records.tables import Program, Staff
from tests.api.house import PASSWORD, build_house
from tests.canary.life import Answered, Life, Processes, processes
from tests.canary.tokens import Canaries, lines_with
from tests.workflows.gateways.sms_provider import sms_provider
from tests.workflows.gateways.smtp_sink import Mailbox, smtp_server

pytestmark = pytest.mark.sqlite
SECRET = "7f3a9c21e5b8d4067f3a9c21e5b8d4061b"
_ADDRESS = re.compile(r'\b(?:href|action|formaction|src|hx-get|hx-post)="([^"]*)"')
OF_THE_PHONE = ("tel:", "sms:")
"""A tap that calls: it goes to the phone, to no server."""
MAP = "https://www.google.com/maps/"
"""The one address that tells something, and only where somebody may be found: see `api/filters.py: maplink`."""
NEVER_KEPT = {"typed and never kept", "note during a fault", "filed during a fault"}
"""What was refused: the records do not hold it."""
BACKUPS = "backups"
NOT_SEALED = {"identifier system"}
"""Whose numbers they are, by the name of the system, in the clear: see docs/encryption.md."""
SHOWN_TO_WHO_TYPED = frozenset({400, 409, 412, 422})
"""A form that is refused comes back with what was typed in it, to whoever typed it."""


@dataclass
class Lived:
    """What is left of the life when it is over."""

    canaries: Canaries
    folder: Path
    logs: dict[str, bytes]
    temporal: dict[str, bytes]
    histories: str
    answers: list[Answered]
    mails: list[Envelope]
    texts: list[dict[str, Any]]
    slow_client_ended: bool


@pytest.fixture(scope="module")
def lived(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("canary")
    database = folder / "footbridge.sqlite3"
    database.write_bytes(_sqlite_template.read_bytes())
    engine.configure(f"sqlite:///{database}")
    patch = pytest.MonkeyPatch()
    patch.setattr(get_settings(), "secret_key", type(get_settings().secret_key)(SECRET))
    patch.setattr(sealing, "_ring", None)  # another test may have asked for the keys before
    mailbox = Mailbox(rcpt="451 not now")  # the gateways are away at first
    try:
        with (
            smtp_server(mailbox) as smtp,
            sms_provider() as sms,
            processes(folder, **_settings(database, smtp.port, sms.url)) as made,
        ):
            sms.says(503)
            house = build_house()
            _give_phones()
            sessions = {
                who: sign_in.sign_in(f"{who}@program.example", PASSWORD)
                for who in ("planner", "jailer", "bridger", "supervisor", "manager", "admin", "privacy", "clinician")
            }
            life = Life(house, made, Canaries(), mailbox, sms, database, sessions)
            slow = socket.create_connection(("127.0.0.1", int(made.env["FOOTBRIDGE_PORT"])))
            slow.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
            life.is_filed()
            life.is_walked_with()
            life.meets_faults()
            life.worker_meets_faults()
            life.meets_silence()
            mailbox.rcpt = "250 OK"
            sms.says(201, sid="SM1", status="queued", error_code=None)
            life.is_sent_wrongly()
            life.is_looked_at()
            mails, texts = life.is_told_of()
            histories = asyncio.run(_histories(made))
            ended = _has_ended(slow)
            made.run("backup", str(folder / BACKUPS))
        yield Lived(
            life.canaries, folder, {path.name: path.read_bytes() for path in sorted(folder.rglob("*.log"))},
            {path.name: path.read_bytes() for path in (folder / "temporal").glob("temporal.sqlite3*")},
            histories, made.answers, mails, texts, ended,
        )  # fmt: skip
    finally:
        patch.undo()
        engine.dispose()


def _settings(database: Path, smtp_port: int, sms_url: str) -> dict[str, str]:
    return {
        "FOOTBRIDGE_ENVIRONMENT": "production", "FOOTBRIDGE_PUBLIC_URL": "https://bridges.example",
        "FOOTBRIDGE_SECRET_KEY": SECRET, "FOOTBRIDGE_DATABASE_URL": f"sqlite:///{database}",
        "FOOTBRIDGE_INTERNAL_HOSTS": "127.0.0.1", "FOOTBRIDGE_EMAIL_GATEWAY": "smtp", "FOOTBRIDGE_SMTP_TLS": "none",
        "FOOTBRIDGE_SMTP_PORT": str(smtp_port), "FOOTBRIDGE_SMS_GATEWAY": "http", "FOOTBRIDGE_SMS_URL": sms_url,
        "FOOTBRIDGE_SMS_ACCOUNT": "AC1", "FOOTBRIDGE_SMS_TOKEN": "secret", "FOOTBRIDGE_SMS_FROM": "+15550100000",
    }  # fmt: skip


def _give_phones() -> None:
    with engine.transaction() as session:
        for row in session.exec(select(Staff)):
            row.phone, row.wants_sms, row.wants_email = "+15550100100", True, True
        assert session.exec(select(Program)).first() is not None


def _has_ended(slow: socket.socket) -> bool:
    """Whether the web server has cut off the client that never ended its headers."""
    slow.settimeout(20)
    try:
        return slow.recv(100) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    finally:
        slow.close()


async def _histories(made: Processes) -> str:
    """Every history that Temporal holds, as JSON, with each payload decoded."""
    client = await Client.connect(made.temporal.address)
    found: list[str] = []
    async for one in client.list_workflows():
        history = await client.get_workflow_handle(one.id, run_id=one.run_id).fetch_history()
        text = history.to_json()
        payloads = re.findall(r'"(?:data|metadata|encoding)":\s*"([A-Za-z0-9+/=]+)"', text)
        found += [one.id, text, *(base64.b64decode(part + "==").decode("latin-1") for part in payloads)]
    return "\n".join(found)


def test_no_log_holds_a_word_of_a_person(lived: Lived) -> None:
    assert {"api.log", "worker.log", "temporal.log"} <= set(lived.logs)
    assert b"fault " in lived.logs["api.log"], "the failures were there"
    assert re.search(rb"activity \w+: OperationalError", lived.logs["worker.log"]), "the worker's, too"
    for name, log in lived.logs.items():
        assert lines_with(lived.canaries, log.decode("utf-8", "replace")) == [], name


def test_temporal_holds_no_word_of_a_person(lived: Lived) -> None:
    assert sum(map(len, lived.temporal.values())) > 100_000
    assert "transition-ref_" in lived.histories
    assert re.search(r"(NotSent|OperationalError) in \w+", lived.histories), "the failures were there, by name alone"
    for name, content in lived.temporal.items():
        assert lived.canaries.found_in(content) == set(), name
    assert lines_with(lived.canaries, lived.histories) == []


def test_a_backup_holds_no_word_of_a_person_for_whoever_lacks_the_key(lived: Lived) -> None:
    """Its folder whole: the copied records, the manifest, files' names, what was said; and the database as it lies."""
    files = [path for path in (lived.folder / BACKUPS).rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"manifest.json", "records.sqlite3"}
    copied = next(path for path in files if path.name == "records.sqlite3")
    for path in files:
        assert lived.canaries.found_in(str(path)) == set()
        expected = NOT_SEALED if path == copied else set()
        assert lived.canaries.found_in(path.read_bytes()) == expected, path.name
    assert b"backups/" in lived.logs["backup.log"]
    for path in lived.folder.glob("footbridge.sqlite3*"):
        assert lived.canaries.found_in(path.read_bytes()) <= NOT_SEALED, path.name


def test_a_backup_holds_every_word_for_whoever_has_the_key(lived: Lived) -> None:
    """The control: it is a copy of all that the life left."""
    (copied,) = (lived.folder / BACKUPS).rglob("records.sqlite3")
    opened = create_engine(f"sqlite:///{copied}")
    with Session(opened) as session:
        assert set(lived.canaries.words) - NEVER_KEPT - lived.canaries.found_in(held_in(session)) == set()
    opened.dispose()


def held_in(session: Session) -> str:
    """Everything that the records hold, opened."""
    tables = sorted(SQLModel._sa_registry.mappers, key=lambda mapper: mapper.class_.__name__)
    return "\n".join(str([row.model_dump() for row in session.exec(select(one.class_))]) for one in tables)


def test_messages_name_nobody(lived: Lived) -> None:
    """E-mail with every header, and texts: they lead to the page that has it. To whom they go is staff."""
    assert lived.mails
    assert lived.texts
    for mail in lived.mails:
        assert lived.canaries.found_in(mail.content or b"") == set()
        assert lived.canaries.found_in(repr((mail.mail_from, mail.rcpt_tos))) == set()
    for text in lived.texts:
        assert lived.canaries.found_in(json.dumps([text["path"], text["form"], text["headers"]])) == set()


def test_refusals_and_faults_repeat_nothing(lived: Lived) -> None:
    refused = [one for one in lived.answers if one.answer.status_code >= 400]
    assert {one.answer.status_code for one in refused} >= {400, 403, 404, 422, 500, 503}
    for one in refused:
        is_page = "html" in one.answer.headers.get("content-type", "")
        if is_page and (one.answer.status_code in SHOWN_TO_WHO_TYPED or one.path == "/sign-in"):
            continue
        found = lived.canaries.found_in(one.answer.text)
        assert found == set(), f"{one.method} {one.path[:80]}: {one.answer.status_code} {one.answer.text[:300]}"


def test_no_address_and_no_header_of_ours_holds_a_word_of_a_person(lived: Lived) -> None:
    seen = 0
    for one in lived.answers:
        was_asked = lived.canaries.found_in(one.path)  # what somebody wrote into an address comes back in `next`
        for address in _ADDRESS.findall(one.answer.text) if one.answer.status_code == 200 else []:
            if not address.startswith(OF_THE_PHONE):
                seen += 1
                may = was_asked | ({"place"} if address.startswith(MAP) else set())
                assert lived.canaries.found_in(address) <= may, (one.path, address)
        headers = {name: value for name, value in one.answer.headers.items() if name != "location"}
        assert lived.canaries.found_in(repr(headers)) == set(), (one.path, headers)
        assert lived.canaries.found_in(one.answer.headers.get("location", "")) <= was_asked, one.path
    assert seen > 200


def test_metrics_and_the_description_count_and_name_nobody(lived: Lived) -> None:
    for path in ("/metrics", "/openapi.json"):
        answer = next(one.answer for one in lived.answers if one.path == path)
        assert answer.status_code == 200
        assert lived.canaries.found_in(answer.text) == set()


def test_what_is_for_others_holds_only_what_they_may_see(lived: Lived) -> None:
    """The handoff card is the person's own; the outbox, measures and files name nobody."""
    for one in lived.answers:
        if one.path.endswith(("/handoff",)):
            may = {"given name", "family name", "preferred name", "phone", "place", "place when", "appointment"}
            assert lived.canaries.found_in(one.answer.text) <= may
        if one.path.startswith(("/measures", "/outbox")) or one.path.endswith(".csv"):
            assert lived.canaries.found_in(one.answer.text) == set(), one.path


def test_the_search_finds_what_is_there(lived: Lived) -> None:
    """The control: the records hold every word, those who may see them are shown them, and a planted line is found."""
    with engine.read_session() as session:
        held = held_in(session)
    kept = set(lived.canaries.words) - NEVER_KEPT
    assert kept - lived.canaries.found_in(held) == set()
    shown = set().union(*(lived.canaries.found_in(one.answer.text) for one in lived.answers if one.answer.is_success))
    assert {"given name", "family name", "phone", "place", "safety note", "note of an attempt"} <= shown
    word = lived.canaries.of("family name")
    for planted in (
        word,
        word.upper(),
        f"x{word}y",
        base64.b64encode(f"..{word}".encode()).decode(),
        word.encode().hex(),
    ):
        assert lived.canaries.found_in(lived.logs["api.log"] + planted.encode()) == {"family name"}, planted
        assert lined_up(lived, planted)


def lined_up(lived: Lived, planted: str) -> bool:
    """Whether it is found in a line among the lines of a log, too."""
    return len(lines_with(lived.canaries, f"{lived.logs['api.log'].decode()}\nfault {planted}\n")) == 1


def test_a_slow_client_was_cut_off_by_the_web_server_as_it_is_run(lived: Lived) -> None:
    assert lived.slow_client_ended
