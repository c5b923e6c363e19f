"""The consent vectors: which cases there are, and the file they are in. `python -m tests.consent.vectors` writes it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.consent.reading import IN_FORCE, WITH, is_allowed, listed

FILE = Path(__file__).parent / "vectors.csv"
COLUMNS = ("discloser", "consent", "state", "moment", "recipient", "name", "category", "purpose", "expected")
HEAD = """\
# One case a line: may the discloser tell this to that recipient, for this purpose, at this moment?
# Consents: `WITH` of reading.py. States: `open` has no end; `ends` by its date; `taken back`; `not signed`;
# `answered no` by a later version; `renewed` by a later version.
# Moments: before it is given; during; one second before the turn (the end, the taking back, the later version); at it;
# after it.
# Every expectation was worked out by reading.py, which reads the rule's tables and knows nothing of domain/consent.py.
# The combinations: every recipient and category under each consent in force; every purpose for what is allowed; every
# state and moment for what is allowed and for one thing that is not.
"""

RECIPIENTS = {
    "program": ("support", ("",)),
    "referrer": ("coordination", ("Example Hospital",)),
    "treating": ("treatment", ("Example Clinic",)),
    "contact": ("at_request", ("Rosa Example", "Somebody Else", "")),
    "organization": ("coordination", ("Example Housing", "Another House")),
    "justice": ("monitoring", ("Officer Example", "Example Court")),
    "person": ("at_request", ("",)),
}
CATEGORIES = (
    "request", "attendance", "standing", "coordination", "contact_data", "substance_use", "counseling_notes",
)  # fmt: skip
PURPOSES = ("support", "coordination", "treatment", "at_request", "monitoring", "proceedings")

Case = dict[str, str]


def cases() -> Iterator[Case]:
    """Every case, in a fixed order."""
    seen: set[tuple[str, ...]] = set()
    for consent in WITH:
        for state, moment, ask in _asks(consent):
            if (consent, state, moment, *ask) in seen:
                continue
            seen.add((consent, state, moment, *ask))
            kind, name, what, purpose = ask
            # By class, a consent names nobody: whichever facility or provider asks, the table has no name.
            plain = "" if kind in ("referrer", "treating") else name
            verdict = is_allowed(consent, state, moment, (kind, plain, what, purpose))
            row = ("program", consent, state, moment, *ask, "allowed" if verdict else "refused")
            yield dict(zip(COLUMNS, row, strict=True))


def _asks(consent: str) -> Iterator[tuple[str, str, tuple[str, str, str, str]]]:
    for kind, (purpose, names) in RECIPIENTS.items():
        for name in names:
            for what in CATEGORIES:
                yield "open", "during", (kind, name, what, purpose)
    own = sorted(listed(consent) - listed("nothing"))
    for kind, name, what, _ in own:
        for purpose in PURPOSES:
            yield "open", "during", (kind, name or RECIPIENTS[kind][1][0], what, purpose)
    if not own:
        return
    for state, moment in IN_FORCE:
        for kind, name, what, purpose in own:
            yield state, moment, (kind, name or RECIPIENTS[kind][1][0], what, purpose)
        yield state, moment, ("referrer", "Example Hospital", "request", "coordination")
        yield state, moment, (own[0][0], own[0][1] or RECIPIENTS[own[0][0]][1][0], "counseling_notes", own[0][3])


def write() -> None:
    """Write the file."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        file.write(HEAD)
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(cases())


def read() -> list[Case]:
    """The file as it is."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{len(read())} cases\n")
