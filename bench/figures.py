"""A figure, what is asked of it, and the table of all."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `is_met` is None where nothing is asked of it."""

    bench: str
    what: str
    value: float
    unit: str
    asked: str = ""
    is_met: bool | None = None


def at_most(bench: str, what: str, value: float, unit: str, limit: float) -> Figure:
    """A figure that must not be above the limit."""
    return Figure(bench, what, value, unit, f"at most {limit:,g}", value <= limit)


def at_least(bench: str, what: str, value: float, unit: str, limit: float) -> Figure:
    """A figure that must not be below the limit."""
    return Figure(bench, what, value, unit, f"at least {limit:,g}", value >= limit)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many percent lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def show(figures: Iterable[Figure], beside: Path) -> None:
    """Print the table, and write the same as JSON."""
    rows = list(figures)
    table = Table("bench", "what", "figure", "asked", "", title="What it costs")
    table.columns[2].justify = "right"
    for row in rows:
        mark = {True: "[green]met[/]", False: "[bold red]not met[/]", None: ""}[row.is_met]
        table.add_row(row.bench, row.what, f"{row.value:,.4g} {row.unit}", row.asked, mark)
    Console(width=130).print(table)
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    print(f"The same as JSON: {beside}")
