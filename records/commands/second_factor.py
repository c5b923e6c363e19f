"""The second step at sign-in: a code from an app (TOTP, RFC 6238), or one of ten recovery codes on paper.

Whoever comes here has shown the password. So a wait may grow longer than at the password: nobody can keep somebody
else out with it who does not know their password already, and they are told.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from sqlmodel import Session, col, select

from domain.errors import Invalid
from domain.vocabulary import Role
from records import clock, engine, journal
from records.commands.guessing import NOWHERE, Source, remember_device
from records.commands.messages import tell
from records.commands.passwords import check_password, hash_password
from records.commands.sessions import kept, open_session, printable, real
from records.ids import new_id
from records.sealing import open_sealed, seal
from records.settings import get_settings
from records.tables import RecoveryCode, SecondFactor, SignInRules, SignInStep, Staff

ISSUER = "Footbridge"
SEALED_FOR = "second factor"
PERIOD = 30  # seconds, what every app takes for granted
NEAR = (0, -1, 1)  # the code shown now, and one before and after: phones' clocks differ
STEP_LASTS = timedelta(minutes=10)
TRIES_A_STEP = 5
FREE_TRIES = 3
LONGEST_WAIT = timedelta(minutes=15)
"""96 guesses a day at one in 333,333 each: a year of it finds a code with a chance of one in ten, and the person has
been told on the first day that somebody knows their password."""
TOLD_AFTER = 5
CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for another when read aloud
_MARK, _GROUP = 2, 5

WRONG_CODE = "This code is not right, or was used already. Wait for the next one. After several tries, wait a while."
OVER = "This took too long, or too many codes were wrong. Begin again with your e-mail address and password."


class SecondStep(Exception):
    """The password was right, and a second step stands between. `token` is for the browser that gave the password."""

    def __init__(self, token: str) -> None:
        super().__init__("a second step is needed")
        self.token = token


@dataclass(frozen=True, slots=True)
class Awaited:
    """Whose second step is awaited, and whether they must set it up first."""

    staff: Staff
    factor: SecondFactor

    @property
    def is_new(self) -> bool:
        """Whether the app must be set up first."""
        return self.factor.confirmed_at is None


def is_needed(session: Session, staff: Staff) -> bool:
    """Whether somebody signs in with two steps: they chose to, or the program asks it of their role."""
    factor = session.get(SecondFactor, staff.id)
    return (factor is not None and factor.confirmed_at is not None) or is_required(session, staff)


def is_required(session: Session, staff: Staff) -> bool:
    """Whether the program asks it of one of their roles."""
    return not set(required_roles(session, staff.program_id)).isdisjoint(staff.roles)


def required_roles(session: Session, program_id: str) -> list[str]:
    """The roles that may not sign in by a password alone."""
    rules = session.get(SignInRules, program_id)
    return list(rules.second_factor_roles) if rules is not None else []


def asked_at_first() -> list[Role]:
    """Of whom a new program asks it: of everybody in production, until it says otherwise (ASVS 6.3.3)."""
    return list(Role) if get_settings().environment == "production" else []


def open_step(session: Session, staff: Staff, agent: str) -> str:
    """The password was right: a token that stands for it, for a few minutes, until the second step is done."""
    now = clock.now()
    for old in session.exec(select(SignInStep).where(SignInStep.staff_id == staff.id, col(SignInStep.ends_at) <= now)):
        session.delete(old)
    if session.get(SecondFactor, staff.id) is None:
        new_secret(session, staff.id)
    token = secrets.token_urlsafe(32)
    session.add(
        SignInStep(
            id=kept(token), staff_id=staff.id, created_at=now, ends_at=now + real(STEP_LASTS), agent=printable(agent)
        )
    )
    return token


def new_secret(session: Session, staff_id: str) -> SecondFactor:
    """A secret for an app that is yet to be confirmed, in place of one that never was."""
    row = session.get(SecondFactor, staff_id)
    if row is None:
        row = SecondFactor(staff_id=staff_id, secret="", created_at=clock.now())
        session.add(row)
    row.secret = seal(pyotp.random_base32(), purpose=SEALED_FOR, about=staff_id)
    row.created_at, row.confirmed_at, row.last_step = clock.now(), None, 0
    session.flush()
    return row


def awaited(session: Session, token: str) -> Awaited | None:
    """Whose second step this token stands for; None when it is unknown, over, or their access ended meanwhile."""
    step = session.get(SignInStep, kept(token)) if token else None
    if step is None or clock.now() >= step.ends_at or step.tries >= TRIES_A_STEP:
        return None
    staff, factor = session.get_one(Staff, step.staff_id), session.get(SecondFactor, step.staff_id)
    return Awaited(staff, factor) if staff.is_active and factor is not None else None


def secret_of(factor: SecondFactor) -> str:
    """The secret as an app takes it."""
    return open_sealed(factor.secret, purpose=SEALED_FOR, about=factor.staff_id)


def address_for_app(factor: SecondFactor, staff: Staff) -> str:
    """What an app reads from the square picture: `otpauth://totp/…`."""
    return pyotp.TOTP(secret_of(factor), interval=PERIOD).provisioning_uri(name=staff.email, issuer_name=ISSUER)


def finish_step(token: str, code: str, source: Source = NOWHERE) -> tuple[str, list[str]]:
    """The second step: the token of a new session, and new recovery codes when the app was set up by it.

    Opens transactions of its own: hashing is slow, and a refusal is written down too. Raises Invalid (`code_wrong`, and
    `step_over` when one has to begin again).
    """
    with engine.read_session() as session:
        found = awaited(session, token)
    if found is None:
        raise Invalid("step_over", OVER, field="code")
    codes = new_codes() if found.is_new else []
    hashes = [hash_password(one) for one in codes]
    recovery = None if found.is_new else _matching(found.staff.id, code)
    session_token = None
    with engine.transaction() as session:
        step = session.exec(select(SignInStep).where(SignInStep.id == kept(token)).with_for_update()).first()
        if (still := awaited(session, token)) is None or step is None:
            raise Invalid("step_over", OVER, field="code")
        step.tries += 1
        if _is_proven(session, still.staff, still.factor, code, recovery):
            if still.is_new:
                confirm(session, still.staff, still.factor, codes, hashes)
            session.delete(step)
            journal_of(session, still.staff, "staff.signed_in", steps=2)
            remember_device(session, still.staff, source)
            session_token = open_session(session, still.staff, clock.now(), step.agent)
    if session_token is None:
        raise Invalid("code_wrong", WRONG_CODE, field="code")
    return session_token, codes


def prove_code(session: Session, staff: Staff, code: str) -> bool:
    """Whether the code is the app's own, of somebody who is signed in; a wrong one counts as at signing in."""
    return _is_proven(session, staff, session.get_one(SecondFactor, staff.id), code, None)


