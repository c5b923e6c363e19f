"""Column types whose values the database keeps sealed: a copy of it alone tells nothing of them.

Each value is sealed by itself with AES-256-GCM and a random nonce, under a key derived from the secret key, and is
bound to its column: moved into another one it does not open. What is kept is `c1.<key id>.<base64>`. Empty stays empty.
What was written before columns were sealed is read as it stands, until `footbridge keys rotate` has sealed it; with
`FOOTBRIDGE_SEALED_ONLY` it is refused, so that whoever writes to the database without the key puts nothing there.

A sealed column cannot be compared, searched or sorted by in SQL: equal values differ there. What must be found has a
mark beside it (`records/marks.py`). docs/encryption.md lists every column.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from pydantic_core import from_json, to_json
from sqlalchemy import JSON, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.operators import OperatorType, is_, is_not
from sqlmodel import Field

from records import sealing
from records.sealing import COLUMN_FORMAT, NotSealed, keyring
from records.settings import get_settings

T = TypeVar("T")
MARKER = f"{COLUMN_FORMAT}."
_IN_JSON = f'"{MARKER}'


class _NotCompared(TypeDecorator.Comparator[Any]):
    def operate(self, op: OperatorType, *other: Any, **options: Any) -> Any:
        if op in (is_, is_not):
            return super().operate(op, *other, **options)
        raise TypeError(f"{self.expr} is sealed: in SQL it equals nothing. Ask by its mark, or compare what was read.")


class Sealed(TypeDecorator[Any]):
    """What the types below share: the column that they are bound to."""

    impl: Any = String
    cache_ok = True
    comparator_factory = _NotCompared

    def __init__(self, about: str) -> None:
        super().__init__()
        self.about = about
        self._bound = about.encode()

    def seal_text(self, text: str) -> str:
        """A text as it is kept: sealed, unless it is empty."""
        return keyring().seal(text, self._bound) if text and sealing.is_on else text

    def open_text(self, kept: str) -> str:
        """A text as it was given. Raises CannotOpen."""
        return keyring().open(kept, self._bound) if kept.startswith(MARKER) else self.in_clear(kept)

    def in_clear(self, kept: T) -> T:
        """Something that is not sealed: the empty, or what was there before columns were. Raises NotSealed."""
        if kept and get_settings().sealed_only:
            raise NotSealed(self.about)
        return kept


class SealedText(Sealed):
    """A text."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        """How a text becomes what is kept."""
        seal = self.seal_text
        return lambda text: None if text is None else seal(text)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[str | None], str | None]:
        """How what is kept becomes the text."""
        opened = self.open_text
        return lambda kept: opened(kept) if kept else kept


class SealedDate(Sealed):
    """A date."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[date | None], str | None]:
        """How a date becomes what is kept."""
        seal = self.seal_text
        return lambda day: None if day is None else seal(day.isoformat())

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[str | None], date | None]:
        """How what is kept becomes the date."""
        opened = self.open_text
        return lambda kept: None if kept is None else date.fromisoformat(opened(kept))


class SealedDocument(Sealed):
    """A small list or mapping: as a JSON text, sealed as a whole."""

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """How a document becomes JSON."""
        seal = self.seal_text

        def bind(value: Any) -> str:
            if not value:
                return to_json(value).decode()
            kept = seal(to_json(value).decode())
            return f'"{kept}"' if kept.startswith(MARKER) else kept

        return bind

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:
        """How JSON becomes the document. PostgreSQL's driver has read it already, SQLite's gives the text."""
        opened, in_clear = self.open_text, self.in_clear

        def of_text(kept: str | None) -> Any:
            if kept is None:
                return None
            return from_json(opened(kept[1:-1])) if kept.startswith(_IN_JSON) else in_clear(from_json(kept))

        def of_value(kept: Any) -> Any:
            return from_json(opened(kept)) if kept.__class__ is str and kept.startswith(MARKER) else in_clear(kept)

        return of_text if dialect.name == "sqlite" else of_value


def sealed(column: str, **options: Any) -> Any:
    """A sealed column of texts. `column` names it, `attempt.note`: what it holds is bound to that name for good."""
    return Field(sa_type=SealedText(column), **options)


def sealed_date(column: str) -> Any:
    """A sealed column of dates; empty is None."""
    return Field(default=None, sa_type=SealedDate(column))


def sealed_document(column: str, factory: Any) -> Any:
    """A sealed column holding a small list or mapping; replace it as a whole, never change it in place."""
    return Field(default_factory=lambda: factory(), sa_type=SealedDocument(column))
