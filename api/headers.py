"""What every response tells the browser it may do with it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from records.settings import get_settings

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",  # no inline script or style, nothing from another host
        "img-src 'self' data:",  # the vendored stylesheet draws arrows and ticks with data: images
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # a map link must not say whose page it came from
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Phones are lent and lost: nothing about a person stays in a cache or behind the back button.
    "Cache-Control": "no-store",
}
STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"

_ENCODED = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_OVER_HTTPS = [*_ENCODED, (b"strict-transport-security", STRICT_TRANSPORT_SECURITY.encode())]


def is_over_https(scheme: str) -> bool:
    """Whether people come over https: by this request, or because the address that they are given says so."""
    return scheme == "https" or get_settings().base_url().startswith("https:")


class SecurityHeaders:
    """Middleware: adds the headers above to every response that does not set its own.

    `app.add_middleware(SecurityHeaders)`. Over https the browser is also told to stay on https. Plain ASGI, since
    Starlette's function middleware costs a task a request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                headers = _OVER_HTTPS if is_over_https(scope["scheme"]) else _ENCODED
                message["headers"] = [*message["headers"], *(pair for pair in headers if pair[0] not in given)]
            await send(message)

        await self.app(scope, receive, send_with_headers)
