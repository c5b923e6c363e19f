"""Log lines as JSON for those who collect them, and as text for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from cli.logs import log_to_stderr
from records.settings import Settings


@pytest.fixture(autouse=True)
def log_again_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def say_both() -> None:
    log = logging.getLogger("footbridge.tests")
    log.warning("temporal did not take %s", "ref_one")
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("a fault\nwith a second line")


def test_as_json_every_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(Settings(log_format="json"))
    say_both()
    warning, fault = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (warning["level"], warning["logger"], warning["event"]) == (
        "warning",
        "footbridge.tests",
        "temporal did not take ref_one",
    )
    assert warning["time"].endswith("Z")
    assert fault["event"] == "a fault\nwith a second line"
    assert "RuntimeError: broken" in fault["exception"]


def test_as_text_people_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(Settings())
    say_both()
    first = capsys.readouterr().err.splitlines()[0]
    assert first.endswith("WARNING footbridge.tests temporal did not take ref_one")


def test_in_production_json_tells_no_message_of_an_error_either(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(Settings(log_format="json", environment="production"))
    who = "Ada Sample"
    try:
        raise RuntimeError(who)
    except RuntimeError:
        logging.getLogger("footbridge.tests").exception("a fault\x1b[2J")
    line = capsys.readouterr().err
    assert (line.count("\n"), line.strip().isprintable()) == (1, True)
    assert "Ada" not in line
    assert "RuntimeError: (its message is left out)" in json.loads(line)["exception"]
