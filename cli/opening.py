"""How a command of the terminal gets at settings and records, with plain words where it cannot."""

from __future__ import annotations

from pydantic import ValidationError
from sqlmodel import select

from cli import guard
from records import engine, migrate
from records.commands.upkeep import share_clock
from records.secret_files import SecretFile
from records.settings import Settings, get_settings
from records.tables import Facility, Program


class Stop(Exception):
    """Why a command of the terminal goes no further, in a sentence for the person at the keyboard, and how it ends."""

    def __init__(self, sentence: str, *, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def settings_for_use() -> Settings:
    """The settings, fit to work with. Raises Stop naming each variable or file that cannot be read, NotReady."""
    try:
        settings = get_settings()
    except SecretFile as error:
        raise Stop(str(error)) from error
    except ValidationError as error:
        wrong = [f"FOOTBRIDGE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_url=False)]
        raise Stop("\n".join(wrong)) from error
    settings = guard.with_secret(settings)
    guard.require_settings(settings)
    return settings


def open_records(settings: Settings) -> None:
    """Open the records for this process, on the clock that all share. Raises Stop (not migrated), NotReady."""
    url = settings.sqlalchemy_url()
    require_restored(url)
    if not migrate.may_serve(url):
        raise Stop("The records are not at the step this version needs. Run: footbridge migrate")
    engine.configure(url)
    with engine.transaction() as session:
        guard.require_records(session, settings)
        share_clock(session, settings.clock_speed)


def require_restored(url: str) -> None:
    """Raise Stop while a backup is being put into this database, or when that was begun and not finished."""
    if migrate.is_being_restored(url):
        raise Stop(
            "A backup is being put into this database, or that was not finished: nothing may run on it. If it does not"
            " go on, run it again: footbridge restore"
        )


def the_program(name: str = "") -> Program:
    """The program of that name, or the only one. Raises Stop."""
    with engine.read_session() as session:
        programs = list(session.exec(select(Program).order_by(Program.name)))
    if not programs:
        raise Stop('There is no program yet. Set one up: footbridge program add "Its name"')
    found = [p for p in programs if p.name.casefold() == name.casefold()] if name else programs
    if len(found) == 1:
        return found[0]
    names = ", ".join(p.name for p in programs)
    raise Stop(f"Say which program with --program. There are: {names}")


def the_facility(program: Program, name: str) -> Facility:
    """The facility of that name; without one, the only jail or prison. Raises Stop with the names there are."""
    with engine.read_session() as session:
        facilities = list(
            session.exec(select(Facility).where(Facility.program_id == program.id).order_by(Facility.name))
        )
    for facility in facilities:
        if facility.name.casefold() == name.strip().casefold():
            return facility
    names = ", ".join(f.name for f in facilities) or "none yet; add one: footbridge facility add"
    jails = [facility for facility in facilities if facility.setting.is_custody]
    if not name.strip():
        if len(jails) == 1:
            return jails[0]
        raise Stop(f"Say whose list it is with --facility. There are: {names}")
    raise Stop(f"There is no facility “{name}”. There are: {names}")
