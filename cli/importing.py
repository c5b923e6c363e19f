"""`footbridge import`: a jail's release list, each row with what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.opening import Stop, open_records, settings_for_use, the_facility, the_program
from domain.interop.release_sample import sample_around
from records import clock, engine
from records.access import system_actor
from records.commands.imports import REFUSED, import_releases
from records.seed import SAMPLE


def import_file(
    file: Annotated[Path | None, typer.Argument(help="The list, CSV.", metavar="FILE.csv")] = None,
    facility: Annotated[str, typer.Option(help="Whose list it is, when there are several jails.")] = "",
    program: Annotated[str, typer.Option(help="Which program, when there are several.")] = "",
    sample: Annotated[bool, typer.Option(help="Print a list to begin from, with dates around today.")] = False,
) -> None:
    """Take a release list: referrals are filed, known ones updated. Safe to run again with the same list."""
    if sample:
        print(sample_around(SAMPLE.read_bytes(), clock.now().date()).decode("utf-8"), end="")
        return
    if file is None:
        raise Stop("Name the list: footbridge import FILE.csv. An example: footbridge import --sample > FILE.csv")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}.") from error
    open_records(settings_for_use())
    owner = the_program(program)
    place = the_facility(owner, facility)
    with engine.transaction() as session, _bar() as bar:
        task, slices = bar.add_task("rows", total=None), engine.Slices(session)

        def taken(done: int, rows: int) -> None:
            bar.update(task, completed=done, total=rows)
            slices.end_if_long()

        report = import_releases(
            session, system_actor(owner.id, "system:csv"), data, facility_id=place.id, progress=taken
        )
    if report.problems:
        raise Stop("\n".join(report.problems))
    for row in report.rows:
        print(f"row {row.number:>6}  {row.result:<9}  {row.sentence}")
    counted = ", ".join(f"{count} {result}" for result, count in sorted(report.counts.items()))
    print(f"{len(report.rows)} rows: {counted or 'nothing to do'}.")
    if report.counts.get(REFUSED):
        raise typer.Exit(1)


@contextmanager
def _bar() -> Iterator[Progress]:
    """How far it is, for whoever waits; on the error channel, since what became of each row is the output."""
    with Progress(
        TextColumn("Taking rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    ) as bar:  # fmt: skip
        yield bar
