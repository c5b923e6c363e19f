"""Signing in and out: passwords, sessions that can be ended, bearer tokens, and the word that proves a form is ours.

Tokens leave here once, in clear; the records keep their SHA-256 (they are 256 random bits: nothing slower is needed).
All limits are in the seconds of the people who sit there: with a fast clock they grow along.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from domain.errors import Invalid, NotAllowed, NotFound
from records import clock, engine, journal
from records.commands import second_factor
from records.commands.guessing import NOWHERE, Source, count_wrong, forget_wrong, must_wait, remember_device
from records.commands.passwords import check_password, hash_password, require_strong
from records.commands.sessions import end_session, open_session
from records.commands.sessions import kept as _kept
from records.commands.sessions import real as _real
from records.commands.staff import end_sessions
from records.commands.text import LINE_LENGTH, checked_text
from records.ids import new_id
from records.sealing import secret_key
from records.settings import get_settings
from records.tables import ApiToken, Facility, Program, Staff, StaffSession

TOUCH_EVERY = timedelta(minutes=1)
LONGEST_TOKEN_DAYS = 400
TOKEN_PREFIX = "fbt_"  # noqa: S105 (how a token begins, so that a scanner for leaked secrets finds one)

NO_MATCH = (
    "The e-mail address and the password do not match. After several tries, wait a minute before the next one. "
    "Your manager or administrator can give you a new password."
)
NOT_PRESENT = "This is not your present password. After several tries, wait a minute before the next one."


def set_password(session: Session, staff_id: str, password: str, *, by: str | None = None) -> None:
    """Give a member of staff a new password; every session of theirs ends. Raises Invalid when it is weak, NotFound.

    `by` is who sets it; without it, they do so themselves.
    """
    row = session.get(Staff, staff_id)
    if row is None or not row.is_active:
        raise NotFound("That member of staff")
    require_strong(password, row)
    row.password_hash = hash_password(password)
    row.failed_sign_ins, row.locked_until = 0, None
    end_sessions(session, row.id)
    journal.append_for_program(session, row.program_id, "staff.password_set", actor=by or row.id, subject_id=row.id)


def sign_in(email: str, password: str, agent: str = "", source: Source = NOWHERE) -> str:
    """Check an address and a password, and return the token of a new session.

    Raises SecondStep when the password alone does not do: its token stands for who has come so far.
    Opens transactions of its own: the slow comparison holds no lock, and a refusal is written down too. Raises
    NotAllowed with one and the same sentence, in the same time, whether the address is unknown, the password wrong,
    the account closed, or a short wait is on: nothing tells a stranger which addresses exist.
    """
    address = email.strip().lower()[:LINE_LENGTH]
    with engine.read_session() as session:
        known = session.exec(select(Staff).where(Staff.email == address)).first()
    is_right, newer = check_password(password, known.password_hash if known is not None else "")
    token = step = None
    with engine.transaction() as session:
        if (row := _proven(session, known, is_right, source)) is not None:
            row.password_hash = newer or row.password_hash
            if second_factor.is_needed(session, row):
                step = second_factor.open_step(session, row, agent)
            else:
                _note(session, row, "staff.signed_in")
                remember_device(session, row, source)
                token = open_session(session, row, clock.now(), agent)
    if step is not None:
        raise second_factor.SecondStep(step)
    if token is None:
        raise NotAllowed("no_match", NO_MATCH)
    return token


def prove_password(staff_id: str, password: str, source: Source = NOWHERE) -> None:
    """Somebody who is signed in shows that it is they, before how they sign in is changed.

    Opens transactions of its own. Raises Invalid; a wrong try counts as at signing in.
    """
    with engine.read_session() as session:
        known = session.get_one(Staff, staff_id)
    is_right, _ = check_password(password, known.password_hash)
    with engine.transaction() as session:
        row = _proven(session, known, is_right, source)
    if row is None:
        raise Invalid("no_match", NOT_PRESENT, field="current")


def end_own_session(staff_id: str, name: str, password: str, source: Source = NOWHERE) -> bool:
    """End one of one's own sessions, once the password was given again. Raises Invalid; False when it had ended."""
    prove_password(staff_id, password, source)
    with engine.transaction() as session:
        return end_session(session, session.get_one(Staff, staff_id), name)


def change_own_password(staff_id: str, token: str, current: str, new: str, source: Source = NOWHERE) -> None:
    """Somebody who is signed in with `token` chooses another password; their other sessions end.

    Opens transactions of its own, as `sign_in` does. Raises Invalid: the present password is not this one (a wrong try
    counts as at signing in: an open browser is no place to guess), or the new one is weak or no other.
    """
    with engine.read_session() as session:
        known = session.get_one(Staff, staff_id)
    require_strong(new, known)
    if new == current:  # whether it is right or not: this sentence must not tell
        raise Invalid("password_same", "Choose another password than the present one.", field="password")
    is_right, _ = check_password(current, known.password_hash)
    kept = hash_password(new) if is_right else ""
    with engine.transaction() as session:
        row = _proven(session, known, is_right, source)
        if row is not None:
            row.password_hash = kept
            second_factor.say_changed(session, row, f"password:{clock.now().timestamp():.0f}")
            _note(session, row, "staff.password_changed", sessions=end_sessions(session, row.id, but=_kept(token)))
    if row is None:
        raise Invalid("no_match", NOT_PRESENT, field="current")


