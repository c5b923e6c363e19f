"""`footbridge simulate`: invented lives through the protocols, with progress, what happened and how fast."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.simulation.run import Result, simulate

SHOWN = 20
"""How many broken invariants are printed; the count is of all."""


def run(referrals: int, seed: int, console: Console | None = None) -> int:
    """Simulate and print; returns the exit status: 1 when an invariant broke."""
    out = console or Console()
    with Progress(
        TextColumn("Living"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=out, transient=True
    ) as bar:
        task = bar.add_task("lives", total=referrals)
        result = simulate(referrals, seed, lambda done: bar.advance(task, done))
    out.print(table_of(result))
    rate = result.per_minute
    out.print(f"{result.lives:,} journeys, seed {seed}: {rate / 60:,.1f} a second, {rate:,.0f} a minute.")
    for problem in result.broken[:SHOWN]:
        out.print(f"[bold red]Broken[/] {problem}", highlight=False)
    if result.broken:
        out.print(f"{len(result.broken)} times an invariant did not hold.", style="bold red")
        return 1
    out.print("Every invariant held at every step.", style="bold green")
    return 0


def table_of(result: Result) -> Table:
    """What happened, counted."""
    table = Table("what", "how often", title="What happened")
    table.columns[1].justify = "right"
    for what, count in sorted(result.counts.items()):
        table.add_row(what, f"{count:,}")
    return table
