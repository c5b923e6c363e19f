"""What a person had agreed to at a moment, in the shortest reading of 42 CFR part 2 that decides it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from records.checking.dossier import Dossier, document
from records.sealing import keyring

NAMED = frozenset({"contact", "organization", "justice"})
"""Recipients whom a consent must name."""
APART = {"counseling_notes": {"counseling_notes"}, "substance_use": {"referred", "substance_use", "proceedings"}}
"""What only its own scopes can cover (42 CFR 2.31(b), 2.13)."""
OF_CARE = frozenset({"attendance", "standing", "coordination", "contact_data"})


class Version(NamedTuple):
    """One version of one line, with when it was taken back."""

    line: str
    number: int
    answer: str
    grants: list[dict[str, Any]]
    said_at: datetime
    ends_at: datetime | None
    taken_back_at: datetime | None
    is_whole: bool

    def stands(self, at: datetime) -> str:
        """What it says at a moment."""
        if self.taken_back_at is not None and self.taken_back_at <= at:
            return "revoked"
        if self.answer == "given" and self.ends_at is not None and self.ends_at <= at:
            return "expired"
        return self.answer


def open_text(kept: str, column: str) -> str:
    """A sealed column's value as it was given."""
    return keyring().open(kept, column.encode()) if kept and kept.startswith("c1.") else kept


def versions_of(dossier: Dossier) -> list[Version]:
    """Every version about this referral."""
    back = {row.consent_id: row.at for row in dossier.tables["consent_revocation"]}
    found = []
    for row in dossier.tables["consent_version"]:
        grants = row.grants
        if grants.__class__ is str:
            grants = document(open_text(grants, "consent_version.grants"))
        is_whole = bool(row.person_name and row.signer_name and row.signed_on and (row.expires_at or row.expires_when))
        found.append(
            Version(
                open_text(row.line, "consent_version.line"), row.version, row.answer, grants or [], row.recorded_at,
                row.expires_at, back.get(row.id), is_whole,
            )
        )  # fmt: skip
    return found


def _latest(versions: Iterable[Version], at: datetime) -> dict[str, Version]:
    latest: dict[str, Version] = {}
    for one in versions:
        if one.said_at <= at and (one.line not in latest or latest[one.line].number < one.number):
            latest[one.line] = one
    return latest


def standing(versions: Iterable[Version], at: datetime) -> str:
    """Whether they agreed to be referred and contacted, at a moment."""
    intake = _latest(versions, at).get("intake")
    return intake.stands(at) if intake is not None else "pending"


def covers(versions: Iterable[Version], kind: str, name: str, category: str, purpose: str, at: datetime) -> bool:
    """Whether this may be told to this recipient for this purpose at this moment."""
    if kind == "person":
        return category != "counseling_notes" and purpose == "at_request"
    if kind == "program" and category in OF_CARE:
        return purpose == "support"
    latest = _latest(versions, at)
    if category == "request":
        said = latest["intake"].stands(at) if "intake" in latest else "pending"
        return kind == "referrer" and purpose == "coordination" and said in ("given", "pending")
    for one in latest.values():
        if one.stands(at) != "given" or not one.is_whole:
            continue
        for grant in one.grants:
            is_named = bool(grant.get("name")) and _same(grant["name"], name)
            if (
                grant["to"] == kind
                and category in grant["categories"]
                and grant["purpose"] == purpose
                and (is_named if kind in NAMED or grant.get("name") else True)
                and grant["scope"] in APART.get(category, {grant["scope"]})
            ):
                return True
    return False


def _same(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()
