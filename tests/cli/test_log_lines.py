"""No line of the log can be made up by what somebody typed, and no error tells what it was about."""

from __future__ import annotations

import io
import logging
import re

import pytest

from cli.audit import _in_words
from cli.log_lines import LogLines
from domain.visible import visible
from records.queries.audit import Verified

FORGED = "2026-11-28 12:00:00,000 INFO footbridge.requests everything is well"
ATTEMPTS = (
    f"Ada\n{FORGED}", f"Ada\r\n{FORGED}", f"Ada\r{FORGED}", f"Ada\x85{FORGED}", f"Ada\u2028{FORGED}",
    "\x1b[2K\x1b[1A\x1b[31mred", "\x9b2Jgone", "\x07\x08\x7f", "\u202egnp.exe", "\ufeffhidden", "a\x00b", "\ud83d",
)  # fmt: skip
BEGINS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ERROR a\.name ")


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logger = logging.Logger("a.name")
    logger.addHandler(handler)
    handler.setFormatter(LogLines(tells_errors=True))
    return logger, written


@pytest.mark.parametrize("typed", ATTEMPTS, ids=ascii)
def test_what_somebody_typed_begins_no_line_and_moves_nothing(
    log: tuple[logging.Logger, io.StringIO], typed: str
) -> None:
    logger, written = log
    logger.error("fault: %s", typed)
    try:
        raise ValueError(typed)
    except ValueError:
        logger.exception("fault")
    lines = written.getvalue().rstrip("\n").split("\n")
    assert sum(bool(BEGINS.match(line)) for line in lines) == 2
    assert all(BEGINS.match(line) or line.startswith("    | ") for line in lines)
    assert all(line.isprintable() for line in lines)


def test_in_production_an_error_is_told_without_its_message(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.handlers[0].setFormatter(LogLines(tells_errors=False))
    who = "Ada Sample, (212) 555-0123"  # not where it is raised: a log shows the line of the code
    try:
        try:
            raise KeyError(who)
        except KeyError as error:
            raise ValueError(who) from error
    except ValueError:
        logger.exception("Exception in ASGI application\n")
    said = written.getvalue()
    assert "Ada" not in said
    assert "555" not in said
    assert "ValueError: (its message is left out)" in said
    assert "test_log_lines.py" in said, "where it broke"


def test_a_journal_that_was_tampered_with_draws_nothing_on_the_terminal() -> None:
    said = _in_words(
        Verified(problems=["entry 3 of \x1b[2J\x1b[HEverything stands as it was written was altered\n- x"])
    )
    assert said.count("\n") == 1
    assert "\x1b" not in said


@pytest.mark.parametrize("text", ["José Ó Briain", "زينب", "李小龍", "a\nb", "", "👩‍🦽".replace("\u200d", "")])
def test_ordinary_text_stays(text: str) -> None:
    assert visible(text) == text
