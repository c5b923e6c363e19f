"""What people told in words, in the journal: sealed among facts that stay readable to queries.

The hash of an entry must say what was told without letting anybody guess it, and must stay when the key changes. So
each text has a salt that is sealed with it, and the hash covers the digest of both.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import JSON, TypeDecorator
from sqlalchemy.engine import Dialect

from records import sealing
from records.sealing import CannotOpen, keyring
from records.settings import get_settings
from records.tables.sealed import MARKER

WORDS = ("note", "where", "reason", "override_reason")
"""Under which names of an entry's facts a text may be somebody's own words."""
OWN_REASONS = frozenset({"cancel.requested", "contact.waived", "rhythm.changed", "welfare.decided"})
"""Events whose reason somebody has typed; with others it is a word of the vocabulary or a sentence of ours."""
_ALWAYS = frozenset(WORDS) - {"reason"}
"""Names under which nothing but somebody's own words ever stands."""
CLOSED = "(This cannot be opened: its key is missing, or it was altered.)"
_ABOUT = b"journal.data"
_SALT = 32  # hexadecimal digits
_SALTED, _OF_OLD = "+", "-"


class Told(str):
    """A text in somebody's own words. It has a salt unless it was written down before there were any."""

    __slots__ = ("salt",)
    salt: str

    def __new__(cls, text: str, salt: str | None = None) -> Told:
        """With a new salt, or the one that it was written down with."""
        self = super().__new__(cls, text)
        self.salt = secrets.token_hex(_SALT // 2) if salt is None else salt
        return self

    @property
    def covered(self) -> str:
        """What an entry's hash covers of it."""
        return f"told:{hashlib.sha256((self.salt + self).encode()).hexdigest()}" if self.salt else str(self)


class Facts(TypeDecorator[dict[str, Any]]):
    """The facts of an entry, as JSON: what is `Told` sealed, the rest as it is."""

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """How facts become JSON."""
        return _as_json

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:
        """How JSON becomes facts."""
        if dialect.name == "sqlite":
            return lambda kept: with_words(from_json(kept))
        return with_words


def _as_json(data: dict[str, Any]) -> str:
    if sealing.is_on and any(value.__class__ is Told for value in data.values()):
        data = {name: seal_told(value) if value.__class__ is Told else value for name, value in data.items()}
    return to_json(data).decode() if data else "{}"


def seal_told(text: Told) -> str:
    """Somebody's words as the database keeps them."""
    return keyring().seal(f"{_SALTED}{text.salt}{text}" if text.salt else f"{_OF_OLD}{text}", _ABOUT)


def open_told(kept: str) -> Told:
    """Somebody's words as they were told."""
    opened = keyring().open(kept, _ABOUT)
    return Told(opened[1 + _SALT :], opened[1 : 1 + _SALT]) if opened[0] == _SALTED else Told(opened[1:], "")


def mark_told(event: str, facts: dict[str, Any], salt: str | None = None) -> dict[str, Any]:
    """The facts of an event with somebody's own words among them marked as such, in place."""
    for name in WORDS:
        text = facts.get(name)
        if text and text.__class__ is str and (name != "reason" or event in OWN_REASONS):
            facts[name] = Told(text, salt)
    return facts


def with_words(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as they were written down, their sealed words opened, in place. What does not open, or must be sealed
    and is not, says so: the entry's hash then fails.
    """
    for name in WORDS:
        kept = facts.get(name)
        if kept.__class__ is str and kept.startswith(MARKER):
            try:
                facts[name] = open_told(kept)
            except CannotOpen:
                facts[name] = CLOSED
        elif kept and name in _ALWAYS and get_settings().sealed_only:
            facts[name] = CLOSED
    return facts
