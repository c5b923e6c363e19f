"""The gateway's signature: what comes to its address counts only when the gateway signed it.

As Twilio and those compatible with it do (https://www.twilio.com/docs/usage/security): HMAC-SHA1, under the account's
token, over the whole address as the gateway was given it and every field of the form, sorted by name, name and value
without anything between. No cookie and no bearer token counts here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from fastapi import Request

from domain.errors import NotAllowed
from records.settings import get_settings

SIGNATURE = "x-twilio-signature"
PORTS = {"https": 443, "http": 80}


def sign(address: str, fields: Mapping[str, Sequence[str]], token: str) -> str:
    """The signature of a form that is sent to an address."""
    said = address + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


def check_signature(request: Request, fields: Mapping[str, Sequence[str]]) -> None:
    """Refuse what the gateway did not sign (NotAllowed), and everything while no token is set."""
    token = get_settings().sms_webhook_token.get_secret_value()
    given = request.headers.get(SIGNATURE, "").encode()
    good = False
    for address in _addresses(request) if token else ():  # all are compared: how long it takes tells nothing
        good |= hmac.compare_digest(sign(address, fields, token).encode(), given)
    if not good:
        raise NotAllowed("not_signed", "This was not signed by the gateway, so nothing was done.")


def _addresses(request: Request) -> tuple[str, ...]:
    """How the gateway may have been given this address: by the public address, with the usual port or without."""
    query = f"?{request.url.query}" if request.url.query else ""
    base, rest = get_settings().base_url(), f"{request.url.path}{query}"
    parts = urlsplit(base)
    port = PORTS.get(parts.scheme, 0)
    if parts.port is None:
        return f"{base}{rest}", f"{base}:{port}{rest}"
    return (f"{base}{rest}", f"{base.removesuffix(f':{port}')}{rest}") if parts.port == port else (f"{base}{rest}",)
