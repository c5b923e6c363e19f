"""Signing in with a browser's steps: fetch the form, send it with its token, keep the cookie."""

from __future__ import annotations

import re

from httpx import Response

from tests.api.house import PASSWORD
from tests.pages.client import TestClient


def token_of(html: str) -> str:
    """The csrf token of the first form on a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found, "the page has no form of ours"
    return found[1]


def sign_in(client: TestClient, name: str, password: str = PASSWORD, **fields: str) -> Response:
    """Sign somebody of the house in, and return what the form answered."""
    form = client.get("/sign-in")
    sent = {"csrf_token": token_of(form.text), "email": f"{name}@program.example", "password": password} | fields
    response: Response = client.post("/sign-in", data=sent, follow_redirects=False)
    return response
