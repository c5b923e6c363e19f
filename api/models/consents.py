"""Consents as the API takes and gives them."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from api.models.common import Day, Id, In, Instant, Out, Text
from domain.consent import Consent, Grant
from domain.vocabulary import Category, ConsentStatus, Purpose, RecipientKind, Scope, SignerKind, SigningMethod
from records.commands.consents import Signature
from records.tables import ConsentVersion


class SignedConsentIn(In):
    """A consent that was signed: one scope, with everything that 42 CFR 2.31 asks for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "scope": "contact",
                    "name": "Rosa Example",
                    "categories": ["standing"],
                    "signature": "Ada Sample",
                    "method": "paper",
                    "signed_on": "2026-11-02",
                }
            ]
        },
    )

    scope: Scope
    to: RecipientKind | None = Field(None, description="needed when the scope can go to several kinds of recipients")
    name: Text = Field("", description="who may be told, where they must be named")
    categories: list[Category] = Field([], max_length=10, description="empty: what the scope usually covers")
    shares_back: bool = Field(True, description="with `referred`: the facility hears how it goes")
    expires_at: Instant | None = None
    signer: SignerKind = SignerKind.PERSON
    authority: Text = Field("", description="why somebody else may sign")
    signature: Text = Field(description="the name that stands as the signature")
    second_signature: Text = Field("", description="who signs beside a minor, where the state asks for it")
    second_authority: Text = Field("", description="why the second may sign")
    method: SigningMethod
    signed_on: Day | None = Field(None, description="of a paper; empty: today")
    agrees: bool = Field(False, description="with `screen`: they said that this is their signature")

    def signed(self) -> Signature:
        """As the command takes it."""
        return Signature(
            name=self.signature,
            signer=self.signer,
            authority=self.authority,
            method=self.method,
            signed_on=self.signed_on if self.method is SigningMethod.PAPER else None,
            second=self.second_signature,
            second_authority=self.second_authority,
        )


class GrantOut(Out):
    """One thing agreed to."""

    scope: Scope
    to: RecipientKind
    name: str
    categories: list[Category]
    purpose: Purpose

    @classmethod
    def of(cls, grant: Grant) -> GrantOut:
        """A grant as an answer."""
        categories = [category for category in Category if category in grant.categories]
        return cls(scope=grant.scope, to=grant.to, name=grant.name, categories=categories, purpose=grant.purpose)


class ConsentOut(Out):
    """One version of what a person answered. Versions never change; of a `line` the latest counts."""

    id: Id
    line: str
    version: int
    status: ConsentStatus = Field(description="what this version says now; taken back and expired count from then on")
    counts: bool = Field(description="the latest of its line, complete, and in force now")
    lacks: list[str] = Field(description="elements of 42 CFR 2.31 that are missing: then it does not count")
    grants: list[GrantOut]
    person_name: str
    discloser: str
    expires_at: Instant | None
    expires_when: str
    signer: SignerKind
    signer_name: str
    authority: str
    second_name: str
    second_authority: str
    method: SigningMethod
    signed_on: Day | None
    recorded_at: Instant
    revoked_at: Instant | None

    @classmethod
    def of(cls, row: ConsentVersion, facts: Consent, now: datetime, *, is_latest: bool) -> ConsentOut:
        """A version as an answer, at a moment."""
        kept = {name: getattr(row, name) for name in cls.model_fields if name in ConsentVersion.model_fields}
        status = facts.status(now)
        said = {
            "status": status,
            "counts": is_latest and status is ConsentStatus.GIVEN and not facts.lacks,
            "lacks": list(facts.lacks),
            "grants": [GrantOut.of(grant) for grant in facts.grants],
            "revoked_at": facts.revoked_at,
        }
        return cls.model_validate(kept | said)


class ConsentsOut(Out):
    """Every version, the oldest first."""

    items: list[ConsentOut]
