"""Setting up, renewing and taking away the second step: by oneself, by a manager, and for whom the program asks it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from domain.errors import Conflict, Invalid
from domain.vocabulary import Role
from records import clock, engine, journal
from records.access import Actor
from records.commands import second_factor as steps
from records.commands.guessing import NOWHERE, Source
from records.commands.passwords import hash_password
from records.commands.sessions import kept
from records.commands.sign_in import prove_password
from records.commands.staff import colleague, end_sessions
from records.tables import RecoveryCode, SecondFactor, SignInRules, SignInStep, Staff

SET_ALREADY = "The second step is set up. Take it away first, then set it up with the other app."


def begin_set_up(staff_id: str, password: str, source: Source = NOWHERE) -> None:
    """Make a secret for an app. It is not asked for before a code of it was typed. Raises Invalid, Conflict."""
    prove_password(staff_id, password, source)
    with engine.transaction() as session:
        factor = session.get(SecondFactor, staff_id)
        if factor is not None and factor.confirmed_at is not None:
            raise Conflict("second_factor_set", SET_ALREADY)
        steps.new_secret(session, staff_id)


def confirm_set_up(staff_id: str, token: str, code: str) -> list[str]:
    """The app shows the right code: it is in force, other sessions end. Returns the recovery codes. Raises Invalid."""
    codes = steps.new_codes()
    hashes = [hash_password(one) for one in codes]
    with engine.transaction() as session:
        staff, factor = session.get_one(Staff, staff_id), session.get(SecondFactor, staff_id)
        if factor is None or factor.confirmed_at is not None:
            raise Conflict("second_factor_set", SET_ALREADY)
        is_right = steps.prove_code(session, staff, code)
        if is_right:
            steps.confirm(session, staff, factor, codes, hashes)
            end_sessions(session, staff_id, but=kept(token))
    if not is_right:
        raise Invalid("code_wrong", steps.WRONG_CODE, field="code")
    return codes


def renew_codes(staff_id: str, password: str, source: Source = NOWHERE) -> list[str]:
    """Ten new recovery codes in place of what is left of the earlier ones. Raises Invalid."""
    prove_password(staff_id, password, source)
    codes = steps.new_codes()
    hashes = [hash_password(one) for one in codes]
    with engine.transaction() as session:
        staff = session.get_one(Staff, staff_id)
        _require_set(session.get(SecondFactor, staff_id))
        steps.keep_codes(session, staff_id, codes, hashes)
        steps.journal_of(session, staff, "staff.recovery_codes_made")
        steps.say_changed(session, staff, f"codes:{clock.now().timestamp():.0f}")
    return codes


def remove(staff_id: str, token: str, password: str, source: Source = NOWHERE) -> None:
    """Sign in by a password alone again; other sessions end. Raises Invalid, Conflict when the program asks for it."""
    prove_password(staff_id, password, source)
    with engine.transaction() as session:
        staff = session.get_one(Staff, staff_id)
        _require_set(session.get(SecondFactor, staff_id))
        if steps.is_required(session, staff):
            raise Conflict(
                "second_factor_required", "Your program asks for the second step. It can be set up anew only."
            )
        _forget(session, staff_id)
        end_sessions(session, staff_id, but=kept(token))
        steps.journal_of(session, staff, "staff.second_factor_removed")
        steps.say_changed(session, staff, f"removed:{clock.now().timestamp():.0f}")


def reset_second_factor(session: Session, actor: Actor, staff_id: str) -> None:
    """Somebody lost their app and their codes: they sign in by password, and set it up anew where it is asked for.

    Every session of theirs ends, and they are told. Raises Conflict when there is none, and for oneself: an open
    browser is no way round the password.
    """
    actor.require("manage_staff")
    staff = colleague(session, actor, staff_id)
    if staff.id == actor.id:
        raise Conflict("not_yourself", "Change your own second step under your name, with your password.")
    _require_set(session.get(SecondFactor, staff_id))
    _forget(session, staff_id)
    end_sessions(session, staff_id)
    steps.journal_of(session, staff, "staff.second_factor_reset", by=actor.id)
    steps.say_changed(session, staff, f"reset:{clock.now().timestamp():.0f}")


def ask_second_factor_of(session: Session, actor: Actor, roles: Sequence[Role]) -> None:
    """Name the roles that may not sign in by a password alone; they set it up at their next sign-in."""
    actor.require("manage_program")
    rules = session.get(SignInRules, actor.program_id)
    if rules is None:
        rules = SignInRules(program_id=actor.program_id)
        session.add(rules)
    rules.second_factor_roles = [role.value for role in dict.fromkeys(roles)]
    journal.append_for_program(
        session, actor.program_id, "program.second_factor_asked", actor=actor.id, roles=rules.second_factor_roles
    )


def _require_set(factor: SecondFactor | None) -> None:
    if factor is None or factor.confirmed_at is None:
        raise Conflict("no_second_factor", "There is no second step to change.")


def _forget(session: Session, staff_id: str) -> None:
    for table in (RecoveryCode, SignInStep, SecondFactor):
        for row in session.exec(select(table).where(col(table.staff_id) == staff_id)):
            session.delete(row)
    session.flush()
