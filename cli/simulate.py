"""`footbridge simulate`: invented lives through the protocols, with progress, what happened and how fast."""

from __future__ import annotations

import json

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.simulation.bulk import How, Lived, Lives, live_many, live_one, shrink

SHOWN = 5
"""Of so many broken lives the fewest faults are looked for; all are counted."""


def run(
    lives: int,
    how: How,
    *,
    only: int | None = None,
    processes: int = 1,
    as_json: bool = False,
    console: Console | None = None,
) -> int:
    """Simulate and print; returns the exit status: 1 when a promise was broken."""
    out = console or Console()
    with Progress(
        TextColumn("Living"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[faults]:,} faults, {task.fields[broken]} broken"),
        TimeRemainingColumn(),
        console=Console(stderr=True) if as_json else out,
        transient=True,
    ) as bar:
        task = bar.add_task("lives", total=1 if only is not None else lives, faults=0, broken=0)
        faults = broken = 0

        def progress(lived: Lived) -> None:
            nonlocal faults, broken
            faults, broken = faults + len(lived.met), broken + bool(lived.broken)
            bar.update(task, advance=1, faults=faults, broken=broken)

        if only is None:
            result = live_many(how, lives, processes=processes, progress=progress)
        else:
            result = Lives()
            result.add(live_one(how, only))
    if as_json:
        print(json.dumps({"seed": how.seed} | result.as_data(), indent=2))
    else:
        _tell(result, how, out)
    return 1 if result.broken else 0


def _tell(result: Lives, how: How, out: Console) -> None:
    out.print(table_of(result))
    if result.seconds:
        rate = result.lives / result.seconds
        out.print(f"{result.lives:,} journeys, seed {how.seed}: {rate:,.1f} a second, {rate * 60:,.0f} a minute.")
    out.print(f"{result.faults:,} faults. Digest of all journals: {result.digest[:16]}.")
    for lived in result.broken[:SHOWN]:
        _tell_fewest(lived, how, out)
    if result.broken:
        count = sum(len(one.broken) for one in result.broken)
        out.print(f"{count} violations in {len(result.broken)} lives.", style="bold red")
    else:
        out.print("Every promise held at every step: 0 violations.", style="bold green")


def _tell_fewest(lived: Lived, how: How, out: Console) -> None:
    """What broke in a life, the fewest of its faults that still break it, and how to live it again."""
    fewest = shrink(how, lived.number)
    again = f"footbridge simulate --seed {how.seed} --faults {how.faults:g} --only {lived.number}"
    out.print(
        f"[bold red]Broken[/] life {lived.number}, after {len(lived.met)} faults; again: {again}", highlight=False
    )
    for problem in (fewest.broken or lived.broken)[:3]:
        out.print(f"  {problem}", highlight=False, markup=False)
    out.print(f"  breaks with {len(fewest.met)} of them:" if fewest.met else "  breaks with none of them")
    for met in fewest.met:
        out.print(f"    {met}", highlight=False, markup=False)


def table_of(result: Lives) -> Table:
    """What happened, counted."""
    table = Table("what", "how often", title="What happened")
    table.columns[1].justify = "right"
    for what, count in sorted(result.counts.items()):
        table.add_row(what, f"{count:,}")
    return table
