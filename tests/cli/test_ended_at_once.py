"""Disabling somebody at one web server ends what they hold at another, within a second: browser and bearer token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from cli.processes import free_port
from records.seed.people import PASSWORD
from tests.api.signing import token_of
from tests.cli.test_processes_of_the_terminal import footbridge, running

pytestmark = pytest.mark.sqlite
WITHIN = 1.0
EMAIL = "bridger1@footbridge.example"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """Two web servers as processes of their own over the same records, and where these are."""
    for command in ("migrate", "seed"):
        done = footbridge(tmp_path, command)
        assert done.returncode == 0, done.stderr
    addresses = []
    with ExitStack() as stack:
        for _ in range(2):
            port = free_port()
            stack.enter_context(running(tmp_path, "api", FOOTBRIDGE_PORT=str(port), TEMPORAL_ADDRESS="127.0.0.1:9"))
            addresses.append(f"http://127.0.0.1:{port}")
        for address in addresses:
            _wait_for(address)
        yield addresses[0], addresses[1], tmp_path


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"{address} did not come up")


def signed_in(address: str, email: str) -> httpx.Client:
    client = httpx.Client(base_url=address, timeout=20)
    form = client.get("/sign-in")
    sent = {"csrf_token": token_of(form.text), "email": email, "password": PASSWORD}
    assert client.post("/sign-in", data=sent).status_code == 303
    return client


def test_whoever_is_disabled_is_out_within_a_second_everywhere(two: tuple[str, str, Path]) -> None:
    one, other, folder = two
    with closing(signed_in(one, EMAIL)) as theirs, closing(signed_in(other, "admin@footbridge.example")) as admin:
        token = footbridge(folder, "token", EMAIL).stdout.strip()
        bearer = {"Authorization": f"Bearer {token}"}

        def gets_in() -> tuple[bool, bool]:
            return (
                theirs.get("/today").status_code == 200,
                theirs.get("/api/v1/offers", headers=bearer).status_code == 200,
            )

        for _ in range(3):  # whatever is kept in memory of them is kept by now
            assert gets_in() == (True, True)
        listed = admin.get("/staff").text
        staff_id = listed.partition(f">{theirs_name(listed)}<")[0].rpartition("/staff/")[2].strip('"')
        page = admin.get(f"/staff/{staff_id}").text
        assert EMAIL in page
        sent = {"csrf_token": token_of(page), "hand_over_to": ""}
        assert admin.post(f"/staff/{staff_id}/disable", data=sent).status_code == 303
        ended_at = time.monotonic()
        while gets_in() != (False, False):
            assert time.monotonic() - ended_at < WITHIN, "still in a second later"
        assert theirs.get("/today").headers["location"].startswith("/sign-in")
        assert theirs.get("/api/v1/offers", headers=bearer).status_code == 401


def theirs_name(listed: str) -> str:
    """The name that stands with their e-mail address on the list of staff."""
    return listed.partition(EMAIL)[0].rpartition("</a>")[0].rpartition(">")[2]
