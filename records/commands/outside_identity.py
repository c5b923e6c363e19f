"""Signing in with the hospital's own account: somebody else has proven who it is; we know whether they work here.

An account is known by its issuer and `sub`. The first time it is bound to whoever has its verified e-mail address here;
from then on the address plays no part, so that an address that is given to somebody else opens nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlmodel import Session, col, select

from domain.errors import NotAllowed, NotFound
from domain.vocabulary import Role
from records import clock, engine, journal
from records.access import Actor
from records.commands import second_factor
from records.commands.messages import tell
from records.commands.sessions import open_session
from records.commands.staff import colleague, end_sessions
from records.commands.text import LINE_LENGTH
from records.queries.staff import list_with_role
from records.tables import OutsideIdentity, Staff

UNKNOWN = (
    "Your organization says who you are, but nobody signs in here with that e-mail address. "
    "Ask your manager or administrator to put you on the list."
)
NOT_VERIFIED = "Your organization has not verified your e-mail address."
ANOTHER = (
    "Somebody signed in here with this e-mail address and another account of your organization. "
    "Your administrator has been told, and can let the new account in."
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is at the organization. `email` is empty unless the organization has verified it."""

    issuer: str
    subject: str
    email: str = ""


def sign_in_as(account: Account, agent: str) -> str:
    """A session for whoever this account belongs to here; returns its token.

    Nobody is put on the list by it. A second step that the program or they themselves ask for is asked for here too.
    Opens a transaction of its own. Raises NotAllowed, SecondStep.
    """
    token = step = ""
    with engine.transaction() as session:
        staff, refusal = _whose(session, account)
        if staff is not None:
            if second_factor.is_needed(session, staff):
                step = second_factor.open_step(session, staff, agent)
            else:
                said = f"{account.issuer} {account.subject}"[:LINE_LENGTH]
                second_factor.journal_of(session, staff, "staff.signed_in", by_organization=said)
                token = open_session(session, staff, clock.now(), agent)
    if step:
        raise second_factor.SecondStep(step)
    if not token:
        raise refusal
    return token


def forget_account(session: Session, actor: Actor, staff_id: str) -> None:
    """Somebody has another account at the organization now: the next one with their verified address is theirs.

    Every session of theirs ends. Raises NotFound when no account is known.
    """
    actor.require("manage_staff")
    staff = colleague(session, actor, staff_id)
    bound = list_accounts(session, staff.id)
    if not bound:
        raise NotFound("An account of theirs")
    for row in bound:
        session.delete(row)
    journal.append_for_program(
        session,
        staff.program_id,
        "staff.identity_unbound",
        actor=actor.id,
        subject_id=staff.id,
        accounts=[f"{row.issuer} {row.subject}"[:LINE_LENGTH] for row in bound],
        sessions=end_sessions(session, staff.id),
    )


def list_accounts(session: Session, staff_id: str) -> list[OutsideIdentity]:
    """The accounts at organizations that are bound to somebody."""
    return list(session.exec(select(OutsideIdentity).where(OutsideIdentity.staff_id == staff_id)))


def _whose(session: Session, account: Account) -> tuple[Staff | None, NotAllowed]:
    """Whoever this account belongs to and may come in; otherwise why not."""
    bound = session.get(OutsideIdentity, (account.issuer, account.subject))
    if bound is not None:
        staff = session.get_one(Staff, bound.staff_id)
        return (staff if staff.is_active else None), NotAllowed("not_on_the_list", UNKNOWN)
    if not account.email:
        return None, NotAllowed("email_not_verified", NOT_VERIFIED)
    by_address = select(Staff).where(Staff.email == account.email.strip().lower()[:LINE_LENGTH], col(Staff.is_active))
    found = session.exec(by_address.with_for_update()).first()
    if found is None:
        return None, NotAllowed("not_on_the_list", UNKNOWN)
    if any(row.issuer == account.issuer for row in list_accounts(session, found.id)):
        _say_refused(session, found, account)
        return None, NotAllowed("another_account", ANOTHER)
    session.add(
        OutsideIdentity(issuer=account.issuer, subject=account.subject, staff_id=found.id, bound_at=clock.now())
    )
    session.flush()
    second_factor.journal_of(session, found, "staff.identity_bound", account=_mark(account))
    second_factor.say_changed(session, found, f"identity:{_mark(account)}")
    return found, NotAllowed("not_on_the_list", UNKNOWN)


def _say_refused(session: Session, staff: Staff, account: Account) -> None:
    """Whoever manages staff is told, once for each account that tries."""
    second_factor.journal_of(session, staff, "staff.identity_refused", account=_mark(account))
    key = f"identity_refused:{staff.id}:{_mark(account)}"
    told = list_with_role(session, staff.program_id, Role.ADMIN) or list_with_role(
        session, staff.program_id, Role.MANAGER
    )
    for administrator in told:
        tell(session, administrator, "identity_refused", key=key, program_id=staff.program_id, subject_id=staff.id)


def _mark(account: Account) -> str:
    """What an account is told apart by where it need not be known."""
    return hashlib.sha256(f"{account.issuer} {account.subject}".encode()).hexdigest()[:16]
