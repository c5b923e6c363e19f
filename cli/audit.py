"""`footbridge audit`: whether the journal stands as it was written, and the head to keep elsewhere."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import typer
from rich.console import Console
from rich.progress import Progress, TimeRemainingColumn

from cli.opening import open_records, settings_for_use
from domain.visible import visible
from records import engine
from records.commands.sealing import seal
from records.queries.audit import Verified, count_all, find_head, head_of, verify_all

audits = typer.Typer(help="The journal: verify it, and print the head to keep elsewhere.", no_args_is_help=True)


@audits.command("verify")
def verify(
    head: str = typer.Option("", help="A head that was kept elsewhere, as “footbridge audit head” printed it."),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as JSON."),
) -> None:
    """Look for anything altered, deleted, inserted, put in another order or cut off. Exit status 1: something was."""
    open_records(settings_for_use())
    columns = *Progress.get_default_columns()[:3], TimeRemainingColumn()
    shown = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
    with engine.read_session() as session:
        count = count_all(session)
    with engine.read_session() as session, shown as bar:
        task = bar.add_task("Verifying", total=count)
        found = verify_all(session, kept_head=head, progress=lambda done: bar.advance(task, done))
    print(json.dumps(asdict(found) | {"is_whole": not found.problems}) if as_json else _in_words(found))
    raise typer.Exit(1 if found.problems else 0)


def _in_words(found: Verified) -> str:
    looked = f"{found.entries:,} entries, {found.readings:,} readings and {found.seals:,} seals"
    if not found.problems:
        return f"Everything stands as it was written: {looked}."
    return "\n".join(
        [f"Something is wrong ({looked}):", *(f"- {visible(problem, keeps='')}" for problem in found.problems)]
    )


@audits.command("head")
def head() -> None:
    """Seal what was written so far and print the head: keep it where nobody who runs this can change it."""
    open_records(settings_for_use())
    with engine.transaction() as session:
        print(head_of(seal(session) or find_head(session)))
