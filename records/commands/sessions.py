"""Signed-in browsers: how a session begins, which ones somebody has, and how each ends."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from records import clock, engine, journal
from records.access import Actor
from records.commands.staff import colleague, end_sessions
from records.commands.text import LINE_LENGTH
from records.settings import get_settings
from records.tables import Staff, StaffSession

_ERA = timedelta(days=365_000)


def open_session(session: Session, staff: Staff, now: datetime, agent: str) -> str:
    """Begin a session for somebody who has proven who they are; returns its token, which is not kept."""
    for old in session.exec(
        select(StaffSession).where(StaffSession.staff_id == staff.id, col(StaffSession.ends_at) <= now)
    ):
        session.delete(old)
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            id=kept(token),
            staff_id=staff.id,
            created_at=now,
            seen_at=now,
            ends_at=now + real(timedelta(hours=get_settings().session_absolute_hours)),
            agent=printable(agent),
        )
    )
    return token


@dataclass(frozen=True, slots=True)
class Signed:
    """One browser in which somebody is signed in. `name` stands for it on pages; it opens nothing."""

    name: str
    agent: str
    created_at: datetime
    seen_at: datetime


def list_sessions(session: Session, staff_id: str) -> list[Signed]:
    """Where somebody is signed in now, the latest first."""
    return [Signed(_name(row.id), row.agent, row.created_at, row.seen_at) for row in _living(session, staff_id)]


def is_of(signed: Signed, token: str) -> bool:
    """Whether this is the browser that holds the token."""
    return is_named(token, signed.name)


def is_named(token: str, name: str) -> bool:
    """Whether the session of a token has this name."""
    return _name(kept(token)) == name


def end_session(session: Session, staff: Staff, name: str) -> bool:
    """End the session of that name, if it is theirs and has not ended."""
    row = next((row for row in _living(session, staff.id) if _name(row.id) == name), None)
    if row is None:
        return False
    session.delete(row)
    journal.append_for_program(
        session, staff.program_id, "staff.signed_out", actor=staff.id, subject_id=staff.id, sessions=1, elsewhere=True
    )
    return True


def sign_out_colleague(session: Session, actor: Actor, staff_id: str) -> int:
    """End every session of a colleague, who may sign in again; returns how many."""
    actor.require("manage_staff")
    staff = colleague(session, actor, staff_id)
    ended = end_sessions(session, staff.id)
    journal.append_for_program(
        session,
        staff.program_id,
        "staff.signed_out",
        actor=actor.id,
        subject_id=staff.id,
        everywhere=True,
        sessions=ended,
    )
    return ended


def end_token(token: str) -> None:
    """Another session begins in the browser that held this one. Opens a transaction of its own."""
    with engine.transaction() as session:
        row = session.get(StaffSession, kept(token))
        if row is not None:
            session.delete(row)


def kept(token: str) -> str:
    """What the records hold of a token: its SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def real(span: timedelta) -> timedelta:
    """So long for the person at the keyboard, in the time of our clock; no longer than any calendar reaches."""
    return span * min(clock.speed(), _ERA / span)


def printable(agent: str) -> str:
    """What a browser calls itself, fit to be kept and shown."""
    return "".join(c for c in agent if c.isprintable())[:LINE_LENGTH]


def _living(session: Session, staff_id: str) -> list[StaffSession]:
    now, idle = clock.now(), real(timedelta(minutes=get_settings().session_idle_minutes))
    query = (
        select(StaffSession)
        .where(StaffSession.staff_id == staff_id, col(StaffSession.ends_at) > now)
        .where(col(StaffSession.seen_at) > now - idle)
        .order_by(col(StaffSession.seen_at).desc(), col(StaffSession.id))
    )
    return list(session.exec(query))


def _name(session_id: str) -> str:
    return hashlib.sha256(f"name:{session_id}".encode()).hexdigest()[:24]
