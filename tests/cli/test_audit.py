"""`footbridge audit` as people and machines run it: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from records import clock, engine
from records.settings import get_settings
from tests.api.house import NOW, build_house


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """The command line over a house with a journal."""
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL", database)
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "a key that both have, long enough for anybody")
    get_settings.cache_clear()
    with clock.stopped_at(NOW):
        build_house().file()
        yield CliRunner()
    get_settings.cache_clear()


def test_a_journal_that_is_whole_and_one_that_is_not(run: CliRunner) -> None:
    head = run.invoke(app, ["audit", "head"])
    assert head.exit_code == 0, head.output
    kept = head.stdout.strip()
    assert kept.startswith("1:")
    assert run.invoke(app, ["audit", "head"]).stdout.strip() == kept, "nothing new: the same head"
    whole = run.invoke(app, ["audit", "verify", "--head", kept])
    assert (whole.exit_code, whole.stdout.startswith("Everything stands as it was written")) == (0, True)
    assert run.invoke(app, ["audit", "verify", "--head", "1:made-up"]).exit_code == 1
    engine.configure(get_settings().sqlalchemy_url())
    with engine.transaction() as session:
        session.execute(text("UPDATE journal SET actor = 'stf_other' WHERE id = 3"))
    told = run.invoke(app, ["audit", "verify", "--json"])
    found = json.loads(told.stdout)
    assert (told.exit_code, found["is_whole"], found["seals"]) == (1, False, 1)
    assert "was altered" in found["problems"][0]
