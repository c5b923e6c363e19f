"""`footbridge keys`: under which secret keys the records lie, and how a new one takes over."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.opening import Stop, open_records, settings_for_use
from records import engine
from records.commands.keys import count_left, rotate
from records.queries.keys import ANOTHER, CLEAR, list_standings
from records.sealing import CannotOpen, NotSealed, keyring
from records.settings import Settings, get_settings

keys = typer.Typer(help="The secret key: under which keys the records lie, and a new one.", no_args_is_help=True)


@keys.command("status")
def status() -> None:
    """Say how many values lie under which key. Exit status 1: some are not under the key of now."""
    open_records(settings_for_use())
    with engine.read_session() as session:
        standings = list(list_standings(session))
    named = [*(name for name, _ in keyring().marking), ANOTHER, CLEAR]
    known = {name: sum(one.values.get(name, 0) for one in standings) for name in named}
    shown = [name for name in named if known[name] or name == keyring().current]
    titles = [f"{name} (now)" if name == keyring().current else name for name in shown]
    print(f"{'':<20}" + "".join(f"{title:>18}" for title in titles))
    for one in standings:
        if sum(one.values.values()):
            print(f"{one.table:<20}" + "".join(f"{one.values.get(name, 0):>18,}" for name in shown))
    left = sum(one.left for one in standings)
    print("Everything lies under the key of now." if not left else f"{left:,} values do not: footbridge keys rotate")
    print(_said_of_clear(known[CLEAR]))
    if known[ANOTHER]:
        print(f"{known[ANOTHER]:,} cannot be opened: give their key in FOOTBRIDGE_FORMER_SECRET_KEYS.")
    raise typer.Exit(1 if left else 0)


def _said_of_clear(count: int) -> str:
    """Whether something lies in the clear where it should be sealed, and what becomes of it when it is read."""
    if get_settings().sealed_only:
        found = f"{count:,} values lie in the clear and are refused" if count else "Nothing lies in the clear"
        return f"{found}: FOOTBRIDGE_SEALED_ONLY is set."
    if count:
        return f"{count:,} values lie in the clear and are read as they stand."
    return "Nothing lies in the clear: set FOOTBRIDGE_SEALED_ONLY=true, and nobody without the key puts anything there."


def has_unsealed(settings: Settings) -> bool:
    """Whether the records hold what is not under the key of now."""
    engine.configure(settings.sqlalchemy_url())
    with engine.read_session() as session:
        return count_left(session) > 0


@keys.command("rotate")
def rotate_keys() -> None:
    """Seal under the key of now whatever is not: after a new key, and once for records from before there was sealing.

    Safe while the program runs, and to be stopped and run again.
    """
    open_records(settings_for_use())
    with engine.read_session() as session:
        count = count_left(session)
    columns = TextColumn("Sealing rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    try:
        with (
            engine.transaction() as session,
            Progress(*columns, console=Console(stderr=True), transient=True) as bar,
        ):
            task = bar.add_task("rows", total=count)
            done = rotate(session, engine.Slices(session), lambda rows: bar.advance(task, rows))
    except NotSealed as error:
        said = "Find out who wrote it. If it is from before columns were sealed, leave that setting out, then run this."
        raise Stop(f"{error}. {said}") from error
    except CannotOpen as error:
        raise Stop(f"{error}. Give the former key in FOOTBRIDGE_FORMER_SECRET_KEYS.") from error
    with engine.read_session() as session:
        left = count_left(session)
    print(f"{done:,} rows were sealed under the key of now ({keyring().current}).")
    if left:
        raise Stop(f"{left:,} rows were being changed meanwhile. Run it again.")
    print("Nothing lies under another key: the former ones may go.")
