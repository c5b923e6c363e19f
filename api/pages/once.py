"""A form that adds something adds it once, however often a tired thumb sends it.

The form carries a hidden random `once`. The first time, the answer is kept under it in the transaction of the command
itself; the same form sent again gets the same answer and changes nothing. Sent again with other answers (somebody went
went back and chose differently) it is another form.

A browser that goes back asks for the page anew and would get a new `once`. Where a second tap is all it takes, the page
keeps it in its own address: see `kept_once`.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Literal

from fastapi import Request, Response
from sqlmodel import Session
from starlette.responses import RedirectResponse

from api.deps import redirect_after_post
from api.forms import Form
from api.serving import Me
from records import clock
from records.commands.idempotency import claim_key, keep_answer

FIELD = "once"
KEPT_FOR = timedelta(minutes=15)
"""How long an address keeps its form: somebody who went back means the same one, who comes back later does not."""


def new_once() -> str:
    """The value of the hidden field for one page shown."""
    return secrets.token_urlsafe(12)


def kept_once(request: Request) -> str | Response:
    """The `once` that this page's address carries, or the way to the same page with a new one in its address.

    Going back leads to that address, and so to the form that was sent already. An address that is found open hours
    later gets a new form: what happens then is something else.
    """
    made, _, rest = request.query_params.get(FIELD, "").partition("-")
    now = int(clock.now().timestamp())
    if made.isdecimal() and rest and 0 <= now - int(made) < KEPT_FOR.total_seconds() * clock.speed():
        return f"{made}-{rest}"
    here = request.url.include_query_params(**{FIELD: f"{now}-{new_once()}"})
    return RedirectResponse(f"{here.path}?{here.query}", status_code=303)


class Once:
    """One form of one page. Ask `answered` before the command; answer with `go` after it."""

    def __init__(self, session: Session, request: Request, me: Me, form: Form) -> None:
        self._session, self._request = session, request
        self._key = _key(request, me, form)

    def answered(self, sentence: str = "") -> Response | None:
        """The answer that this very form got before, or None: then `go` keeps the one it gets now.

        `sentence` is told in place of what was told then.
        """
        kept = claim_key(self._session, self._key, "") if self._key is not None else None
        if kept is None:
            return None
        return self._redirect(**(kept[1] | ({"sentence": sentence, "kind": "note"} if sentence else {})))

    def go(self, to: str, sentence: str = "", kind: Literal["done", "note", "problem"] = "done") -> Response:
        """Go on to a page (303) and keep that as the answer."""
        answer: dict[str, Any] = {"to": to, "sentence": sentence, "kind": kind}
        if self._key is not None:
            keep_answer(self._session, self._key, "", 303, answer)
        return self._redirect(**answer)

    def _redirect(self, to: str, sentence: str, kind: Literal["done", "note", "problem"]) -> Response:
        return redirect_after_post(self._request, to, sentence, kind)


def _key(request: Request, me: Me, form: Form) -> str | None:
    token = form.text(FIELD, limit=40)
    if not token:
        return None
    said = sorted((name, str(value)) for name, value in form.as_typed().items())
    return hashlib.sha256(repr((me.id, request.url.path, said)).encode()).hexdigest()