def _is_proven(session: Session, staff: Staff, seen: SecondFactor, code: str, recovery_id: str | None) -> bool:
    """Decide under the lock: no code counts twice, and many guesses at once find the wait that the first earned."""
    row = session.exec(select(SecondFactor).where(SecondFactor.staff_id == seen.staff_id).with_for_update()).one()
    session.refresh(row)
    now = clock.now()
    if row.locked_until is not None and row.locked_until > now:
        return False  # a try during a wait neither counts nor prolongs it
    step = _step_of(row, code)
    if step is not None:
        row.last_step = step
    elif recovery_id is None or not _use(session, staff, recovery_id):
        _count_wrong(session, staff, row, now)
        return False
    row.failed_tries, row.locked_until = 0, None
    return True


def _step_of(row: SecondFactor, code: str) -> int | None:
    """Which thirty seconds the code is of, if it is right and none of theirs or later was used."""
    typed = "".join(code.split())
    app, present = pyotp.TOTP(secret_of(row), interval=PERIOD), int(_phone_time()) // PERIOD
    for step in (present + distance for distance in NEAR):
        if step > row.last_step and hmac.compare_digest(app.generate_otp(step).encode(), typed.encode()):
            return step
    return None


def _phone_time() -> float:
    """The time that phones show: real time, also where our clock runs fast."""
    return clock.now().timestamp() if clock.speed() == 1 else clock.unix_time()


