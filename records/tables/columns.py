"""Column types that every table uses: aware instants, words of the vocabulary, small documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, String, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlmodel import Field


class Instant(TypeDecorator[datetime]):
    """An aware instant. SQLite keeps it without a zone, always in UTC; PostgreSQL as timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(_AWARE)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC)

    # On SQLite the same in one step, without SQLAlchemy's going over each part: a row has a dozen instants.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """How an instant becomes what the driver takes."""
        return _as_sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], datetime | None] | None:
        """How what the driver gives becomes an instant."""
        return _of_sqlite_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


@lru_cache(maxsize=4096)  # what one command writes carries the same instant many times
def _as_sqlite_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(_AWARE)
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:_WITHOUT_ZONE]


def _of_sqlite_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


_AWARE = "an instant is aware: say in which zone"
_WITHOUT_ZONE = len("2026-11-02 15:00:00.000000")


class Words(TypeDecorator[Any]):
    """A member of one enum of the vocabulary, kept as its value."""

    impl = String(40)
    cache_ok = True

    def __init__(self, words: Any) -> None:
        super().__init__()
        self.words = words
        self.members = {member.value: member for member in words}

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        member = value if value.__class__ is self.words else self.words(value)
        return str(member._value_)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.members[value]


def instant(**options: Any) -> Any:
    """A column of aware instants; empty is None unless `nullable=False`."""
    if "nullable" not in options:
        options["default"] = options.get("default")
    return Field(sa_type=Instant, **options)


def words(vocabulary: Any, **options: Any) -> Any:
    """A column of members of `vocabulary`."""
    return Field(sa_type=Words(vocabulary), **options)


def document(factory: Any) -> Any:
    """A column holding a small list or mapping; replace it as a whole, never change it in place."""
    # Wrapped: pydantic looks at the factory's signature for every row, and that of a built-in type is slow to find.
    return Field(default_factory=lambda: factory(), sa_type=JSON)


def points_to(column: str, **options: Any) -> Any:
    """A column holding the key of another table's row (`person.id`), which must be there when the transaction commits.

    Looked at then and not sooner, so that a command may write its rows in any order, and all at once.
    """
    return Field(sa_column_args=(ForeignKey(column, deferrable=True, initially="DEFERRED"),), **options)
