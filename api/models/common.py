"""The parts that every model is made of: bounded, printable, nothing unknown."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

EARLIEST_YEAR, LATEST_YEAR = 1900, 2199
LARGEST_PAGE = 200


def _printable(value: str) -> str:
    """Tabs and line ends pass; other control characters and halves of characters do not."""
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in value):
        raise ValueError("This contains characters that cannot be shown.")
    return value


def _text_only(value: Any) -> Any:
    """Dates and times come as text: a bare number is nobody's birth date."""
    if isinstance(value, bool | int | float):
        raise ValueError("Give this as text, in ISO 8601.")
    return value


def _sane_year(value: date) -> date:
    if not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
        raise ValueError("Check the year.")
    return value


def _in_utc(value: datetime) -> datetime:
    _sane_year(value)
    return value.astimezone(UTC)


_SHOWN = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$"
Text = Annotated[
    str,
    StringConstraints(max_length=4000),
    AfterValidator(_printable),
    WithJsonSchema({"type": "string", "maxLength": 4000, "pattern": _SHOWN}),
]
"""A text of at most 4,000 characters; the command may allow less and says so."""
FileText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200_000),
    AfterValidator(_printable),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200_000, "pattern": _SHOWN}),
]
"""The text of a file, as it is kept."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_:-]+$")]
PathId = Annotated[str, Path(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_:-]+$")]
"""An id in an address. One that cannot be ours is answered like one that is not there."""
Instant = Annotated[AwareDatetime, BeforeValidator(_text_only), AfterValidator(_in_utc)]
"""An instant with its offset."""
Day = Annotated[date, BeforeValidator(_text_only), AfterValidator(_sane_year)]
"""A local date."""
Clock = Annotated[time, BeforeValidator(_text_only)]
"""A local time of day."""
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="how many at most")]
Cursor = Annotated[str, Query(max_length=300, description="`next_cursor` of the page before; empty: the first page")]


class In(BaseModel):
    """What is sent to us. A field that is not known is refused: a misspelled one would be lost in silence."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """What we answer."""

    model_config = ConfigDict(from_attributes=True)


ItemT = TypeVar("ItemT", bound=BaseModel)


class Listed(Out, Generic[ItemT]):
    """One page of a list."""

    items: list[ItemT]
    next_cursor: str | None = Field(None, description="send it as `cursor` for the next page; null: this is the last")


class Done(Out):
    """A command was carried out."""

    referral_id: str
    version: int = Field(description="the version of the referral afterwards; also the ETag")