def _proven(session: Session, seen: Staff | None, is_right: bool, source: Source) -> Staff | None:
    """Decide under the lock, on what is so now: many guesses at once find the wait that the first ones earned.

    The account when the password proves that it is theirs; None when not, which is counted: see `guessing.py`.
    """
    row = None
    if seen is not None:
        row = session.exec(select(Staff).where(Staff.id == seen.id).with_for_update()).one()
    if must_wait(session, row, source):
        return None  # a try during a wait neither counts nor prolongs it
    if row is None or seen is None or not row.is_active or row.password_hash != seen.password_hash:
        is_right = False  # nobody, closed, or the password changed while we compared with the old one
    if row is None or not is_right:
        tries = count_wrong(session, row, source)
        if row is not None:
            _note(session, row, "staff.sign_in_refused", tries=tries)
        return None
    forget_wrong(session, row, source)
    return row


def _with_staff(owned: Any, condition: ColumnElement[bool]) -> Select[Any]:
    """One question for who is there and what every page asks next: their program and their facility."""
    return (
        sa_select(owned, Staff, Program, Facility)
        .join(Staff, col(Staff.id) == owned.staff_id)
        .join(Program, col(Program.id) == col(Staff.program_id))
        .outerjoin(Facility, col(Facility.id) == col(Staff.facility_id))
        .where(condition)
    )


_BY_SESSION = _with_staff(StaffSession, col(StaffSession.id) == bindparam("kept"))
_BY_TOKEN = _with_staff(ApiToken, col(ApiToken.token_hash) == bindparam("kept"))


def session_of(session: Session, token: str, *, is_by_itself: bool = False) -> Staff | None:
    """Who is signed in with this token; None when nobody is, it was idle for too long, or its day is over.

    That the person is still there is noted at most once a minute, in a moment of its own when `session` only reads;
    not when the page asked by itself: a phone left lying open still signs out.
    """
    found, now = session.execute(_BY_SESSION, {"kept": _kept(token)}).first(), clock.now()
    if found is None:
        return None
    row, staff = found[0], found[1]
    if now >= row.ends_at or now - row.seen_at >= _real(timedelta(minutes=get_settings().session_idle_minutes)):
        return None
    if not staff.is_active:
        return None
    if not is_by_itself and now - row.seen_at >= _real(TOUCH_EVERY):
        if _writes(session):
            row.seen_at = now
        else:
            with engine.transaction() as other:
                if (mine := other.get(StaffSession, row.id)) is not None:
                    mine.seen_at = now
    return staff


def sign_out(session: Session, token: str, *, why: str | None = None) -> None:
    """End one session; one that has ended already stays so. `why`, when nobody asked for it."""
    row = session.get(StaffSession, _kept(token))
    if row is None:
        return
    staff = session.get_one(Staff, row.staff_id)
    session.delete(row)
    _note(session, staff, "staff.signed_out", why=why)


def sign_out_everywhere(session: Session, staff_id: str) -> int:
    """End every session of somebody, on every device; returns how many."""
    ended = end_sessions(session, staff_id)
    _note(session, session.get_one(Staff, staff_id), "staff.signed_out", everywhere=True, sessions=ended)
    return ended


def create_token(session: Session, staff: Staff, name: str, days: int, *, by: str | None = None) -> str:
    """A bearer token with this member of staff's rights, for `days` days. Shown once. Raises Invalid."""
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise Invalid("days", f"Choose between 1 and {LONGEST_TOKEN_DAYS} days.", field="days")
    token, now = TOKEN_PREFIX + secrets.token_urlsafe(32), clock.now()
    row = ApiToken(
        id=new_id("tok"),
        token_hash=_kept(token),
        staff_id=staff.id,
        name=checked_text(name, "name", limit=LINE_LENGTH, required=True),
        created_at=now,
        expires_at=now + _real(timedelta(days=days)),
    )
    session.add(row)
    journal.append_for_program(
        session, staff.program_id, "token.created", actor=by or staff.id, subject_id=row.id, days=days, staff=staff.id
    )
    return token


def staff_of_token(session: Session, token: str) -> Staff | None:
    """Whose bearer token this is; None when it is unknown, over or taken back."""
    kept, now = _kept(token), clock.now()
    # Within one transaction it is asked once: the rows are the transaction's own, and what is so of them is looked at.
    known: dict[str, Any] = session.info.setdefault(engine.OF_TRANSACTION, {})
    found = known.get(kept) or session.execute(_BY_TOKEN, {"kept": kept}).first()
    if found is None:
        return None
    known[kept] = found
    row, staff = found[0], found[1]
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now) or not staff.is_active:
        return None
    if _writes(session) and (row.used_at is None or now - row.used_at >= _real(TOUCH_EVERY)):
        row.used_at = now
    return staff


def csrf_token(token: str) -> str:
    """What our own forms carry to show that they are ours: derived from the session, useless without it."""
    return hmac.new(secret_key(), b"csrf:" + _kept(token).encode(), hashlib.sha256).hexdigest()


def check_csrf(token: str, sent: str) -> bool:
    """Whether a form carries the word that belongs to this session."""
    return hmac.compare_digest(csrf_token(token).encode(), sent.encode())


def _writes(session: Session) -> bool:
    return bool(session.get_bind().get_execution_options().get("footbridge_write"))


def _note(session: Session, staff: Staff, event: str, **data: object) -> None:
    journal.append_for_program(session, staff.program_id, event, actor=staff.id, subject_id=staff.id, **data)
