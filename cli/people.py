"""`footbridge user`, `program`, `facility`, `token`: who works here, set up from a terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from sqlmodel import Session, select

from cli.opening import Stop, open_records, settings_for_use, the_facility, the_program
from domain.vocabulary import FacilityKind, Role, Setting
from records import engine
from records.access import system_actor
from records.commands import links, sign_in
from records.commands import programs as program_commands
from records.commands import staff as staff_commands
from records.commands.second_factor import asked_at_first
from records.settings import get_settings
from records.tables import Program, Staff

users = typer.Typer(help="People who sign in.", no_args_is_help=True)
programs = typer.Typer(help="Programs: the peer organizations that answer.", no_args_is_help=True)
facilities = typer.Typer(help="Facilities: the hospitals and jails that refer people.", no_args_is_help=True)

HAND = "system:terminal"

ProgramName = Annotated[str, typer.Option("--program", help="Which program, when there are several.")]


@programs.command("add")
def add_program(
    name: Annotated[str, typer.Argument(help="What the program calls itself.")],
    zone: Annotated[str, typer.Option(help="Its time zone.")] = "America/New_York",
    neutral_name: Annotated[str, typer.Option(help="What messages may say: it tells nothing of what you do.")] = "",
    phone: Annotated[str, typer.Option(help="The number that people may call.")] = "",
    accepts_at_once: Annotated[bool, typer.Option(help="Take every referral without a decision.")] = False,
) -> None:
    """Set up a program, with the shipped protocols as its first ones."""
    open_records(settings_for_use())
    with engine.transaction() as session:
        row = program_commands.create_program(
            session,
            name,
            zone=zone,
            neutral_name=neutral_name,
            phone=phone,
            accepts_at_once=accepts_at_once,
            second_step_of=asked_at_first(),
        )
        print(f"{row.name} is set up, with its protocols. Next: footbridge facility add, footbridge user add.")
        if asked_at_first():
            print("Everybody signs in with a second step. On the page Staff it is asked of fewer roles.")


@programs.command("access")
def program_access(
    name: str = typer.Argument(help="The program's name."),
    grace_hours: int | None = typer.Option(None, help="So long may be read what was handed over; 0: not at all."),
    glass_hours: int | None = typer.Option(None, help="So long a record stays open that was opened with a reason."),
) -> None:
    """Set how long access lasts after a handover, and behind broken glass. Without options: shows it."""
    open_records(settings_for_use())
    with engine.transaction() as session:
        program = session.exec(select(Program).where(Program.name == name)).first()
        if program is None:
            raise Stop(f"There is no program called {name}.")
        if grace_hours is not None or glass_hours is not None:
            hand = system_actor(program.id, HAND)
            program_commands.set_access_rules(
                session, hand, handover_grace_hours=grace_hours, break_glass_hours=glass_hours
            )
        print(f"Handed over: to be read for {program.handover_grace_hours} hours more.")
        print(f"Opened with a reason: open for {program.break_glass_hours} hours.")


@facilities.command("add")
def add_facility(
    name: Annotated[str, typer.Argument(help="The facility's name.")],
    kind: Annotated[FacilityKind, typer.Option(help="What sort of place it is.")],
    setting: Annotated[Setting, typer.Option(help="Where its people usually leave from.")],
    program: ProgramName = "",
    zone: Annotated[str, typer.Option(help="Its time zone; empty: the program's.")] = "",
    phone: Annotated[str, typer.Option(help="Its number.")] = "",
    needs_clearance: Annotated[bool, typer.Option(help="Bridgers need leave to enter it.")] = False,
) -> None:
    """Add a hospital, emergency department, jail or prison."""
    open_records(settings_for_use())
    owner = the_program(program)
    with engine.transaction() as session:
        program_commands.add_facility(
            session, system_actor(owner.id, HAND), name, kind, setting, zone=zone, phone=phone,
            needs_clearance=needs_clearance,
        )  # fmt: skip
    print(f"{name} is on the list.")


@users.command("add")
def add_user(
    email: Annotated[str, typer.Argument(help="Their e-mail address, with which they sign in.")],
    name: Annotated[str, typer.Option(help="Their full name.")],
    role: Annotated[list[Role], typer.Option(help="What they do. Repeat for several.")],
    facility: Annotated[str, typer.Option(help="Where a discharge planner works.")] = "",
    supervisor: Annotated[str, typer.Option(help="The e-mail address of a bridger's supervisor.")] = "",
    program: ProgramName = "",
) -> None:
    """Add somebody who signs in, and print a link with which they choose their password. It is good once."""
    open_records(settings_for_use())
    owner = the_program(program)
    place = the_facility(owner, facility) if facility else None
    hand = system_actor(owner.id, HAND)
    with engine.transaction() as session:
        above = _find(session, supervisor).id if supervisor else owner.supervisor_id or None
        row = staff_commands.add_staff(
            session, hand, email=email, name=name, roles=role,
            facility_id=place.id if place else None, supervisor_id=above if Role.BRIDGER in role else None,
        )  # fmt: skip
        link = links.invite(session, hand, row.id, by_email=False)
        in_charge = _put_in_charge(session, owner, row, role)
    print(f"{row.name} is on the list as {row.email}.")
    for duty in in_charge:
        print(f"{row.first_name} is the program's {duty} until you name another.")
    _show_link(link)


@users.command("invite")
def invite(email: Annotated[str, typer.Argument(help="Whose password is to be chosen.")]) -> None:
    """Print a link with which somebody chooses a new password. It is good once; any earlier one is void."""
    open_records(settings_for_use())
    with engine.transaction() as session:
        row = _find(session, email)
        link = links.invite(session, system_actor(row.program_id, HAND), row.id, by_email=False)
    _show_link(link)


@users.command("password")
def new_password(email: Annotated[str, typer.Argument(help="Whose password is void from now on.")]) -> None:
    """Void somebody's password, end every session of theirs, and print a link with which they choose another."""
    open_records(settings_for_use())
    with engine.transaction() as session:
        row = _find(session, email)
        link = links.void_password(session, system_actor(row.program_id, HAND), row.id)
    print(f"The password of {row.email} is void, and they were signed out everywhere.")
    _show_link(link)


