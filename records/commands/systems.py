"""Tokens of other organizations' systems: made, shown once, looked at with every request, revoked, and ending soon.

A token is 256 random bits behind a beginning that scanners for leaked secrets find; the records keep its SHA-256, which
needs nothing slower. What a token may do is decided anew with each request: revoking it counts from the next one on.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, update
from sqlalchemy import select as sa_select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from domain.access import FACILITY_SCOPES
from domain.errors import Conflict, Invalid, NotFound, gather
from domain.vocabulary import Role, SystemScope
from records import clock, engine, journal
from records.access import Actor, actor_of_system
from records.commands.messages import tell
from records.commands.sessions import kept, real
from records.commands.text import NAME_LENGTH, checked_text
from records.ids import new_id
from records.queries.systems import ENDS_SOON, get_token
from records.tables import Facility, Program, Staff, SystemToken

TOKEN_PREFIX = "fbs_"  # noqa: S105 (how a token begins, so that a scanner for leaked secrets finds one)
USUAL_DAYS, LONGEST_DAYS = 90, 365
TOUCH_EVERY = timedelta(minutes=1)
PATIENCE = 5.0
"""Seconds that a request waits at most to note that its token was used."""
_TOLD = (Role.ADMIN, Role.MANAGER)
_log = logging.getLogger(__name__)


def create_system_token(
    session: Session,
    actor: Actor,
    *,
    name: str,
    scopes: Iterable[SystemScope],
    facility_id: str | None = None,
    days: int = USUAL_DAYS,
) -> tuple[SystemToken, str]:
    """A token for a facility's system, or without a facility for the program's own, good for `days` days.

    Returns the row and the token, which is kept nowhere. Whoever else manages systems is told. Raises Invalid(Fields),
    NotFound (facility).
    """
    actor.require("manage_systems")
    facility = session.get(Facility, facility_id) if facility_id else None
    if facility_id and (facility is None or facility.program_id != actor.program_id):
        raise NotFound("That facility")
    wanted, called = sorted(set(scopes)), _called(name)
    gather(list(_problems(wanted, called, facility, days)))
    now, token = clock.now(), TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = SystemToken(
        id=new_id("sys"),
        program_id=actor.program_id,
        facility_id=facility.id if facility is not None else None,
        name=called,
        token_hash=kept(token),
        scopes=[scope.value for scope in wanted],
        created_at=now,
        created_by=actor.id,
        expires_at=now + real(timedelta(days=days)),
    )
    session.add(row)
    journal.append_for_program(
        session, actor.program_id, "system_token.created", actor=actor.id, subject_id=row.id,
        facility=row.facility_id, scopes=row.scopes, expires_at=row.expires_at,
    )  # fmt: skip
    _tell_in_charge(session, row, "system_token_made", but=actor.id)
    return row, token


def _called(name: str) -> str:
    return " ".join(checked_text(name, "name", limit=NAME_LENGTH).split())


def _problems(scopes: list[SystemScope], name: str, facility: Facility | None, days: int) -> Iterable[Invalid]:
    if not name:
        yield Invalid("required", "Say what the system is called, such as Riverside EHR.", field="name")
    if not scopes:
        yield Invalid("required", "Choose at least one.", field="scopes")
    if facility is not None and not FACILITY_SCOPES.issuperset(scopes):
        yield Invalid("not_a_facilitys", "Measures are the program's. Choose the program for them.", field="scopes")
    if not 1 <= days <= LONGEST_DAYS:
        yield Invalid("days", f"Choose between 1 and {LONGEST_DAYS} days.", field="days")


def revoke_system_token(session: Session, actor: Actor, token_id: str) -> SystemToken:
    """End a token now. Raises NotFound, Conflict when it was revoked before."""
    row = get_token(session, actor, token_id, lock=True)
    if row.revoked_at is not None:
        raise Conflict("revoked", "This token was revoked before. It opens nothing.")
    row.revoked_at, row.revoked_by = clock.now(), actor.id
    journal.append_for_program(session, row.program_id, "system_token.revoked", actor=actor.id, subject_id=row.id)
    return row


@dataclass(frozen=True, slots=True)
class System:
    """Who comes with a system's token, as it stands at this moment; plain facts, which outlive their transaction.

    `over`: `revoked` or `expired`, else empty. `zone` is the facility's, or the program's.
    """

    actor: Actor
    scopes: frozenset[str]
    program: Program
    zone: str
    used_at: datetime | None
    over: str


_BY_TOKEN = (
    sa_select(SystemToken, Program, Facility)
    .join(Program, col(Program.id) == col(SystemToken.program_id))
    .outerjoin(Facility, col(Facility.id) == col(SystemToken.facility_id))
    .where(col(SystemToken.token_hash) == bindparam("kept"))
)


def find_system(session: Session, token: str) -> System | None:
    """Whose token this is, also when it is over; None when it was never one of ours."""
    found = session.execute(_BY_TOKEN, {"kept": kept(token)}).first()
    if found is None:
        return None
    row, program, facility = found
    over = "revoked" if row.revoked_at is not None else "expired" if row.expires_at <= clock.now() else ""
    zone = facility.zone if facility is not None else program.zone
    return System(actor_of_system(row), frozenset(row.scopes), program, zone, row.used_at, over)


def note_use(system: System, address: str) -> None:
    """Note that a token was used now, from there; at most once a minute.

    In a transaction of its own, after the answer is settled: requests of one system never wait for each other's, and
    one that cannot be noted is answered all the same.
    """
    now, before = clock.now(), clock.now() - real(TOUCH_EVERY)
    if system.used_at is not None and system.used_at > before:
        return
    used = update(SystemToken).where(
        col(SystemToken.id) == system.actor.id,
        or_(col(SystemToken.used_at).is_(None), col(SystemToken.used_at) <= before),
    )
    try:
        with engine.transaction(patience=PATIENCE) as session:
            session.execute(used.values(used_at=now, used_from=address[:NAME_LENGTH]))
    except (SQLAlchemyError, TimeoutError) as error:
        _log.warning("the use of a system's token could not be noted: %s", type(error).__name__)


def warn_of_ending(session: Session) -> int:
    """Tell who manages systems of each token that ends within a fortnight, once; returns how many. For upkeep."""
    now = clock.now()
    rows = session.exec(
        select(SystemToken).where(
            col(SystemToken.revoked_at).is_(None),
            col(SystemToken.warned_at).is_(None),
            col(SystemToken.expires_at) > now,
            col(SystemToken.expires_at) <= now + real(ENDS_SOON),
        )
    ).all()
    for row in rows:
        row.warned_at = now
        _tell_in_charge(session, row, "system_token_ending")
    return len(rows)


def _tell_in_charge(session: Session, row: SystemToken, template: str, *, but: str = "") -> None:
    staff = session.exec(select(Staff).where(Staff.program_id == row.program_id, col(Staff.is_active)))
    for one in sorted(staff, key=lambda one: one.id):
        if one.has(*_TOLD) and one.id != but:
            tell(session, one, template, key=f"{template}:{row.id}", program_id=row.program_id, subject_id=row.id)
