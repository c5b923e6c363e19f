"""The ASVS table is whole: each requirement of levels 1 and 2 is in it, and each file that it names is there."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "asvs.md"
LIST = ROOT / "tests" / "data" / "asvs-5.0.0-levels-1-2.csv"
FILE = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|js|md|csv|lock|yml|sh)|Dockerfile|deploy/Caddyfile|\.ci/run)\b")


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Each row: the requirements, what is asked and answered, where, by which test."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and re.match(r"\d+\.\d+\.\d+", cells[0]):
            yield cells[0], cells[1], cells[2], cells[3]


def named(cell: str) -> Iterator[str]:
    """`6.2.2, 6.2.3` and `7.2.1 to 7.2.3`, one by one."""
    for part in cell.split(", "):
        first, _, last = part.partition(" to ")
        section, _, begin = first.rpartition(".")
        for number in range(int(begin), int(last.rpartition(".")[2] or begin) + 1):
            yield f"{section}.{number}"


def test_every_requirement_of_the_two_levels_is_in_the_table() -> None:
    with LIST.open(encoding="utf-8", newline="") as file:
        asked = {row["requirement"] for row in csv.DictReader(file)}
    assert len(asked) == 253
    answered = {one for cell, *_ in rows() for one in named(cell)}
    assert asked - answered == set()


def test_every_row_says_where_and_by_which_test_or_why_not() -> None:
    for requirement, answer, where, test in rows():
        if answer.startswith("does not apply:"):
            continue
        if "not met" in answer.lower():
            assert len(answer) > 20, requirement
            continue
        assert where, f"{requirement}: where?"
        assert "tests/" in test, f"{requirement}: by which test?"


def test_every_file_that_the_table_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    files = {name for name in FILE.findall(text) if not name.startswith("security.")}
    assert len(files) > 80
    assert [name for name in sorted(files) if not (ROOT / name).is_file()] == []
