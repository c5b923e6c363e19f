"""Every column that could hold something about somebody is sealed, or docs/encryption.md says why it is not."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import JSON, Column
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import records.tables  # noqa: F401 (puts the tables into the metadata)
from records.marks import MARKED
from records.queries.keys import BY_ITSELF, MARKS
from records.tables.sealed import Sealed
from records.tables.told import Facts

PAGE = (Path(__file__).parents[2] / "docs/encryption.md").read_text(encoding="utf-8")
COLUMNS = [column for table in SQLModel.metadata.sorted_tables for column in table.columns]


def named(column: Column[object]) -> str:
    """As the page names it."""
    return f"{column.table.name}.{column.name}"


def is_sealed(column: Column[object]) -> bool:
    """Whether what it holds is sealed, in part at least."""
    return isinstance(column.type, Sealed | Facts) or BY_ITSELF.get(column.table.name) == column.name


def says_something(column: Column[object]) -> bool:
    """Whether it holds words or documents: no id, no member of a vocabulary, no mark, no number, no time."""
    is_id = column.name == "id" or column.name.endswith(("_id", "_by")) or column.name in ("by", "actor")
    is_mark = column.name.endswith(("_mark", "_marks"))
    return is_sealed(column) or (type(column.type) in (AutoString, JSON) and not is_id and not is_mark)


def listed(section: str) -> list[str]:
    """The columns in the first cells of a table of the page."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`(\w+\.\w+)`", cell)]


def test_every_column_is_sealed_or_it_is_said_why_not() -> None:
    sealed = {named(c) for c in COLUMNS if is_sealed(c)}
    assert len(sealed) > 45, "the test must see"
    assert set(listed("Sealed")) == sealed
    assert set(listed("In the clear, and why")) == {named(c) for c in COLUMNS if says_something(c)} - sealed
    assert [
        name for name, count in Counter(listed("Sealed") + listed("In the clear, and why")).items() if count > 1
    ] == []


@pytest.mark.parametrize("column", [c for c in COLUMNS if isinstance(c.type, Sealed)], ids=named)
def test_a_sealed_column_is_bound_to_its_own_name(column: Column[object]) -> None:
    assert isinstance(column.type, Sealed)
    assert column.type.about == named(column)


def test_every_table_with_marks_is_marked_anew_by_a_new_key() -> None:
    with_marks = {c.table.name for c in COLUMNS if c.name.endswith(("_mark", "_marks"))}
    assert with_marks == set(MARKED) == set(MARKS)
