"""The first start in production: an address on the console makes the first administrator, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import Response
from pydantic import SecretStr
from sqlmodel import select

from api.app import create_app
from cli.first_start import say_it, set_up_address
from domain.errors import NotFound
from domain.vocabulary import Role
from records import clock, engine
from records.access import actor_of, system_actor
from records.commands import programs, set_up, sign_in, staff
from records.commands.own_second_factor import ask_second_factor_of
from records.commands.second_factor import is_needed, required_roles
from records.settings import Settings, get_settings
from records.tables import JournalEntry, Meta, Program, ProtocolVersion, Staff
from tests.api.signing import token_of
from tests.pages.bridging import NOW
from tests.pages.client import TestClient
from tests.pages.harness import check_page

PASSWORD = "three quiet herons wade"
TYPED = {"program": "Example Bridges", "zone": "America/Chicago", "name": "Ada Min", "email": "ada@bridges.example",
         "password": PASSWORD, "again": PASSWORD}  # fmt: skip
PRODUCTION = Settings(environment="production", public_url="https://bridges.example")


@pytest.fixture
def app(database: str) -> Iterator[FastAPI]:
    with clock.stopped_at(NOW):
        yield create_app(get_settings())


def path() -> str:
    address = set_up_address(PRODUCTION)
    assert address is not None
    return address.removeprefix("https://bridges.example")


def send(client: TestClient, where: str, **changes: str) -> Response:
    form = client.get(where)
    check_page(form.text)
    if form.status_code != 200:
        return form
    answer: Response = client.post(where, data={"csrf_token": token_of(form.text)} | TYPED | changes)
    if answer.text:
        check_page(answer.text)
    return answer


def test_the_console_shows_the_address_and_its_page_makes_program_and_administrator(
    app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    say_it(PRODUCTION)
    shown = re.search(r"https://bridges\.example(/set-up/\S+)", capsys.readouterr().out)
    assert shown is not None
    client = TestClient(app, follow_redirects=False)
    done = send(client, shown[1])
    assert (done.status_code, done.headers["location"]) == (303, "/staff")
    assert client.get("/staff").status_code == 200
    assert sign_in.sign_in(TYPED["email"], PASSWORD)
    with engine.read_session() as session:
        program, admin = session.exec(select(Program)).one(), session.exec(select(Staff)).one()
        assert (program.name, program.zone) == ("Example Bridges", "America/Chicago")
        assert admin.roles == ["admin"]
        assert session.exec(select(ProtocolVersion)).first() is not None
        assert "program.set_up" in {entry.event for entry in session.exec(select(JournalEntry))}
        assert session.get(Meta, set_up.KEY) is None


def test_afterwards_it_is_gone_for_ever(app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    where = path()
    assert send(TestClient(app, follow_redirects=False), where).status_code == 303
    assert send(TestClient(app, follow_redirects=False), where).status_code == 404
    say_it(PRODUCTION)
    assert capsys.readouterr().out == ""
    with engine.transaction() as session:
        session.exec(select(Staff)).one().is_active = False
    assert set_up_address(PRODUCTION) is None, "also when the first administrator has left"


@pytest.mark.sqlite
def test_every_process_shows_the_same_address_until_it_is_a_day_old(app: FastAPI) -> None:
    first = path()
    assert path() == first
    clock.advance(set_up.LASTS - timedelta(seconds=1))
    assert TestClient(app).get(first).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert TestClient(app).get(first).status_code == 404
    assert path() != first, "starting again makes a new one"


@pytest.mark.sqlite
@pytest.mark.parametrize("made", ["/set-up/", "/set-up/x", "/set-up/ż"])
def test_a_made_up_address_leads_nowhere(app: FastAPI, made: str) -> None:
    path()
    assert TestClient(app).get(made).status_code == 404


@pytest.mark.sqlite
def test_before_the_console_showed_one_there_is_none(app: FastAPI) -> None:
    assert TestClient(app).get("/set-up/x").status_code == 404
    assert set_up_address(Settings(environment="demonstration")) is None


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"program": ""}, "program"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"email": "nobody"}, "email"),
        ({"password": "Password1234!", "again": "Password1234!"}, "password"),
        ({"password": "bridges.example 26", "again": "bridges.example 26"}, "password"),
        ({"again": "three quiet herons"}, "again"),
    ],
)
def test_what_is_wrong_is_said_and_the_address_stays_good(app: FastAPI, changes: dict[str, str], field: str) -> None:
    where, client = path(), TestClient(app, follow_redirects=False)
    answer = send(client, where, **changes)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert PASSWORD not in answer.text
    assert send(client, where).status_code == 303


@pytest.mark.sqlite
def test_a_program_that_the_terminal_made_gets_its_first_administrator(app: FastAPI) -> None:
    with engine.transaction() as session:
        programs.create_program(session, "Made Before")
    client = TestClient(app, follow_redirects=False)
    where = path()
    assert 'name="program"' not in client.get(where).text
    assert send(client, where, program="", zone="").status_code == 303
    with engine.read_session() as session:
        assert session.exec(select(Program)).one().name == "Made Before"


@pytest.mark.sqlite
def test_whoever_was_added_at_the_terminal_ends_it(app: FastAPI) -> None:
    where = path()
    with engine.transaction() as session:
        hand = system_actor(programs.create_program(session, "Made Before").id)
        staff.add_staff(session, hand, email="a@b.example", name="Ay Bee", roles=[Role.MANAGER])
    assert TestClient(app).get(where).status_code == 404


@pytest.mark.parametrize(("environment", "asked"), [("production", {role.value for role in Role}), ("test", set())])
def test_in_production_everybody_is_asked_for_a_second_step_until_the_program_says_otherwise(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, environment: str, asked: set[str]
) -> None:
    monkeypatch.setattr(get_settings(), "environment", environment)
    monkeypatch.setattr(get_settings(), "secret_key", SecretStr("5e" * 32))
    token = path().rpartition("/")[2]
    set_up.set_up(token, program="Example", zone="America/New_York", name="Ada Min", email="ada@bridges.example",
                  password=PASSWORD, agent="")  # fmt: skip
    with engine.transaction() as session:
        admin = session.exec(select(Staff)).one()
        assert set(required_roles(session, admin.program_id)) == asked
        assert is_needed(session, admin) == bool(asked)
        ask_second_factor_of(session, actor_of(admin), [])
        assert required_roles(session, admin.program_id) == []


def test_of_two_at_once_one_is_first(app: FastAPI) -> None:
    token = path().rpartition("/")[2]

    def make(number: int) -> bool:
        try:
            set_up.set_up(token, program="Example", zone="America/New_York", name="Ada Min",
                          email=f"ada{number}@bridges.example", password=PASSWORD, agent="")  # fmt: skip
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(make, range(2))) == [False, True]
    with engine.read_session() as session:
        assert len(session.exec(select(Staff)).all()) == len(session.exec(select(Program)).all()) == 1
