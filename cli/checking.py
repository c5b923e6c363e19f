"""`footbridge check`: every promise for every referral, read in another way, beside a system that goes on working."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import OperationalError

from cli.guard import NotReady
from cli.opening import Stop, open_records, settings_for_use
from records import clock
from records.checking.promises import NAMES
from records.checking.run import Checked, check, count_referrals
from records.migrate import UnknownStep
from records.settings import Settings

SHOWN = 40
"""So many findings are printed in words; all are counted, and `--json` has up to a thousand."""
NOT_ASKED = 2
"""The exit status when the check could not be made, or Temporal could not be asked and had to be."""


def check_promises(
    as_json: bool = typer.Option(False, "--json", help="Print what was found as JSON."),
    referral: list[str] = typer.Option([], help="The number of a referral; may be given several times."),
    since: str = typer.Option("", help="Only what changed since: an instant (2026-11-02T08:00), or hours (24h)."),
    processes: int = typer.Option(0, min=0, help="How many processes look at once; 0: as many as there are cores."),
    temporal: bool = typer.Option(True, help="Whether Temporal is asked too, when it can be reached."),
    require_temporal: bool = typer.Option(False, help="Fail when Temporal cannot be reached."),
) -> None:
    """Check every promise for every referral. Exit status: 0, all hold; 1, something does not; 2, that is not known."""
    settings = _open()
    only = referral or None
    bar = Progress(
        TextColumn("Checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    moment = _moment(since) if since else None
    with bar:
        task = bar.add_task("referrals", total=None if only or moment else count_referrals())
        result = check(
            only=only,
            since=moment,
            processes=processes or min(4, os.cpu_count() or 1),
            url=settings.sqlalchemy_url(),
            progress=lambda done: bar.advance(task, done),
        )
    if only and result.referrals < len(set(only)):
        raise Stop("There is no referral of that number.", status=NOT_ASKED)
    workflows = _ask_temporal(result) if temporal and not only and not moment else None
    print(json.dumps(result.as_data() | {"workflows": workflows}) if as_json else in_words(result, workflows))
    if workflows is None and require_temporal:
        raise Stop("Temporal could not be asked.", status=NOT_ASKED)
    raise typer.Exit(1 if result.violations else 0)


def _open() -> Settings:
    """Open the records; what stands against that is another exit status than a promise that does not hold."""
    try:
        settings = settings_for_use()
        open_records(settings)
    except (Stop, NotReady, UnknownStep, OperationalError) as error:
        said = str(error.orig) if isinstance(error, OperationalError) else str(error)
        raise Stop(said.strip(), status=NOT_ASKED) from error
    return settings


def _ask_temporal(result: Checked) -> int | None:
    """How many workflows run; None when Temporal cannot be asked."""
    from temporalio.service import RPCError

    from workflows.checking import check_temporal

    try:
        return check_temporal(result)
    except (RuntimeError, TimeoutError, OSError, RPCError):
        return None


def _moment(text: str) -> datetime:
    if text.endswith("h") and text[:-1].isdigit():
        return clock.now() - timedelta(hours=int(text[:-1]))
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise Stop(f"“{text}” is neither an instant nor a number of hours such as 24h.", status=NOT_ASKED) from None
    return given.astimezone() if given.tzinfo is None else given


def in_words(result: Checked, workflows: int | None = None) -> str:
    """The same for people."""
    lines = [f"{result.referrals:,} referrals in {result.seconds:,.1f} seconds."]
    lines.append("Temporal was not asked." if workflows is None else f"{workflows:,} workflows run.")
    for number, name in NAMES.items():
        count = result.counts.get(number, 0)
        stands = f"{count:,} times not" if count else "not asked" if number == 10 and workflows is None else "holds"
        lines.append(f"{number:>3}  {name:<36} {stands}")
    if result.late:
        lines.append(f"{result.late:,} times something was carried out late, by {_long(result.latest)} at most.")
    for one in result.findings[:SHOWN]:
        lines.append(f"- {one.referral or 'all together'}: {one.name}: {one.sentence}")
    if result.violations > SHOWN:
        lines.append(f"- and {result.violations - SHOWN:,} more")
    lines.append("Every promise holds." if not result.violations else f"{result.violations:,} things do not hold.")
    return "\n".join(lines)


def _long(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{length.total_seconds() / 60:,.0f} minutes" if hours < 2 else f"{hours:,.0f} hours"
