"""`footbridge rebuild`: Temporal lost its data, or has older data than the records; every appointment is made anew."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.opening import Stop, open_records, settings_for_use


def rebuild() -> None:
    """Make every appointment in Temporal anew from the records. Safe at any time: nothing happens twice."""
    from workflows import rebuilding

    open_records(settings_for_use())
    columns = TextColumn("Telling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("workflows", total=None)
            done = rebuilding.rebuild(lambda told, of: bar.update(task, completed=told, total=of))
    except (RuntimeError, TimeoutError) as error:
        raise Stop("Temporal cannot be reached. Start it, and see TEMPORAL_ADDRESS.") from error
    print(f"{done.told:,} of {done.awaited:,} workflows were told, {done.deliveries:,} messages set going.")
    if done.strays:
        print(f"{done.strays:,} workflows waited for what is over or not on record; they end.")
    if done.told < done.awaited:
        print("Upkeep tells the others within minutes, once Temporal takes them.")
        raise typer.Exit(1)
