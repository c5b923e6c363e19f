"""OpenID Connect: the hospital's own sign-in vouches for somebody (OpenID Connect Core 1.0, authorization code, PKCE).

What begins in a browser ends in the same one: state, nonce and the code verifier are sealed in a cookie of ten minutes.
The provider's answer counts when it is signed by a key of the provider, is for us, is fresh, and names this nonce. Only
an e-mail address that the provider says it has verified is taken, and only the first time: see
`records/commands/outside_identity.py`. How strongly it asked (`acr`, `amr`) is looked at when the operator says which
strength counts; without that it is taken for a password alone, and our own second step goes on.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from domain.errors import NotAllowed
from records import clock
from records.commands.outside_identity import Account
from records.sealing import CannotOpen, open_sealed, seal
from records.settings import get_settings
from records.way_out import CheckedTransport, open_client

BACK = "/sign-in/organization/back"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures by a key that only the provider has: never `none`, never a shared secret."""
BEGUN_SECONDS = 600
ANSWER_SECONDS = 5.0
KNOWN_FOR = 3600.0  # seconds of real time until the provider is asked again where its doors and keys are
LONGEST_SUBJECT = 255  # characters of a `sub` (OpenID Connect Core 1.0, section 2)
LEEWAY = 60  # seconds that two clocks may be apart
PURPOSE = "oidc sign-in"
_TOO_WEAK = (
    "Your organization did not say that it asked you for as much as is needed here, such as its second step. "
    "Sign out there, sign in with it, then begin again; if it stays so, tell your administrator."
)
_FAILED = "Signing in with your organization did not work. Begin again; if it stays so, tell your administrator."


@dataclass(slots=True)
class _Known:
    """What the provider says of itself, and its keys."""

    at: float = 0.0
    about: dict[str, Any] = field(default_factory=dict)
    keys: KeySet | None = None


_known: dict[str, _Known] = {}
_lock = threading.Lock()


def is_offered() -> bool:
    """Whether signing in with an organization's account is configured."""
    return bool(get_settings().oidc_issuer)


def begin(onward: str) -> tuple[str, str]:
    """Where to send the browser, and what its cookie holds until it is back."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    settings = get_settings()
    query = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": settings.base_url() + BACK,
        "scope": "openid email",
        "state": state,
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    if acr := _listed(settings.oidc_acr):
        query["acr_values"] = " ".join(acr)
    begun = json.dumps([state, nonce, verifier, onward, clock.unix_time()])
    door = str(_provider().about["authorization_endpoint"])
    address = f"{door}{'&' if '?' in door else '?'}{urlencode(query)}"
    return address, seal(begun, purpose=PURPOSE, about=settings.oidc_issuer)


def finish(cookie: str, state: str, code: str) -> tuple[Account, str]:
    """The browser is back: who that is there, and where one goes on to. Raises NotAllowed."""
    settings = get_settings()
    try:
        begun = json.loads(open_sealed(cookie, purpose=PURPOSE, about=settings.oidc_issuer))
    except CannotOpen as error:
        raise _failed() from error
    expected, nonce, verifier, onward, at = begun
    if not hmac.compare_digest(expected.encode(), state.encode()) or clock.unix_time() - at > BEGUN_SECONDS:
        raise _failed()
    claims = _checked(_exchange(code, verifier), nonce)
    _require_strength(claims)
    email, subject = claims.get("email"), claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise _failed()
    is_verified = claims.get("email_verified") is True and isinstance(email, str)
    return Account(str(claims["iss"]), subject, str(email) if is_verified else ""), onward


def _require_strength(claims: dict[str, Any]) -> None:
    """Raise NotAllowed when the provider does not say that it asked as strongly as is configured: what it does not say
    was not done."""
    settings = get_settings()
    amr = claims.get("amr")
    ways = [one for one in amr if isinstance(one, str)] if isinstance(amr, list) else []
    for asked, said in ((_listed(settings.oidc_acr), [claims.get("acr")]), (_listed(settings.oidc_amr), ways)):
        if asked and not any(one in asked for one in said):
            raise NotAllowed("not_strong_enough", _TOO_WEAK)


def _listed(values: str) -> list[str]:
    return [one.strip() for one in values.split(",") if one.strip()]


def _exchange(code: str, verifier: str) -> str:
    """The code against the identity: between the provider and us alone."""
    settings = get_settings()
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.base_url() + BACK,
        "code_verifier": verifier,
    }
    login = (settings.oidc_client_id, settings.oidc_client_secret.get_secret_value())
    answer = _ask("POST", str(_provider().about["token_endpoint"]), data=sent, auth=login)
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise _failed()
    return token


def _checked(token: str, nonce: str) -> dict[str, Any]:
    """What the token says, when everything about it is right."""
    settings, provider = get_settings(), _provider()
    try:
        read = _decoded(token, provider)
        options = {
            "iss": {"essential": True, "value": settings.oidc_issuer},
            "aud": {"essential": True, "value": settings.oidc_client_id},
        }
        claims = CodeIDToken(read.claims, read.header, options, {"nonce": nonce, "client_id": settings.oidc_client_id})
        claims.validate(now=int(clock.unix_time()), leeway=LEEWAY)
        if not hmac.compare_digest(str(read.claims.get("nonce", "")).encode(), nonce.encode()):
            raise _failed()
    except (JoseError, ValueError) as error:
        raise _failed() from error
    return dict(read.claims)


def _decoded(token: str, provider: _Known) -> jwt.Token:
    """Read with the provider's keys; a key that is not known is asked for once, since keys change."""
    if provider.keys is not None:
        try:
            return jwt.decode(token, provider.keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            pass
    provider.keys = KeySet.import_key_set(_ask("GET", str(provider.about["jwks_uri"])))  # type: ignore[arg-type]
    return jwt.decode(token, provider.keys, algorithms=ALGORITHMS)


def _provider() -> _Known:
    issuer = get_settings().oidc_issuer
    with _lock:
        known = _known.get(issuer)
        if known is None or clock.unix_time() - known.at > KNOWN_FOR:
            about = _ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != issuer or not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(
                about
            ):
                raise _failed()
            known = _known[issuer] = _Known(clock.unix_time(), about)
        return known


def _ask(method: str, url: str, **sent: Any) -> dict[str, Any]:
    """What the provider answers. It is somebody else's machine: a short wait, no redirects, nothing of it is shown."""
    authorities = httpx.create_ssl_context()  # a hospital's own, too: SSL_CERT_FILE
    way_out = CheckedTransport(get_settings().internal_hosts, verify=authorities)
    try:
        with open_client(way_out, timeout=ANSWER_SECONDS) as client:
            answer = client.request(method, url, **sent)
        read = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, ValueError) as error:
        raise _failed() from error
    if not isinstance(read, dict):
        raise _failed()
    return read


def _failed() -> NotAllowed:
    return NotAllowed("organization_failed", _FAILED)