def _count_wrong(session: Session, staff: Staff, row: SecondFactor, now: datetime) -> None:
    row.failed_tries += 1
    if row.failed_tries >= FREE_TRIES:
        doublings = min(row.failed_tries - FREE_TRIES + 1, 10)
        row.locked_until = now + real(min(timedelta(seconds=2**doublings), LONGEST_WAIT))
    journal_of(session, staff, "staff.second_step_refused", tries=row.failed_tries)
    if row.failed_tries == TOLD_AFTER:
        say_changed(session, staff, f"refused:{now.timestamp():.0f}", "second_step_refused")


# recovery codes


def new_codes() -> list[str]:
    """Ten codes to write down: a mark to find each by, and ten characters (49 bits) that nobody guesses."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(size)) for size in (_MARK, _GROUP, _GROUP))
        for _ in range(CODES)
    ]


def keep_codes(session: Session, staff_id: str, codes: Sequence[str], hashes: Sequence[str]) -> None:
    """These recovery codes are good from now on, and none of the earlier ones."""
    for old in session.exec(select(RecoveryCode).where(RecoveryCode.staff_id == staff_id)):
        session.delete(old)
    for code, code_hash in zip(codes, hashes, strict=True):
        session.add(
            RecoveryCode(
                id=new_id("rec"), staff_id=staff_id, mark=code[:_MARK], code_hash=code_hash, created_at=clock.now()
            )
        )


def count_codes(session: Session, staff_id: str) -> int:
    """How many recovery codes somebody has left."""
    rows = session.exec(
        select(RecoveryCode.id).where(RecoveryCode.staff_id == staff_id, col(RecoveryCode.used_at).is_(None))
    )
    return len(rows.all())


def _matching(staff_id: str, code: str) -> str | None:
    """The recovery code that this is, by its id. Compared outside of any transaction: it is slow."""
    letters = "".join(c for c in code.lower() if c in _LETTERS)
    if len(letters) != _MARK + 2 * _GROUP:
        return None
    whole = "-".join((letters[:_MARK], letters[_MARK : _MARK + _GROUP], letters[_MARK + _GROUP :]))
    with engine.read_session() as session:
        rows = session.exec(
            select(RecoveryCode).where(
                RecoveryCode.staff_id == staff_id,
                RecoveryCode.mark == letters[:_MARK],
                col(RecoveryCode.used_at).is_(None),
            )
        ).all()
    return next((row.id for row in rows if check_password(whole, row.code_hash)[0]), None)


def _use(session: Session, staff: Staff, recovery_id: str) -> bool:
    row = session.exec(select(RecoveryCode).where(RecoveryCode.id == recovery_id).with_for_update()).first()
    if row is None or row.used_at is not None:
        return False
    row.used_at = clock.now()
    session.flush()
    journal_of(session, staff, "staff.recovery_code_used", left=count_codes(session, staff.id))
    return True


def confirm(session: Session, staff: Staff, factor: SecondFactor, codes: Sequence[str], hashes: Sequence[str]) -> None:
    """The app showed the right code: from now on it is asked for at each sign-in."""
    factor.confirmed_at = clock.now()
    keep_codes(session, staff.id, codes, hashes)
    journal_of(session, staff, "staff.second_factor_set")
    say_changed(session, staff, f"set:{factor.confirmed_at.timestamp():.0f}")


def say_changed(session: Session, staff: Staff, what: str, message: str = "sign_in_changed") -> None:
    """Tell somebody that how they sign in has changed, or that somebody tries to: it may not have been they."""
    tell(session, staff, message, key=f"sign-in:{staff.id}:{what}", program_id=staff.program_id)


def journal_of(session: Session, staff: Staff, event: str, *, by: str | None = None, **data: object) -> None:
    """One line in the program's journal about how somebody signs in."""
    journal.append_for_program(session, staff.program_id, event, actor=by or staff.id, subject_id=staff.id, **data)
