"""The outermost layer: a reference for every request, a bound on what is sent, and an answer even when something broke.

Plain ASGI: Starlette's function middleware costs a task a request.
"""

from __future__ import annotations

import logging
import re
import secrets
import traceback

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.measuring import answered
from records import clock
from records.settings import get_settings

LARGEST_BODY, LARGEST_IMPORT, LARGEST_TEXT = 1_000_000, 20_000_000, 64_000
"""Bytes. Imports are release lists of up to 100,000 rows; the gateway brings one text with what it knows of it."""
IMPORT_PATHS = ("/imports", "/api/v1/imports")
GATEWAY_PATHS = ("/gateway/",)
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # no id of ours, and PostgreSQL takes no NUL
_log = logging.getLogger("footbridge.requests")


class Edge:
    """Middleware: `app.add_middleware(Edge)`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        reference = given if _REFERENCE.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = reference
        has_begun, status, began = False, 500, clock.stopwatch()

        async def answer(message: Message) -> None:
            nonlocal has_begun, status
            if message["type"] == "http.response.start":
                has_begun, status = True, message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = reference
            await send(message)

        request, limit = Request(scope, receive), _limit(scope["path"])
        try:
            length = headers.get("content-length", "0")
            if not length.isascii() or not length.isdigit() or int(length) > limit:
                raise HTTPException(413 if length.isdigit() else 400)
            if _UNPRINTABLE.search(scope["path"]) or b"%00" in scope.get("query_string", b""):
                raise HTTPException(404)
            await self.app(scope, _bounded(receive, limit), answer)
        except HTTPException as problem:
            if has_begun:
                raise
            await errors.on_http(request, problem)(scope, receive, answer)
        except Exception as error:  # the last net; it is logged with the reference that the answer shows
            _log.error("fault %s %s %s: %s", reference, scope["method"], _route(scope), _told(error))
            if has_begun:
                raise
            await errors.fault(request)(scope, receive, answer)
        finally:
            answered(scope["method"], _route(scope), status, began)


def _limit(path: str) -> int:
    if path.startswith(GATEWAY_PATHS):
        return LARGEST_TEXT
    return LARGEST_IMPORT if path.startswith(IMPORT_PATHS) else LARGEST_BODY


def _bounded(receive: Receive, limit: int) -> Receive:
    """Stop reading a body without a length once it is too large."""
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413)
        return message

    return bounded


def _route(scope: Scope) -> str:
    """The route's pattern: addresses hold ids, and logs need none."""
    return getattr(scope.get("route"), "path", "(no route)")


def _told(error: Exception) -> str:
    """What broke and where. Messages of libraries repeat values, which in production are about people: left out."""
    frames = "".join(traceback.format_tb(error.__traceback__)[-15:])
    message = f"{error}" if get_settings().environment != "production" else "(its message is left out)"
    return f"{type(error).__name__}: {message}\n{frames}"
