"""Signed-in browsers: how a session begins, which ones somebody has, and how each ends."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from records import clock, engine
from records.commands.text import LINE_LENGTH
from records.settings import get_settings
from records.tables import Staff, StaffSession


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
    """So long for the person at the keyboard, in the time of our clock."""
    return span * clock.speed()


def printable(agent: str) -> str:
    """What a browser calls itself, fit to be kept and shown."""
    return "".join(c for c in agent if c.isprintable())[:LINE_LENGTH]
