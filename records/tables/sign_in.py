"""How people prove who they are, beside the password: a second step, and what is kept while they are at it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from records.tables.columns import document, instant, points_to
from records.tables.row import Row


class SignInRules(Row, table=True):
    """What a program asks of those who sign in. A program without a row asks for a password alone."""

    program_id: str = points_to("program.id", primary_key=True)
    second_factor_roles: list[str] = document(list)  # who may not sign in by a password alone


class SecondFactor(Row, table=True):
    """The app that shows somebody a code every thirty seconds (TOTP, RFC 6238). Not in force until it is confirmed."""

    staff_id: str = points_to("staff.id", primary_key=True)
    secret: str  # sealed
    created_at: datetime = instant(nullable=False)
    confirmed_at: datetime | None = instant()
    last_step: int = 0  # the thirty seconds whose code was used last: no code counts twice
    failed_tries: int = 0
    locked_until: datetime | None = instant()


class RecoveryCode(Row, table=True):
    """A code on paper, for when the app is not at hand. Kept as a hash like a password; each is good once."""

    id: str = Field(primary_key=True)
    staff_id: str = points_to("staff.id", index=True)
    mark: str  # its first characters, by which it is found
    code_hash: str
    created_at: datetime = instant(nullable=False)
    used_at: datetime | None = instant()


class SignInStep(Row, table=True):
    """Somebody whose password was right and whose second step is awaited. The token itself is not kept."""

    id: str = Field(primary_key=True)  # SHA-256 of the token
    staff_id: str = points_to("staff.id", index=True)
    created_at: datetime = instant(nullable=False)
    ends_at: datetime = instant(nullable=False)
    tries: int = 0
    agent: str = ""


class OneTimeLink(Row, table=True):
    """An address with which somebody chooses their password, once. The address is derived from the id, not kept."""

    id: str = Field(primary_key=True)
    staff_id: str = points_to("staff.id", index=True)
    is_invitation: bool = False  # a colleague made it; otherwise somebody asked for it at the door
    created_at: datetime = instant(nullable=False)
    created_by: str
    expires_at: datetime = instant(nullable=False)
    used_at: datetime | None = instant()


class KnownDevice(Row, table=True):
    """A browser in which somebody signed in before: wrong tries of strangers do not make it wait."""

    id: str = Field(primary_key=True)  # SHA-256 of the browser's token and the member of staff
    staff_id: str = points_to("staff.id", index=True)
    seen_at: datetime = instant(nullable=False)
    failed_tries: int = 0
    locked_until: datetime | None = instant()


class OutsideIdentity(Row, table=True):
    """Whose account at an organization's own sign-in this is: known by its `sub` from the first time on, for good."""

    __tablename__ = "outside_identity"
    __table_args__ = (UniqueConstraint("issuer", "staff_id"),)

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    staff_id: str = points_to("staff.id", index=True)
    bound_at: datetime = instant(nullable=False)


class AddressTries(Row, table=True):
    """Wrong tries from one network address by browsers that nobody knows, whatever account they were at."""

    id: str = Field(primary_key=True)  # a keyed hash: the records hold no network address
    since_at: datetime = instant(nullable=False, index=True)
    failed_tries: int = 0
    locked_until: datetime | None = instant()


class KeptForm(Row, table=True):
    """What somebody had typed when their session ended, until they have signed in again. Sealed, and theirs alone."""

    id: str = Field(primary_key=True)
    staff_id: str = points_to("staff.id", index=True)
    path: str  # where the form goes
    fields: str  # sealed
    created_at: datetime = instant(nullable=False)
