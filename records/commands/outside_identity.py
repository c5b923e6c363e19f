"""Signing in with the hospital's own account: somebody else has proven who it is; we know whether they work here."""

from __future__ import annotations

from sqlmodel import select

from domain.errors import NotAllowed
from records import clock, engine
from records.commands import second_factor
from records.commands.sessions import open_session
from records.commands.text import LINE_LENGTH
from records.tables import Staff

UNKNOWN = (
    "Your organization says who you are, but nobody signs in here with that e-mail address. "
    "Ask your manager or administrator to put you on the list."
)


def sign_in_as(email: str, subject: str, agent: str) -> str:
    """A session for whoever has this address, which the organization has verified; returns its token.

    Nobody is put on the list by it. A second step that the program or they themselves ask for is asked for here too.
    Opens a transaction of its own. Raises NotAllowed, SecondStep.
    """
    address = email.strip().lower()[:LINE_LENGTH]
    token = step = ""
    with engine.transaction() as session:
        staff = session.exec(select(Staff).where(Staff.email == address)).first()
        if staff is not None and staff.is_active:
            if second_factor.is_needed(session, staff):
                step = second_factor.open_step(session, staff, agent)
            else:
                second_factor.journal_of(session, staff, "staff.signed_in", by_organization=subject[:LINE_LENGTH])
                token = open_session(session, staff, clock.now(), agent)
    if step:
        raise second_factor.SecondStep(step)
    if not token:
        raise NotAllowed("not_on_the_list", UNKNOWN)
    return token
