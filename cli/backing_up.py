"""`footbridge backup`, `restore` and `after-restore`: a copy while everything runs, and the way back from one."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from cli import copies, guard, postgres_copies, sqlite_copies
from cli.opening import Stop, open_records, settings_for_use
from records import engine, migrate
from records.access import actor_of
from records.commands.restoring import PutBack, put_back, release
from records.commands.upkeep import share_clock
from records.queries.audit import find_head, head_of
from records.queries.restored import find_restored, list_doubtful, list_doubtful_texts, list_held
from records.settings import Settings
from records.tables import Program, Referral, Staff

SHOWN = 40
"""So many differences are named; all are counted."""


def backup(
    folder: Path = typer.Argument(Path("backups"), help="Where backups are kept; each gets a folder of its own."),
) -> None:
    """Copy the records while everything runs, verify the copy, and say where it is. Only its owner can read it."""
    settings = settings_for_use()
    open_records(settings)
    url = settings.sqlalchemy_url()
    kind, way = _kind(url)
    made, manifest = copies.write(folder, kind, lambda data: way.copy_out(url, data))
    copies.verified(made)
    counts = manifest.counts
    print(f"{made}: {counts['referral']:,} referrals, {counts['journal']:,} entries, {manifest.size:,} bytes.")
    print(f"It is of {manifest.at:%Y-%m-%d %H:%M:%S} UTC; the journal's head is {manifest.head or 'none yet'}.")
    print(f"It cannot be read without the secret key {', '.join(manifest.keys)}: keep that elsewhere.")


def restore(
    backup: Path = typer.Argument(..., help="The folder that “footbridge backup” named."),
    replace: bool = typer.Option(False, help="Put it in place of records that are there; those are kept beside it."),
) -> None:
    """Put a backup in place, with everything stopped. Nothing that may have gone out since goes out by itself."""
    settings = settings_for_use()
    data, manifest = copies.read(backup)
    url = settings.sqlalchemy_url()
    kind, way = _kind(url)
    if kind != manifest.kind:
        raise Stop(f"The backup is of {manifest.kind}, and FOOTBRIDGE_DATABASE_URL names {kind}.")
    way.undo_unfinished(url)
    former = _ends(url)
    marked: list[PutBack] = []
    kept = way.put_in_place(
        data, url, replace=replace, prepare=lambda at: marked.append(_prepare(at, manifest, settings))
    )
    engine.configure(url)
    _say_what_is_lost(manifest, former)
    _say(manifest, marked[0], kept)
    engine.dispose()


def _prepare(url: str, manifest: copies.Manifest, settings: Settings) -> PutBack:
    """Bring the copy to the step of now and mark it, before anybody can use it."""
    migrate.upgrade(url)
    engine.configure(url, restoring=True)
    with engine.transaction() as session:
        guard.require_records(session, settings)
        share_clock(session, settings.clock_speed)
        if copies.counts_of(session) != manifest.counts or head_of(find_head(session)) != manifest.head:
            raise Stop("What was put back is not what was copied. Take another backup.")
        return put_back(session, copy_at=manifest.at, head=manifest.head)


def _ends(url: str) -> dict[str, tuple[str, int]] | None:
    """How far each referral's journal goes in the records that are to be replaced; None when they cannot be read."""
    if url.startswith("sqlite") and not sqlite_copies.path_of(url).exists():
        return None
    engine.configure(url)
    try:
        with engine.read_session() as session:
            rows = session.exec(select(Referral.id, Referral.number, Referral.journal_seq)).all()
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()
    return {one: (number, seq) for one, number, seq in rows}


def _say_what_is_lost(manifest: copies.Manifest, former: dict[str, tuple[str, int]] | None) -> None:
    """Every referral of which the former records knew more."""
    print(f"The records are those of {manifest.at:%Y-%m-%d %H:%M:%S} UTC. What was acknowledged after that is lost.")
    if former is None:
        print("What it was cannot be told: there are no former records that could be read.")
        return
    with engine.read_session() as session:
        now = dict(session.exec(select(Referral.id, Referral.journal_seq)).all())
    lost = {
        number: (seq - now.get(one, 0), one in now) for one, (number, seq) in former.items() if seq > now.get(one, 0)
    }
    if not lost:
        print("The former records knew no more about any referral.")
        return
    print(f"The former records knew {sum(n for n, _ in lost.values()):,} entries more, about {len(lost):,} referrals:")
    for number, (entries, is_known) in sorted(lost.items())[:SHOWN]:
        print(f"- {number}: {entries} entries" + ("" if is_known else "; it is not here any more: file it again"))
    if len(lost) > SHOWN:
        print(f"- and {len(lost) - SHOWN:,} more")


def _say(manifest: copies.Manifest, marked: PutBack, kept: object) -> None:
    if kept is not None:
        print(f"What was there is kept: {kept}")
    print(
        f"{marked.untold:,} workflows are told anew, {marked.messages + marked.texts:,} messages that may have gone out"
        f" are not sent by themselves, {marked.sessions:,} browsers are signed out, {marked.told:,} members of staff"
        " are told."
    )
    print("Start the worker and the web servers. Texts to people and whatever needs a consent are held until an")
    print("administrator has released them: footbridge after-restore")


def after_restore(
    release_as: str = typer.Option(
        "",
        "--release",
        help="E-mail address of the administrator who confirms that consents and STOPs are right again.",
    ),
) -> None:
    """Say what a restore left to decide. Exit status 1: something is held."""
    open_records(settings_for_use())
    if release_as:
        with engine.transaction() as session:
            staff = session.exec(select(Staff).where(col(Staff.email) == release_as.strip().lower())).first()
            if staff is None or not staff.is_active:
                raise Stop(f"Nobody here has the address {release_as}.")
            release(session, actor_of(staff))
        print(f"Released by {release_as}.")
    with engine.read_session() as session:
        restored, held = find_restored(session), {program.id for program in list_held(session)}
        if restored is None:
            print("These records were never put back.")
            return
        print(f"Put back {restored.at:%Y-%m-%d %H:%M} UTC, to the records of {restored.copy_at:%Y-%m-%d %H:%M} UTC.")
        for program in session.exec(select(Program).order_by(Program.name)).all():
            print(f"{program.name}: " + ("held" if program.id in held else "released"))
            names = dict(session.exec(select(Staff.id, Staff.name).where(Staff.program_id == program.id)).all())
            messages = list_doubtful(session, program.id)
            for row in messages[:SHOWN]:
                print(
                    f"- {row.template} to {names.get(row.staff_id, row.staff_id)} by {row.channel.value}: may have gone"
                )
            texts = list_doubtful_texts(session, program.id)
            if len(messages) > SHOWN or texts:
                print(f"- in all {len(messages):,} messages to staff and {len(texts):,} texts to people")
    if held:
        print("Enter again what was taken back since the copy: consents, STOPs, people who left. Then:")
        print("footbridge after-restore --release ADMINISTRATOR@EXAMPLE")
        raise typer.Exit(1)


def _kind(url: str) -> tuple[str, ModuleType]:
    return ("sqlite", sqlite_copies) if url.startswith("sqlite") else ("postgresql", postgres_copies)
