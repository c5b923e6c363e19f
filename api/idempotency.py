"""`Idempotency-Key`: the same POST sent twice is done once, and both get the same answer.

A key belongs to who sends it and to the address. The answer is kept in the transaction of the command itself, so that
there is never one without the other; a refusal changes nothing and is not kept. Kept for 24 hours.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from fastapi import Request, Response
from sqlmodel import Session

from api import auth
from domain.errors import Invalid
from records.commands.idempotency import claim_key, keep_answer

HEADER = "idempotency-key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT_HEADERS = ("etag", "location", "content-type")


@dataclass(frozen=True)
class Opened:
    """A key that this request holds; `answer` is what was answered before, if it was."""

    key_id: str
    fingerprint: str
    answer: Response | None

    def keep(self, session: Session, answer: Response) -> None:
        """Keep this answer for when the request comes again."""
        headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
        text = bytes(answer.body).decode()
        keep_answer(session, self.key_id, self.fingerprint, answer.status_code, {"headers": headers, "text": text})


def key_of(request: Request) -> str | None:
    """The key that came with a POST of the API, or None. Raises Invalid for one that is empty or too long."""
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST" or not auth.is_for_machines(request):
        return None
    if not _KEY.fullmatch(key):
        raise Invalid("idempotency_key", "An Idempotency-Key has 1 to 200 visible characters, such as a UUID.")
    return key


def open_key(session: Session, request: Request, me: auth.SignedIn, body: bytes) -> Opened | None:
    """Claim the key of this request, or find its answer. Raises Invalid (used for something else)."""
    key = key_of(request)
    if key is None:
        return None
    key_id = hashlib.sha256("\n".join((me.id, request.url.path, key)).encode()).hexdigest()
    fingerprint = hashlib.sha256(body).hexdigest()
    kept = claim_key(session, key_id, fingerprint)
    if kept is None:
        return Opened(key_id, fingerprint, None)
    status, answer = kept
    headers = answer["headers"] | {"Idempotency-Replayed": "true"}
    return Opened(key_id, fingerprint, Response(answer["text"], status_code=status, headers=headers))
