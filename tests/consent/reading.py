"""What the law says of each case, read off the rules by hand and written as tables. Nothing here asks our own code.

`WITH[consent]` lists, line by line, what an active consent of that kind lets the program tell: recipient (and the name
where one is needed), what, what for. Whatever is not listed is refused. The numbers are sections of 42 CFR part 2.
"""

from __future__ import annotations

import re

ALWAYS = """
    program       attendance standing coordination contact_data   support      2.12(c)(3): its own work
    person        request attendance standing coordination contact_data substance_use   at_request   2.23: their record
"""
"""Whatever was agreed to. Counseling notes are kept apart even from the person (2.11): a clinician decides."""

WITH = {
    "nothing": "",
    "referred and share back": """
        program       substance_use                                support       2.31(a): that it is passed on
        referrer      attendance standing coordination             coordination  2.31(a): that it is told back
    """,
    "referred only": """
        program       substance_use                                support       2.31(a)
    """,
    "treating providers": """
        treating      attendance standing coordination contact_data   treatment  2.33(b): for TPO
    """,
    "Rosa hears how it stands": """
        contact=Rosa Example   standing                            at_request    2.31(a)(4): by name, one by one
    """,
    "Rosa hears all about care": """
        contact=Rosa Example   attendance standing coordination contact_data   at_request   2.31(a)(4)
    """,
    "Example Housing": """
        organization=Example Housing   coordination contact_data   coordination  2.33(b)(3): only as the consent says
    """,
    "Officer Example, attendance": """
        justice=Officer Example   attendance                       monitoring    2.35: those who need it to monitor
    """,
    "Officer Example, attendance and standing": """
        justice=Officer Example   attendance standing              monitoring    2.35
    """,
    "substance use to treating providers": """
        treating      substance_use                                treatment     2.31(a)(3), of its own
    """,
    "substance use to Rosa": """
        contact=Rosa Example   substance_use                       at_request    2.31(a)(3), of its own
    """,
    "substance use to the program": """
        program       substance_use                                support       2.31(a)(3), of its own
    """,
    "counseling notes to treating providers": """
        treating      counseling_notes                             treatment     2.31(b): never with anything else
    """,
    "proceedings, Example Court": """
        justice=Example Court   attendance standing                proceedings   2.31(d): never with anything else
    """,
    "proceedings with substance use, Example Court": """
        justice=Example Court   attendance standing substance_use  proceedings   2.31(d)
    """,
}

INTAKE = ("referred and share back", "referred only")
"""Consents that answer whether somebody is referred at all: how a facility's own request is answered hangs on them."""

IN_FORCE = {
    ("open", "before"): False,
    ("open", "during"): True,
    ("open", "after"): True,
    ("ends", "before"): False,
    ("ends", "during"): True,
    ("ends", "just before"): True,
    ("ends", "at"): False,
    ("ends", "after"): False,
    ("taken back", "during"): True,
    ("taken back", "just before"): True,
    ("taken back", "at"): False,
    ("taken back", "after"): False,
    ("not signed", "during"): False,
    ("answered no", "just before"): True,
    ("answered no", "at"): False,
    ("answered no", "after"): False,
    ("renewed", "during"): True,
    ("renewed", "at"): True,
    ("renewed", "after"): True,
}
"""The state of the consent and the moment of asking → whether it is in force: 2.31(c), 2.31(a)(6), (7).

It is given at `GIVEN`; it ends, is taken back or is replaced at `TURN`. From that very moment on it does not count."""


def listed(consent: str) -> set[tuple[str, str, str, str]]:
    """What a consent lets the program tell while it is in force: recipient, name, what, what for."""
    found = set()
    for line in WITH[consent].splitlines() + ALWAYS.splitlines():
        parts = re.split(r"\s{2,}", line.strip())
        if len(parts) > 1:
            kind, _, name = parts[0].partition("=")
            found |= {(kind, name, what, parts[2]) for what in parts[1].split()}
    return found


def is_allowed(consent: str, state: str, moment: str, ask: tuple[str, str, str, str]) -> bool:
    """What the tables above say of one case."""
    always = listed("nothing")
    if ask in always:
        return True
    kind, _name, what, purpose = ask
    if (kind, what, purpose) == ("referrer", "request", "coordination"):
        return not _said_no(consent, state, moment)
    return IN_FORCE[state, moment] and ask in listed(consent)


def _said_no(consent: str, state: str, moment: str) -> bool:
    """A facility hears how its own request is answered until the person says no; “not asked yet” is not a no."""
    has_turned = moment in ("at", "after")
    return consent in INTAKE and state in ("ends", "taken back", "answered no") and has_turned
