"""The cells of a release list, one function a kind. Each adds what is wrong to the list of faults of its row.

Text that looks like a formula (`=1+1`) is text: it is kept as written and never worked out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from typing import TypeVar

from domain.languages import LANGUAGES
from domain.vocabulary import ReleaseKind, RiskFlag

T = TypeVar("T")

MAX_CELL = 100
"""Characters of a cell."""
MAX_WHERE = 500
"""Characters of `where_to_find`, which is a sentence."""

_LIMITS = {"where_to_find": MAX_WHERE, "risk_flags": MAX_WHERE}
_YEARS = range(1900, 2100)
_AMERICAN_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?(?:\s*([ap])\.?m\.?)?", re.ASCII | re.IGNORECASE)
_PHONE = re.compile(r"\+?[\d\s().-]+(?:(?:x|ext\.?)\s*\d{1,6})?", re.ASCII | re.IGNORECASE)

STATUSES = {"planned": False, "actual": True}
"""Whether the release has happened."""
KINDS = {kind.value: kind for kind in ReleaseKind}
LANGUAGE_CODES = {name.lower(): code for code, name in LANGUAGES.items()} | {"asl": "ase", "mandarin": "zh"}
"""What jails write, and its ISO 639 code. A code itself is taken too."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell, in words for the sender; no column when it is the row as a whole."""

    column: str
    sentence: str


def text(column: str, written: str, faults: list[Fault]) -> str:
    """The cell's text with spaces tidied and letters composed; empty when it is too long or cannot be read."""
    tidy = written if written.isascii() else unicodedata.normalize("NFC", written)
    tidy = " ".join(tidy.split())
    limit = _LIMITS.get(column, MAX_CELL)
    if len(tidy) > limit:
        faults.append(Fault(column, f"This is longer than {limit} characters."))
        return ""
    if not tidy.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") for c in tidy):
        faults.append(Fault(column, "This holds a character that cannot be read."))
        return ""
    return tidy


def check_name(column: str, value: str, faults: list[Fault]) -> None:
    """A name has a letter in it, of whatever script."""
    if value and not any(c.isalpha() for c in value):
        faults.append(Fault(column, "A name has at least one letter."))


def day(column: str, value: str, faults: list[Fault]) -> date | None:
    """A date such as 2026-11-23 or 11/23/2026, month first."""
    found = _day(value) if value else None
    if value and found is None:
        faults.append(Fault(column, "Write the date as 2026-11-23 or 11/23/2026, with the year in four digits."))
    return found


@lru_cache(maxsize=4096)
def _day(value: str) -> date | None:
    american = _AMERICAN_DATE.fullmatch(value)
    try:
        if american:
            found = date(int(american[3]), int(american[1]), int(american[2]))
        elif _ISO_DATE.fullmatch(value):
            found = date.fromisoformat(value)
        else:
            return None
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def time_of_day(column: str, value: str, faults: list[Fault]) -> time | None:
    """A time such as 17:30 or 5:30 PM; seconds are dropped."""
    found = _time_of_day(value) if value else None
    if value and found is None:
        faults.append(Fault(column, "Write the time as 17:30 or 5:30 PM, or leave it empty."))
    return found


@lru_cache(maxsize=4096)
def _time_of_day(value: str) -> time | None:
    match = _TIME.fullmatch(value)
    if match is None:
        return None
    hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def choice(column: str, value: str, among: Mapping[str, T], faults: list[Fault]) -> T | None:
    """One of a few words, however its spaces and capitals are written."""
    key = value.lower().replace(" ", "_").replace("-", "_")
    if key not in among:
        faults.append(Fault(column, f"Write one of: {', '.join(among)}."))
    return among.get(key)


def phone(column: str, value: str, faults: list[Fault]) -> str:
    """A phone number with its area code, as it was written."""
    number = re.split("x|ext", value.lower())[0]
    if value and not (_PHONE.fullmatch(value) and 10 <= sum(c.isdigit() for c in number) <= 15):
        faults.append(Fault(column, "Write the number with its area code, such as 555-010-1234, or leave it empty."))
        return ""
    return value


def language(column: str, value: str, faults: list[Fault]) -> str:
    """The code of a language written as a code or in English."""
    key = value.lower()
    if key in LANGUAGE_CODES:
        return LANGUAGE_CODES[key]
    if key and not (key.isascii() and key.isalpha() and len(key) in (2, 3)):
        faults.append(Fault(column, "Write the language as a code (es) or in English (Spanish)."))
        return ""
    return key


def risk_flags(column: str, value: str, faults: list[Fault]) -> frozenset[RiskFlag]:
    """Any number of risk flags, semicolons between them."""
    known = {flag.value: flag for flag in RiskFlag}
    found = (choice(column, part.strip(), known, faults) for part in value.split(";") if part.strip())
    return frozenset(flag for flag in found if flag is not None)
