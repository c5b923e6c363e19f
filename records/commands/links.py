"""Choosing one's password by a link that is good once: an invitation, or a forgotten password.

The records keep a link's id, never the link: its last part is a signature of the id under the secret key. So a copy of
the records opens nothing, and the worker that writes the e-mail can make the address from the id alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta

from sqlmodel import Session, col, select

from domain.errors import Conflict, NotFound
from records import clock, engine, journal
from records.access import Actor
from records.commands import second_factor
from records.commands.messages import send_by_email
from records.commands.passwords import hash_password, require_strong
from records.commands.sessions import open_session, real
from records.commands.staff import colleague, end_sessions
from records.commands.text import LINE_LENGTH
from records.ids import new_id
from records.sealing import secret_key
from records.tables import OneTimeLink, SignInStep, Staff

INVITATION_LASTS = timedelta(days=7)
ASKED_LASTS = timedelta(hours=1)
ASK_AGAIN_AFTER = timedelta(minutes=2)
MOST_A_DAY = 8
"""Links that one address can be made to receive in a day by whoever types it at the door."""
PATH = "/choose-password"


def invite(session: Session, actor: Actor, staff_id: str, *, by_email: bool) -> str:
    """A link for somebody new, or who needs another password; any earlier one is void. Returns the last part of it.

    `by_email` sends it; otherwise whoever asked hands it over. Raises Conflict for somebody who has left, and
    for oneself: an open browser is no way round the password.
    """
    actor.require("manage_staff")
    staff = colleague(session, actor, staff_id)
    if staff.id == actor.id:
        raise Conflict("not_yourself", "Change your own password under your name.")
    if not staff.is_active:
        raise Conflict("has_left", "They have left. Somebody who has left cannot be invited.")
    link = _new_link(session, staff, by=actor.id, is_invitation=True)
    journal.append_for_program(
        session,
        staff.program_id,
        "staff.invited",
        actor=actor.id,
        subject_id=staff.id,
        by_email=by_email,
        has_password=bool(staff.password_hash),
    )
    if by_email:
        _send(session, staff, link)
    return token_of(link.id)


def void_password(session: Session, actor: Actor, staff_id: str) -> str:
    """Somebody's password is known to others: it is void, every session of theirs ends, and a link replaces it.

    Returns the last part of the link. Raises as `invite`.
    """
    token = invite(session, actor, staff_id, by_email=False)
    staff = colleague(session, actor, staff_id)
    staff.password_hash, staff.failed_sign_ins, staff.locked_until = "", 0, None
    ended = end_sessions(session, staff.id)
    for waiting in session.exec(select(SignInStep).where(SignInStep.staff_id == staff.id)):
        session.delete(waiting)
    journal.append_for_program(
        session, staff.program_id, "staff.password_voided", actor=actor.id, subject_id=staff.id, sessions=ended
    )
    return token


def ask_for_link(email: str) -> None:
    """Somebody has forgotten their password: send a link, if this is the address of anybody.

    Opens a transaction of its own, after the answer: what is said, and how soon, is the same for every address.
    """
    address = email.strip().lower()[:LINE_LENGTH]
    with engine.transaction() as session:
        staff = session.exec(select(Staff).where(Staff.email == address)).first()
        if staff is None or not staff.is_active or _had_enough(session, staff):
            return
        link = _new_link(session, staff, by=staff.id, is_invitation=False)
        journal.append_for_program(session, staff.program_id, "staff.link_asked", actor=staff.id, subject_id=staff.id)
        _send(session, staff, link)


def find_link(session: Session, token: str) -> tuple[OneTimeLink, Staff] | None:
    """The link that this is and whose; None when it is none, was used, is over or void, or they have left."""
    link_id, _, _ = token.partition(".")
    if not hmac.compare_digest(token_of(link_id).encode(), token.encode()):
        return None
    link = session.get(OneTimeLink, link_id)
    if link is None or link.used_at is not None or clock.now() >= link.expires_at:
        return None
    staff = session.get_one(Staff, link.staff_id)
    return (link, staff) if staff.is_active else None


def choose_password(token: str, password: str, agent: str) -> str:
    """Whoever has the link chooses their password: the token of a new session. Every other session of theirs ends.

    Opens transactions of its own: hashing is slow. Raises NotFound, Invalid (weak), and SecondStep: a link stands for
    the password alone.
    """
    with engine.read_session() as session:
        found = find_link(session, token)
    if found is None:
        raise NotFound("This link")
    require_strong(password, found[1])
    kept = hash_password(password)
    step = session_token = ""
    with engine.transaction() as session:
        session.exec(select(OneTimeLink).where(OneTimeLink.id == found[0].id).with_for_update()).first()
        if (still := find_link(session, token)) is None:
            raise NotFound("This link")
        link, staff = still
        link.used_at = clock.now()
        staff.password_hash, staff.failed_sign_ins, staff.locked_until = kept, 0, None
        ended = end_sessions(session, staff.id)
        for waiting in session.exec(select(SignInStep).where(SignInStep.staff_id == staff.id)):
            session.delete(waiting)
        second_factor.journal_of(session, staff, "staff.password_chosen", link=link.id, sessions=ended)
        second_factor.say_changed(session, staff, link.id)
        if second_factor.is_needed(session, staff):
            step = second_factor.open_step(session, staff, agent)
        else:
            second_factor.journal_of(session, staff, "staff.signed_in")
            session_token = open_session(session, staff, clock.now(), agent)
    if step:
        raise second_factor.SecondStep(step)
    return session_token


def token_of(link_id: str) -> str:
    """The last part of the address of a link: its id, and a signature that the records do not hold."""
    signed = hmac.new(secret_key(), b"one-time link:" + link_id.encode(), hashlib.sha256).digest()
    return f"{link_id}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


def address_of(base_url: str, token: str) -> str:
    """The whole address of a link."""
    return f"{base_url}{PATH}/{token}"


def _new_link(session: Session, staff: Staff, *, by: str, is_invitation: bool) -> OneTimeLink:
    now = clock.now()
    for earlier in session.exec(
        select(OneTimeLink).where(OneTimeLink.staff_id == staff.id, col(OneTimeLink.used_at).is_(None))
    ):
        earlier.expires_at = min(earlier.expires_at, now)
    link = OneTimeLink(
        id=new_id("lnk"),
        staff_id=staff.id,
        is_invitation=is_invitation,
        created_at=now,
        created_by=by,
        expires_at=now + real(INVITATION_LASTS if is_invitation else ASKED_LASTS),
    )
    session.add(link)
    session.flush()
    return link


def _had_enough(session: Session, staff: Staff) -> bool:
    """Whether so many links were asked for that another one would only be a nuisance."""
    now = clock.now()
    asked = session.exec(
        select(OneTimeLink.created_at).where(
            OneTimeLink.staff_id == staff.id,
            col(OneTimeLink.is_invitation).is_(False),
            col(OneTimeLink.created_at) > now - real(timedelta(days=1)),
        )
    ).all()
    return len(asked) >= MOST_A_DAY or any(at > now - real(ASK_AGAIN_AFTER) for at in asked)


def _send(session: Session, staff: Staff, link: OneTimeLink) -> None:
    send_by_email(
        session,
        staff,
        "choose_password",
        key=link.id,
        subject_id=link.id,
        link=link.id,
        until=link.expires_at.isoformat(),
    )
