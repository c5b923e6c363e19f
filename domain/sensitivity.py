"""Which fields concern substance use, in one table: they are shown only under a consent that covers them.

What somebody typed at a facility may hold anything: it is treated as if it did (unknown means it does).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.vocabulary import Category, Need, RiskFlag

SENSITIVE_RISKS = frozenset({RiskFlag.OVERDOSE.value})
SENSITIVE_NEEDS = frozenset({Need.TREATMENT.value})

FIELDS: dict[str, frozenset[str] | None] = {
    "risks": SENSITIVE_RISKS,
    "needs": SENSITIVE_NEEDS,
    "needs_note": None,
    "note": None,
    "unit": None,
}
"""A field's name → the values that concern substance use; None: all of it. Of a note only one by the facility's staff;
the program's own people wrote the others."""

CATEGORY = Category.SUBSTANCE_USE
WITHHELD = "Withheld: their consent does not cover it yet."


def open_values(field: str, values: Iterable[str]) -> list[str]:
    """What of a list may be read without the consent. Raises KeyError for a field that is not in the table."""
    hidden = FIELDS[field]
    return [] if hidden is None else [value for value in values if value not in hidden]


def hides(field: str, value: Any) -> bool:
    """Whether something of this field is withheld from whoever has no consent-backed right."""
    hidden = FIELDS.get(field, frozenset())
    if hidden is None:
        return bool(value)
    return any(one in hidden for one in value or ())
