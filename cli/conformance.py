"""`footbridge conformance`: an operator sees the promises kept on their own cluster and database."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli import guard
from cli.opening import Stop, settings_for_use
from records.settings import Settings

NOT_TRIED = 2
"""The exit status when the drill could not be held."""
_LEFT = (
    "The drill's records are gone again, and its workflows and schedules ended. In Temporal's namespace the closed "
    "histories stay until it forgets them; they hold ids and times."
)


def conformance(
    as_json: bool = typer.Option(False, "--json", help="Print what was seen as JSON."),
    people: int = typer.Option(40, min=4, max=5000, help="How many invented people fall due at one moment."),
) -> None:
    """Hold a drill on this database and Temporal: a burst, a killed worker, lost workflows, messages, the check.

    It works in a schema (or file) of its own and in a namespace that nobody works in, and needs about two minutes. Exit
    status: 0, every promise held; 1, one did not; 2, the drill could not be held.
    """
    from temporalio.service import RPCError

    from cli.drill.drills import Ground, InUse, Proof, drill
    from cli.drill.place import place_beside

    settings = settings_for_use()
    guard.require_temporal(settings)
    proofs: list[Proof] = []
    said = Console(stderr=True)
    try:
        with tempfile.TemporaryDirectory() as folder, place_beside(settings.sqlalchemy_url()) as url:
            ground = Ground(_environment(settings, url), Path(folder) / "worker.log", people)
            for proof in drill(ground):
                proofs.append(proof)
                said.print(f"{'held' if proof.held else 'NOT HELD'}: {proof.promise}", highlight=False)
    except (InUse, RuntimeError, TimeoutError, RPCError) as error:
        raise Stop(f"The drill could not be held to its end: {error}", status=NOT_TRIED) from error
    held = all(proof.held for proof in proofs)
    if as_json:
        print(json.dumps({"held": held, "proofs": [asdict(proof) for proof in proofs], "left": _LEFT}))
    else:
        _show(proofs)
    raise typer.Exit(0 if held else 1)


def _environment(settings: Settings, url: str) -> dict[str, str]:
    """Of the drill's worker: these records, and no way out but the outbox."""
    kept = {name: value for name, value in os.environ.items() if name != "FOOTBRIDGE_DATABASE_URL_FILE"}
    return kept | {
        "FOOTBRIDGE_DATABASE_URL": url,
        "FOOTBRIDGE_EMAIL_GATEWAY": "outbox",
        "FOOTBRIDGE_SMS_GATEWAY": "outbox",
        "FOOTBRIDGE_WORKER_METRICS": "",
        "FOOTBRIDGE_CLOCK_SPEED": "1",
        "FOOTBRIDGE_DATA_DIR": str(settings.data_dir),
    }


def _show(proofs: Sequence[Any]) -> None:
    table = Table("promise", "", "seen", title="What this database and this Temporal keep")
    for proof in proofs:
        table.add_row(proof.promise, "[green]held[/]" if proof.held else "[bold red]not held[/]", proof.seen)
    Console(width=150).print(table)
    print(_LEFT)
