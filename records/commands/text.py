"""Checking what people type: bounded, printable, kept as it is."""

from __future__ import annotations

import unicodedata

from domain.errors import Invalid

NAME_LENGTH, LINE_LENGTH, NOTE_LENGTH = 100, 200, 4000


def checked_text(value: str | None, field: str, *, limit: int = NOTE_LENGTH, required: bool = False) -> str:
    """The text without surrounding space. Raises Invalid when too long, unprintable, or empty where it is required."""
    text = (value or "").strip()
    if required and not text:
        raise Invalid("required", "Write a few words here.", field=field)
    if len(text) > limit:
        raise Invalid("too_long", f"This is longer than {limit} characters. Shorten it, please.", field=field)
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in text):
        raise Invalid(
            "unprintable", "This contains characters that cannot be shown. Type it again, please.", field=field
        )
    return text


_WHICH = {"given_name": "first name", "family_name": "last name"}
"""How a name is asked for: two of them may be missing in one list."""


def checked_name(value: str | None, field: str, *, required: bool = True) -> str:
    """A person's name: any script, bounded, with at least one letter. Raises Invalid."""
    text = checked_text(value, field, limit=NAME_LENGTH, required=False)
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if required and not text:
        raise Invalid("required", f"Enter the {_WHICH.get(field, 'name')}.", field=field)
    if text and not any(unicodedata.category(c).startswith("L") for c in text):
        raise Invalid("not_a_name", "A name has at least one letter.", field=field)
    return text
