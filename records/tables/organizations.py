"""Programs, facilities, the people who sign in, and the bridgers among them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from domain.vocabulary import FacilityKind, Gender, Role, Setting
from records.tables.columns import document, instant, points_to, words
from records.tables.row import Row
from records.tables.sealed import sealed_document


class Program(Row, table=True):
    """A peer agency: its time zone, calendar and rules."""

    id: str = Field(primary_key=True)
    name: str
    neutral_name: str = ""  # what messages may say: nothing in it tells what the program does
    zone: str = "America/New_York"
    country: str = "US"
    subdivision: str = ""
    closed_on: list[str] = document(list)  # further dates, ISO, on which the offices are closed
    areas: list[str] = document(list)  # postal codes or their beginnings; empty: everywhere
    accepts_at_once: bool = False
    caseload_limit: int = 15  # NC Medicaid 8G: 1:15
    supervisor_limit: int = 8  # NC Medicaid 8G: 1:8
    supervisor_id: str = ""  # who is asked when no other supervisor is known
    clinician_id: str = ""  # who is on call now
    manager_id: str = ""
    phone: str = ""
    handover_grace_hours: int = 72  # so long somebody who handed a person over may still read; 0: not at all
    break_glass_hours: int = 4  # so long a record stays open that was opened with a reason
    minors_sign_alone: bool = False  # whether the state lets a minor alone consent to telling of substance use
    created_at: datetime = instant(nullable=False)


class Facility(Row, table=True):
    """A hospital, emergency department, jail or prison that refers people."""

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id", index=True)
    name: str
    kind: FacilityKind = words(FacilityKind)
    setting: Setting = words(Setting)
    zone: str = "America/New_York"
    phone: str = ""
    address: str = ""
    identifiers: list[dict[str, str]] = document(list)
    needs_clearance: bool = False
    is_active: bool = True
    created_at: datetime = instant(nullable=False)


class Staff(Row, table=True):
    """Somebody who signs in."""

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id", index=True)
    email: str = Field(unique=True)
    name: str
    first_name: str = ""
    phone: str = ""
    roles: list[str] = document(list)
    facility_id: str | None = Field(default=None, index=True)
    supervisor_id: str | None = Field(default=None, index=True)
    password_hash: str = ""
    is_active: bool = True
    is_demonstration: bool = False
    wants_email: bool = True
    wants_sms: bool = False
    failed_sign_ins: int = 0
    locked_until: datetime | None = instant()
    created_at: datetime = instant(nullable=False)

    def has(self, *roles: Role) -> bool:
        """Whether any of these roles is theirs."""
        return any(role.value in self.roles for role in roles)


class Bridger(Row, table=True):
    """What matching needs to know of a peer bridger. The key is the member of staff's."""

    staff_id: str = points_to("staff.id", primary_key=True)
    program_id: str = points_to("program.id", index=True)
    languages: list[str] = document(list)
    gender: Gender = words(Gender, default=Gender.UNSTATED)
    lived_experience: list[str] = document(list)  # settings
    areas: list[str] = document(list)
    clearances: list[dict[str, str]] = document(list)  # facility_id, until (ISO date)
    conflicts: list[dict[str, str]] = sealed_document("bridger.conflicts", list)  # person_id, reason (private)
    caseload_limit: int | None = None
    is_taking_people: bool = True


class Absence(Row, table=True):
    """A time in which a bridger is away, and who covers."""

    id: str = Field(primary_key=True)
    program_id: str = Field(index=True)
    bridger_id: str = Field(index=True)
    from_at: datetime = instant(nullable=False)
    until_at: datetime | None = instant()
    cover_id: str | None = None
    begun_at: datetime | None = instant()  # when the people were handed to the cover
    ended_at: datetime | None = instant()
    created_at: datetime = instant(nullable=False)


class ProtocolVersion(Row, table=True):
    """A published protocol of a program. It never changes; a running case names the version it follows."""

    __tablename__ = "protocol"

    id: str = Field(primary_key=True)
    program_id: str = Field(index=True)
    key: str
    version: int
    title: str
    text: str  # the file as published, TOML
    published_at: datetime = instant(nullable=False)
    published_by: str | None = None


class ProtocolMove(Row, table=True):
    """Running cases that somebody moved to a version together, and whether that was taken back."""

    __tablename__ = "protocol_move"

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id", index=True)
    protocol_id: str = points_to("protocol.id")
    made_by: str
    made_at: datetime = instant(nullable=False)
    undone_by: str | None = None
    undone_at: datetime | None = instant()


class MovedCase(Row, table=True):
    """One case of a move: which version it followed before, and what is needed to take it back exactly."""

    __tablename__ = "protocol_move_case"

    move_id: str = points_to("protocol_move.id", primary_key=True)
    referral_id: str = points_to("referral.id", primary_key=True, index=True)
    before_id: str = points_to("protocol.id")
    journal_seq: int  # the journal's last entry of the move: what comes after happened under the version
    dropped: list[str] = document(list)  # contacts that it took off the plan
    settled: list[str] = document(list)  # calls that it settled
    undone_at: datetime | None = instant()


class StaffSession(Row, table=True):
    """A signed-in browser. The token itself is not kept, only its hash."""

    id: str = Field(primary_key=True)  # SHA-256 of the token
    staff_id: str = Field(index=True)
    created_at: datetime = instant(nullable=False)
    seen_at: datetime = instant(nullable=False)
    ends_at: datetime = instant(nullable=False)
    agent: str = ""


class ApiToken(Row, table=True):
    """A bearer token for the API. Kept as its hash."""

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    staff_id: str = Field(index=True)
    name: str = ""
    created_at: datetime = instant(nullable=False)
    used_at: datetime | None = instant()
    expires_at: datetime | None = instant()
    revoked_at: datetime | None = instant()


class Idempotency(Row, table=True):
    """The answer that a request was given, for when it comes again."""

    id: str = Field(primary_key=True)  # hash of actor, route and key
    fingerprint: str
    status: int
    body: Any = sealed_document("idempotency.body", dict)
    created_at: datetime = instant(nullable=False, index=True)


class Meta(Row, table=True):
    """Facts about this database: the anchor of a fast clock, when upkeep last ran."""

    key: str = Field(primary_key=True)
    value: str = ""
