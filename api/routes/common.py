"""What the routes share: a page of a list, the version that was seen, the answer of a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel
from sqlmodel import Session

from api import cursors
from api.deps import Me, check_version
from api.models.common import Done, Listed
from domain.errors import Invalid
from records.access import referral_for
from records.queries.case import load_case
from records.tables import Referral

RowT = TypeVar("RowT")
OutT = TypeVar("OutT", bound=BaseModel)
_ETAG = re.compile(r'(?:W/)?"([A-Za-z0-9_-]{1,64})"')

API_PREFIX = "/api/v1"

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": sentence, "content": {"application/problem+json": {}}}
    for status, sentence in {
        401: "No bearer token, or one that is over",
        403: "The role does not include this",
        404: "Not there, or not yours to see",
        409: "Not in this state (`state`, `allowed`), or a rule stands against it",
        412: "It changed since the version in If-Match",
        422: "A field needs another look: `errors` holds a JSON pointer and a sentence each",
    }.items()
}


def one_page(
    rows: Sequence[RowT], limit: int, show: Callable[[RowT], OutT], key: Callable[[RowT], tuple[datetime, str]]
) -> Listed[Any]:
    """The first `limit` of rows that were asked for one more, with the cursor for the rest."""
    shown = rows[:limit]
    cursor = cursors.encode(*key(shown[-1])) if len(rows) > limit else None
    return Listed(items=[show(row) for row in shown], next_cursor=cursor)


def if_match(request: Request) -> str | None:
    """The version in If-Match, or None when it is not sent or is `*`. Raises Invalid for what is not an ETag."""
    sent = request.headers.get("if-match", "").strip()
    if sent in ("", "*"):
        return None
    found = _ETAG.fullmatch(sent)
    if found is None:
        raise Invalid("if_match", 'If-Match holds one ETag of ours, such as "7".')
    return found[1]


def seen_version(session: Session, request: Request, me: Me, referral_id: str) -> None:
    """When the request says which version it saw: lock the referral and raise Stale if it has changed."""
    seen = if_match(request)
    if seen is None:
        return
    referral_for(session, me.actor, referral_id)
    row = load_case(session, referral_id, lock=True).referral
    check_version(row.version, int(seen) if seen.isdigit() else -1)


def done(referral: Referral) -> Done:
    """A command was carried out on this referral."""
    return Done(referral_id=referral.id, version=referral.version)
