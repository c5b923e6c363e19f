"""What an answer shows of people's records, written down before the answer leaves.

The gates remember which records passed (`records/access.py`); here it becomes one line each, with who, what, from where
and with which session or token. A search for a person is one line without a record. Lists that somebody works from
(Today, the board, lists of the API) are not lines for every row: what they name is opened, and that is written down.
"""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request, Response

from api import auth
from records.access import take_opened
from records.commands.readings import Look, note_looks

SEARCHES = frozenset({"/people", "/referrals", "/privacy", "/api/v1/people/search"})
"""Addresses to which a name is posted; the name itself is not kept."""


def remember_opened(request: Request) -> None:
    """Keep with the request which records passed a gate for it: the session may serve others, too."""
    request.state.opened = take_opened(request.state.session)


def written_down(request: Request, answer: Any) -> Any:
    """The answer, once every record that it shows is in the journal of readings. Raises Unwritten."""
    me: auth.SignedIn | None = getattr(request.state, "me", None)
    if me is None or not _shows_something(request, answer):
        return answer
    found = list(getattr(request.state, "opened", ()))
    path = _path(request)
    if request.method == "POST" and path in SEARCHES:
        found.append(("", "", ""))
    where, key = request.client.host if request.client else "", _key(request)
    note_looks(
        Look(me.program.id, me.id, f"{request.method} {path}", where, key, referral_id, person_id, glass_id)
        for referral_id, person_id, glass_id in found
    )
    return answer


def _shows_something(request: Request, answer: Any) -> bool:
    """A way onward shows nothing; what a command of the API answers is what it changed, and the journal has that."""
    if isinstance(answer, Response) and 300 <= answer.status_code < 400:
        return False
    return request.method in ("GET", "HEAD") or not auth.is_for_machines(request) or _path(request) in SEARCHES


def _path(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", ""))


def _key(request: Request) -> str:
    """Which session or token: the beginning of the hash that the records keep of it."""
    if auth.is_for_machines(request):
        kind, token = "token", request.headers.get("authorization", "").partition(" ")[2].strip()
    else:
        kind, token = "session", auth.session_token(request) or ""
    return f"{kind} {hashlib.sha256(token.encode()).hexdigest()[:12]}"
