"""Which fields concern substance use, in one table: they are shown only under a consent that covers them.

What somebody typed at a facility may hold anything: it is treated as if it did (unknown means it does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.vocabulary import Need, RiskFlag

FIELDS: dict[str, frozenset[str] | None] = {
    "risks": frozenset({RiskFlag.OVERDOSE.value}),
    "needs": frozenset({Need.TREATMENT.value}),
    "needs_note": None,
    "note": None,
}
"""A field's name → the values that concern substance use; None: all of it. Of the notes in a timeline those that the
facility's staff wrote, and of those by the program's own people the ones that they marked when they wrote them."""

WITHHELD = "Withheld until they agree that it is passed on"
HIGH_RISK = "High risk"
"""In lists: why times are shorter is for the person's own page."""


def open_values(field: str, values: Iterable[str]) -> list[str]:
    """What of a list may be read without the consent. Raises KeyError for a field that is not in the table."""
    hidden = FIELDS[field]
    return [] if hidden is None else [value for value in values if value not in hidden]


def hides(field: str, value: Any) -> bool:
    """Whether something of this field is withheld from whoever has no consent-backed right."""
    hidden = FIELDS[field]
    return bool(value) if hidden is None else any(one in hidden for one in value)


def open_facts(event: str, data: Mapping[str, Any], *, is_of_facility: bool) -> dict[str, Any]:
    """The facts of an event as they may be read without the consent."""
    shown = dict(data)
    for key in ("risks", "before", "after") if event in _WITH_RISKS else ():
        if isinstance(shown.get(key), list):
            shown[key] = open_values("risks", shown[key])
    if event == "note.added" and (is_of_facility or data.get("about_use")):
        shown["note"] = WITHHELD + "."
    return shown


_WITH_RISKS = frozenset({"referral.submitted", "risks.changed"})


def list_labels(risks: Iterable[str], *, only_high: bool = False) -> list[str]:
    """The risks as a list names them: one that concerns substance use only as a high one."""
    hidden = FIELDS["risks"] or frozenset()
    flags = [RiskFlag(risk) for risk in risks]
    labels = [HIGH_RISK if f.value in hidden else f.label for f in flags if f.is_high or not only_high]
    return list(dict.fromkeys(labels))
