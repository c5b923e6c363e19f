"""Opaque cursors: where a page of a list ended. They hold a sort key and an id, never a name."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from domain.errors import Invalid


def encode(at: datetime | None, row_id: str | int) -> str:
    """The cursor after the row with this sort key and id."""
    text = json.dumps([at.astimezone(UTC).isoformat() if at is not None else None, row_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str] | None:
    """What a cursor holds; None for the first page. Raises Invalid for one that is not ours."""
    if not cursor:
        return None
    try:
        at, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None or not isinstance(row_id, str):
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid("cursor", "This cursor is not one of ours. Begin at the first page.", field="cursor") from error
    return instant, row_id
