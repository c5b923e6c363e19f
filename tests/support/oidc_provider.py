"""A small OpenID Connect provider on this machine, over real HTTP: keys, codes, PKCE; it lies when told to."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from records import clock

CLIENT, SECRET = "footbridge", "a-secret-between-the-two"


@dataclass
class Provider:
    """What it says, and what it was asked."""

    address: str = ""
    email: str = "bridger@program.example"
    changes: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    signs_with_another_key: bool = False
    is_away: bool = False
    says_of_itself: dict[str, str] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, url: str) -> tuple[str, str]:
        """The person signs in there: the state and the code with which the browser is sent back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        self.asked.append(query)
        return query["state"], code

    def token(self, form: dict[str, str], login: str) -> dict[str, Any] | None:
        """An identity for a code, once, to the client alone that has its verifier."""
        begun = self.codes.pop(form.get("code", ""), None)
        if begun is None or base64.b64decode(login.removeprefix("Basic ")).decode() != f"{CLIENT}:{SECRET}":
            return None
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(hashed).decode().rstrip("=") != begun["code_challenge"]:
            return None
        if form["redirect_uri"] != begun["redirect_uri"]:
            return None
        now = int(clock.unix_time())
        claims = {"iss": self.address, "sub": "u-17", "aud": CLIENT, "iat": now, "exp": now + 300,
                  "nonce": begun["nonce"], "email": self.email, "email_verified": True} | self.changes  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(claims)}

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm == "none":
            parts = [
                base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({"alg": "none"}, claims)
            ]
            return f"{parts[0]}.{parts[1]}."
        key: Any = RSAKey.generate_key(2048, {"kid": "one"}) if self.signs_with_another_key else self.key
        if self.algorithm == "HS256":
            key = OctKey.import_key(SECRET)
        return jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, key, algorithms=[self.algorithm])


@contextmanager
def provider() -> Iterator[Provider]:
    """One that runs within the block."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            about = {
                "issuer": made.address,
                "authorization_endpoint": f"{made.address}/authorize",
                "token_endpoint": f"{made.address}/token",
                "jwks_uri": f"{made.address}/keys",
            } | made.says_of_itself
            found = {
                "/.well-known/openid-configuration": about,
                "/keys": {"keys": [made.key.as_dict(private=False)]},
            }.get(self.path)
            self._answer(None if made.is_away else found)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            self._answer(made.token(form, self.headers.get("authorization", "")))

        def _answer(self, found: Any) -> None:
            body = json.dumps(found or {"error": "no"}).encode()
            self.send_response(200 if found else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
