"""Where what was typed goes when a session has ended, and how the same form comes back after signing in again.

A form that is sent after the session ended by itself is kept for the same person instead of thrown away; so is what
stands in a form when the page signs off by itself (`static/idle.js`). It must be ours (CSRF), as if it were accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request
from starlette.routing import Match, Route

from api import auth
from api.forms import FRAME_FIELDS
from domain.errors import NotAllowed
from records import engine
from records.commands import kept_forms

SIGNED_OFF = "/account/signed-off"
PATH_FIELD = "kept_path"
HERE = "/kept"
_NEVER = ("/account", "/sign-", "/choose-password", "/set-up", HERE)
"""Forms about signing in: nothing of theirs is kept."""
_SECRET = frozenset({"password", "again", "current", "code", "recovery"})


def keep_typed(request: Request, fields: Mapping[str, Sequence[str]]) -> str:
    """Keep a form that came after the session had ended by itself; the id of what was kept, or nothing."""
    try:
        auth.check_form_is_ours(request, fields)
    except NotAllowed:
        return ""
    path = request.url.path
    if path == SIGNED_OFF:
        path = next(iter(fields.get(PATH_FIELD, ())), "")
    typed = worth_keeping(request, path, fields)
    if not typed:
        return ""
    with engine.transaction() as session:
        staff = kept_forms.whose_ended(session, auth.session_token(request) or "")
        return kept_forms.keep_form(session, staff, path, typed) if staff is not None else ""


def worth_keeping(request: Request, path: str, fields: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What somebody typed into a form that goes to `path`; nothing when it is no form of ours, or holds no words."""
    if path.startswith(_NEVER) or route_of(request, path) is None:
        return {}
    own = {name: list(values) for name, values in fields.items() if name not in _SECRET | {auth.CSRF_FIELD, PATH_FIELD}}
    has_words = any(value.strip() for name, values in own.items() if name not in FRAME_FIELDS for value in values)
    return own if has_words else {}


def route_of(request: Request, path: str) -> tuple[Route, dict[str, str]] | None:
    """The page of ours to which a form with this path goes, and what its address holds."""
    scope = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": []}
    for route in request.app.router.routes:
        if isinstance(route, Route) and not path.startswith(auth.MACHINE_PATHS):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return route, dict(found["path_params"])
    return None
