"""Consents: versions that never change, and the events that take one back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from domain.vocabulary import ConsentStatus, SignerKind, SigningMethod
from records.tables.columns import instant, points_to, words
from records.tables.row import Row
from records.tables.sealed import sealed, sealed_document


class ConsentVersion(Row, table=True):
    """One version of what a person answered, with every element of 42 CFR 2.31. Never changed, never deleted.

    `line` says what it is about (`domain.consent.line_of`); the latest version of a line counts. An answer other than
    “given” has no grants: the person said no, took back what they had said before it was written, or was not asked.
    """

    __tablename__ = "consent_version"
    __table_args__ = (UniqueConstraint("referral_id", "line_mark", "version"),)

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id", index=True)
    referral_id: str = points_to("referral.id")
    line: str = sealed("consent_version.line")  # it may hold the name of a relative
    line_mark: str | None = None  # `records.marks.set_line`
    version: int = 1
    answer: ConsentStatus = words(ConsentStatus)
    grants: list[dict[str, Any]] = sealed_document(
        "consent_version.grants", list
    )  # scope, to, name, categories, purpose
    person_name: str = sealed("consent_version.person_name", default="")
    discloser: str = ""
    form: str = ""  # the wording that was signed: `domain/texts/consent.<form>.toml`
    expires_at: datetime | None = instant()
    expires_when: str = sealed(
        "consent_version.expires_when", default=""
    )  # the event or condition it ends with, in words
    signer: SignerKind = words(SignerKind, default=SignerKind.PERSON)
    signer_name: str = sealed("consent_version.signer_name", default="")
    authority: str = sealed("consent_version.authority", default="")  # why a representative may sign
    needs_both: bool = False  # a minor's, in a state that asks for a parent's signature beside theirs (42 CFR 2.14)
    second_name: str = sealed("consent_version.second_name", default="")
    second_authority: str = sealed("consent_version.second_authority", default="")  # why the second may sign
    method: SigningMethod = words(SigningMethod, default=SigningMethod.PAPER)
    signed_on: date | None = None
    seen_by: str | None = None  # who of the staff saw the paper, or the person sign
    recorded_by: str
    recorded_at: datetime = instant(nullable=False)


class ConsentRevocation(Row, table=True):
    """A version was taken back. It counts from `at` on; no reason is asked."""

    __tablename__ = "consent_revocation"

    id: str = Field(primary_key=True)
    program_id: str = points_to("program.id", index=True)
    referral_id: str = points_to("referral.id", index=True)
    consent_id: str = points_to("consent_version.id", unique=True)
    at: datetime = instant(nullable=False)
    recorded_by: str
    said_by: str = sealed("consent_revocation.said_by", default="")
