"""`footbridge import`: a jail's release list, each row with what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.opening import Stop, open_records, settings_for_use, the_facility, the_program
from records import engine
from records.access import system_actor
from records.commands.imports import REFUSED, import_releases


def import_file(
    file: Annotated[Path, typer.Argument(help="The list, CSV.", metavar="FILE.csv")],
    facility: Annotated[str, typer.Option(help="Whose list it is.")],
    program: Annotated[str, typer.Option(help="Which program, when there are several.")] = "",
) -> None:
    """Take a release list: referrals are filed, known ones updated. Safe to run again with the same list."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}.") from error
    open_records(settings_for_use())
    owner = the_program(program)
    place = the_facility(owner, facility)
    with engine.transaction() as session:
        report = import_releases(session, system_actor(owner.id, "system:csv"), data, facility_id=place.id)
    if report.problems:
        raise Stop("\n".join(report.problems))
    for row in report.rows:
        print(f"row {row.number:>6}  {row.result:<9}  {row.sentence}")
    counted = ", ".join(f"{count} {result}" for result, count in sorted(report.counts.items()))
    print(f"{len(report.rows)} rows: {counted or 'nothing to do'}.")
    if report.counts.get(REFUSED):
        raise typer.Exit(1)
