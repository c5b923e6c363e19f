"""What endpoints ask for, and how pages answer.

    @router.get("/people/{referral_id}/note")
    @requires("add_note")
    def note_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
        referral = referral_for(session, me.actor, referral_id)
        return page("note.html", request, values={"note": ""}, referral=referral)

    @router.post("/people/{referral_id}/note")
    @requires("add_note", again=note_form)
    def add_note(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
        text = form.area("note", required=True)
        form.check()
        changes.add_note(session, me.actor, referral_id, text)
        return redirect_after_post(request, f"/people/{referral_id}", "Your note is in the timeline.")

A POST runs in one writing transaction, committed before the answer leaves. When it refuses, nothing of it stays, and
`again` shows the page once more: `values` is what was typed, `errors` what is wrong, by field.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Literal

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from api import auth
from api.auth import SignedIn
from api.badges import badges
from api.errors import errors_by_field
from api.rendering import Flash, render
from api.serving import FormDep, Me, SessionDep
from domain.errors import Refusal, Stale

__all__ = ["FormDep", "Me", "SessionDep", "check_version", "page", "redirect_after_post"]

FLASH_SECONDS = 60


def page(
    name: str, request: Request, *, status: int = 200, values: dict[str, Any] | None = None, **context: Any
) -> Response:
    """The page `templates/pages/<name>` with the frame.

    `values` are what its fields show; when the page is shown again, what was typed stands in their place and `errors`
    says what is wrong. Every template may use `values` and `errors`.
    """
    shown, errors = dict(values or {}), dict(context.pop("errors", {}))
    refusal: Refusal | None = getattr(request.state, "refusal", None)
    if refusal is not None:
        shown |= request.state.typed.as_typed()
        errors |= errors_by_field(refusal)
        status = refusal.status
    me: SignedIn | None = getattr(request.state, "me", None)
    if me is not None:
        request.state.badges = badges(request.state.session, me)
    visitor = auth.visitor_token(request) if me is None else ""
    flash = _flash_of(request)
    request.state.flash = [*getattr(request.state, "flash", []), *([flash] if flash is not None else [])]
    response = render(f"pages/{name}", request, status=status, values=shown, errors=errors, **context)
    if flash is not None:
        auth.drop_cookie(request, response, "flash")
    if visitor:
        auth.set_cookie(request, response, "visitor", visitor)
    return response


def redirect_after_post(
    request: Request, to: str, sentence: str = "", kind: Literal["done", "note", "problem"] = "done"
) -> RedirectResponse:
    """Go on to a page of ours (303), which shows the sentence once. The sentence names no person."""
    response = RedirectResponse(to, status_code=303)
    if sentence:
        said = base64.urlsafe_b64encode(json.dumps([kind, sentence]).encode()).decode().rstrip("=")
        auth.set_cookie(request, response, "flash", f"{said}.{_signature(request, said)}", seconds=FLASH_SECONDS)
    return response


def check_version(version: int, seen: int | None) -> None:
    """Raise Stale when somebody changed a referral since the page (or ETag) that says `seen`."""
    if seen is not None and seen != version:
        raise Stale


def _flash_of(request: Request) -> Flash | None:
    said, _, signature = request.cookies.get(auth.cookie_name(request, "flash"), "").partition(".")
    if not said or not hmac.compare_digest(signature, _signature(request, said)):
        return None
    kind, sentence = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    return Flash(kind, sentence)


def _signature(request: Request, said: str) -> str:
    """Signed with the browser's own session token: nobody else can put words on somebody's page."""
    key = auth.session_token(request) or request.cookies.get(auth.cookie_name(request, "visitor"), "")
    return hmac.new(key.encode(), b"flash:" + said.encode(), hashlib.sha256).hexdigest()[:32]
