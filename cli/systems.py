"""`footbridge system-token`: the tokens of hospitals' and jails' own systems, from a terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.opening import open_records, settings_for_use, the_facility, the_program
from cli.people import HAND, ProgramName
from domain.vocabulary import SystemScope
from records import engine
from records.access import system_actor
from records.commands import systems
from records.queries.systems import list_tokens

tokens = typer.Typer(help="Tokens of other organizations' systems.", no_args_is_help=True)


@tokens.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="What the system is called; it stands in the journal.")],
    scope: Annotated[list[SystemScope], typer.Option(help="What it may do. Repeat for several.")],
    facility: Annotated[str, typer.Option(help="Whose it is; without it, the whole program's.")] = "",
    days: Annotated[int, typer.Option(help="How long it is good for, a year at most.")] = systems.USUAL_DAYS,
    program: ProgramName = "",
) -> None:
    """Make a token for a system. It is shown once and kept as a hash."""
    open_records(settings_for_use())
    owner = the_program(program)
    place = the_facility(owner, facility) if facility else None
    with engine.transaction() as session:
        row, token = systems.create_system_token(
            session, system_actor(owner.id, HAND), name=name, scopes=scope, days=days,
            facility_id=place.id if place else None,
        )  # fmt: skip
        said = f"A token of {row.name} for {place.name if place else owner.name}, good for {days} days ({row.id})"
    print(f"{said}; it is not shown again:", file=sys.stderr)
    print(token)


@tokens.command("list")
def show_tokens(program: ProgramName = "") -> None:
    """List the tokens that open something, the one that ends first on top."""
    open_records(settings_for_use())
    owner = the_program(program)
    with engine.read_session() as session:
        for one in list_tokens(session, system_actor(owner.id, HAND)):
            used = f"last used {one.row.used_at:%Y-%m-%d}" if one.row.used_at else "never used"
            may, whose = ", ".join(one.row.scopes), one.facility or owner.name
            print(f"{one.row.id}  {one.row.name}, {whose}: {may}; {used}; ends {one.row.expires_at:%Y-%m-%d}")


@tokens.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(help="Its id, as the list shows it.")], program: ProgramName = ""
) -> None:
    """End a token now."""
    open_records(settings_for_use())
    owner = the_program(program)
    with engine.transaction() as session:
        row = systems.revoke_system_token(session, system_actor(owner.id, HAND), token_id)
        said = f"The token of {row.name} opens nothing from now on."
    print(said)