def token(
    email: Annotated[str, typer.Argument(help="Whose rights the token has.")],
    name: Annotated[str, typer.Option(help="What it is for, to know it by later.")] = "from the terminal",
    days: Annotated[int, typer.Option(help="How long it is good for.")] = 90,
) -> None:
    """Make a bearer token for the API. It is shown once and kept as a hash."""
    open_records(settings_for_use())
    with engine.transaction() as session:
        row = _find(session, email)
        made = sign_in.create_token(session, row, name, days, by=HAND)
    print(f"A token of {row.email}, good for {days} days; it is not shown again:", file=sys.stderr)
    print(made)


def _find(session: Session, email: str) -> Staff:
    row = session.exec(select(Staff).where(Staff.email == email.strip().lower())).first()
    if row is None or not row.is_active:
        raise Stop(f"Nobody here signs in as {email}.")
    return row


def _put_in_charge(session: Session, program: Program, row: Staff, roles: list[Role]) -> list[str]:
    """Whoever comes first is in charge: an escalation must reach somebody from the first day on."""
    missing = {
        "supervisor_id": Role.SUPERVISOR in roles and not program.supervisor_id,
        "clinician_id": Role.CLINICIAN in roles and not program.clinician_id,
        "manager_id": Role.MANAGER in roles and not program.manager_id,
    }
    duties = [duty for duty, is_missing in missing.items() if is_missing]
    if duties:
        hand = system_actor(program.id, HAND)
        program_commands.set_people_in_charge(session, hand, **dict.fromkeys(duties, row.id))
    words = {"supervisor_id": Role.SUPERVISOR, "clinician_id": Role.CLINICIAN, "manager_id": Role.MANAGER}
    return [words[duty].label.lower() for duty in duties]


def _show_link(link: str) -> None:
    print("A link to choose their password, good once, for seven days; it is not shown again:", file=sys.stderr)
    print(links.address_of(get_settings().base_url(), link))
