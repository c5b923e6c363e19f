"""The first administrator: an address on the console, good until somebody has used it, and for a day at most.

No installation begins with an account that others know. Whoever can read the console or the log of the first start can
make the first account; afterwards the address leads nowhere, for ever. The records hold no part that opens it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, select

from domain.errors import NotFound
from domain.vocabulary import Role
from records import clock, engine, journal
from records.access import system_actor
from records.commands.passwords import hash_password, require_strong
from records.commands.programs import create_program
from records.commands.second_factor import asked_at_first
from records.commands.sessions import open_session
from records.commands.staff import add_staff
from records.sealing import secret_key
from records.tables import Meta, Program, Staff

KEY = "set_up"
PATH = "/set-up"
LASTS = timedelta(days=1)
HAND = "system:set_up"


def set_up_token(session: Session) -> str | None:
    """The last part of the address for setting up; None once anybody is on the list. The same for every process."""
    if _has_staff(session):
        return None
    row = session.get(Meta, KEY, with_for_update=True)
    if row is None:
        row = Meta(key=KEY, value="")
        session.add(row)
    if not row.value or clock.now() >= _end_of(row):
        row.value = json.dumps({"nonce": secrets.token_hex(16), "at": clock.now().isoformat()})
    session.flush()
    return _token_of(row)


def is_set_up_token(session: Session, token: str) -> bool:
    """Whether this is the address that was shown, nobody has used it, and it is not too old."""
    row = session.get(Meta, KEY)
    if row is None or _has_staff(session) or clock.now() >= _end_of(row):
        return False
    return hmac.compare_digest(_token_of(row).encode(), token.encode())


def set_up(token: str, *, program: str, zone: str, name: str, email: str, password: str, agent: str) -> str:
    """Make the program, unless the terminal did, and the first administrator; returns the token of their session.

    Opens a transaction of its own: hashing is slow. Raises NotFound when it was done already, Invalid.
    """
    require_strong(
        password, Staff(id="", program_id="", email=email.strip().lower(), name=name, created_at=clock.now())
    )
    kept = hash_password(password)
    with engine.transaction() as session:
        session.get(Meta, KEY, with_for_update=True)
        if not is_set_up_token(session, token):
            raise NotFound("This address")
        row = session.exec(select(Program).order_by(Program.created_at)).first()  # type: ignore[arg-type]
        owner = row or create_program(session, program, zone=zone, second_step_of=asked_at_first())
        admin = add_staff(session, system_actor(owner.id, HAND), email=email, name=name, roles=[Role.ADMIN])
        admin.password_hash = kept
        session.delete(session.get_one(Meta, KEY))
        journal.append_for_program(session, owner.id, "program.set_up", actor=admin.id, subject_id=admin.id)
        return open_session(session, admin, clock.now(), agent)


def has_program(session: Session) -> bool:
    """Whether the terminal has made a program already, so that only its first administrator is missing."""
    return session.exec(select(Program.id).limit(1)).first() is not None


def _has_staff(session: Session) -> bool:
    return session.exec(select(Staff.id).limit(1)).first() is not None


def _end_of(row: Meta) -> datetime:
    return datetime.fromisoformat(json.loads(row.value)["at"]) + LASTS


def _token_of(row: Meta) -> str:
    signed = hmac.new(secret_key(), b"set up:" + row.value.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
