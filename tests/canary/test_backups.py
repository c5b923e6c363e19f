"""A backup of PostgreSQL, whose file is packed: it is unpacked before it is searched."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, create_engine
from typer.testing import CliRunner

from cli.local_postgres import PostgresServer, postgres_binaries
from cli.main import app
from records import clock
from records.settings import get_settings
from tests.api.house import REFERRAL, build_house
from tests.canary.test_canary import NOT_SEALED, held_in
from tests.canary.tokens import Canaries

pytestmark = pytest.mark.postgresql


def person(canaries: Canaries) -> dict[str, Any]:
    """A person of whom every field is told."""
    of = canaries.of
    return {
        "given_name": of("given name"), "family_name": of("family name"), "preferred_name": of("preferred name"),
        "birth_on": "1971-03-04", "pronouns": of("pronouns"), "area": of("area"), "safety_note": of("safety note"),
        "aliases": [of("alias")],
        "phones": [{"number": canaries.phone("phone"), "note": of("phone note"), "may_text": True}],
        "places": [{"kind": "shelter", "text": of("place"), "when": of("place when")}],
        "identifiers": [{"system": of("identifier system"), "value": of("identifier"), "kind": "MR"}],
    }  # fmt: skip


def test_a_packed_copy_holds_no_word_of_a_person(
    shared_secret: None, database: str, postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, canaries = build_house(), Canaries()
    leaves = (clock.now() + timedelta(days=3)).date().isoformat()
    sent = REFERRAL | {
        "expected_on": leaves,
        "person": person(canaries),
        "unit": canaries.of("unit"),
        "note": canaries.of("note"),
    }
    assert house.call("planner", "POST", "/referrals", sent).status_code == 201
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", database)
    get_settings.cache_clear()
    said = CliRunner().invoke(app, ["backup", str(tmp_path)])
    assert said.exit_code == 0, said.output
    (dump,) = tmp_path.rglob("records.dump")
    unpack = [str(postgres_binaries() / "pg_restore"), "--file=-", str(dump)]
    plain = subprocess.run(unpack, capture_output=True, check=True).stdout
    assert canaries.found_in(plain) == NOT_SEALED, "what lies in the clear is found, so the rest would be"
    assert canaries.found_in(dump.read_bytes()) == set(), "packed, even that is not: searching it would prove nothing"
    assert canaries.found_in((dump.parent / "manifest.json").read_bytes() + said.output.encode()) == set()

    name = f"backup_{tmp_path.name.replace('-', '_')}"
    postgres.execute(f"CREATE DATABASE {name}")
    into = [str(postgres_binaries() / "psql"), "--quiet", f"--host={postgres.folder}", "--username=postgres", name]
    subprocess.run(into, input=plain, capture_output=True, check=True)
    opened = create_engine(postgres.url(name))
    with Session(opened) as session:
        assert canaries.found_in(held_in(session)) == set(canaries.words), "with the key every word is there"
    opened.dispose()
    postgres.execute(f"DROP DATABASE {name}")
