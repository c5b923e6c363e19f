"""What `make production-shape` looks at from outside: the doors, one referral filed and followed, upkeep."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from cli.temporal_server import temporal_binary
from records import clock
from workflows.names import transition_id

_READY_SECONDS = 60.0
_UPKEEP_SECONDS = 90.0  # it runs every minute
_STARTED_SECONDS = 30.0
_ASK_SECONDS = 5.0


class NotInShape(Exception):
    """What is not as production needs it, in a sentence."""


@dataclass(frozen=True)
class Answer:
    """What a web server said. Status 0: nobody was there."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def ask(url: str, *, token: str = "", body: dict[str, Any] | None = None) -> Answer:
    """GET an address of ours, or POST when there is a body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": "production-shape"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 (our own http addresses)
    try:
        with urllib.request.urlopen(request, timeout=_ASK_SECONDS) as answer:  # noqa: S310
            said = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, answer.read().decode(), said)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(errors="replace"))
    except OSError:
        return Answer(0)


def wait(holds: Callable[[], bool], seconds: float, otherwise: str, all_run: Callable[[], None]) -> None:
    """Until it holds. Raises NotInShape after so many seconds, or when `all_run` does."""
    deadline = time.monotonic() + seconds
    while not holds():
        all_run()
        if time.monotonic() > deadline:
            raise NotInShape(f"{otherwise}, for {seconds:g} s")
        time.sleep(0.2)


def check_doors(addresses: list[str], all_run: Callable[[], None]) -> None:
    """Every web server is ready, shows the sign-in page with a policy, and keeps strangers out."""
    for address in addresses:
        wait(partial(_answers, f"{address}/readyz"), _READY_SECONDS, f"{address}/readyz is not 200", all_run)
        page = ask(f"{address}/sign-in")
        if page.status != 200 or "password" not in page.text:
            raise NotInShape(f"{address}/sign-in answered {page.status} without a sign-in page")
        if "default-src 'self'" not in page.headers.get("content-security-policy", ""):
            raise NotInShape(f"{address}/sign-in has no content security policy")
        stranger = ask(f"{address}/api/v1/referrals")
        if stranger.status != 401:
            raise NotInShape(f"a stranger asked {address}/api/v1/referrals and was answered {stranger.status}, not 401")


def check_referral(addresses: list[str], token: str, env: Mapping[str, str], all_run: Callable[[], None]) -> None:
    """A referral filed at the first web server is seen at the last, and its transition runs in Temporal."""
    body = {
        "setting": "psychiatric_inpatient",
        "person": {"given_name": "Ada", "family_name": "Sample", "birth_on": "1990-01-01"},
        "expected_on": (clock.now() + timedelta(days=3)).date().isoformat(),
        "consent": "given",
    }
    filed = ask(f"{addresses[0]}/api/v1/referrals", token=token, body=body)
    if filed.status != 201:
        raise NotInShape(f"filing a referral was answered {filed.status}: {filed.text}")
    referral_id = json.loads(filed.text)["id"]
    seen = ask(f"{addresses[-1]}/api/v1/referrals/{referral_id}", token=token)
    if seen.status != 200:
        raise NotInShape(f"the other web server answered {seen.status} for the referral that was filed")
    wait(partial(_runs_in_temporal, referral_id, env), _STARTED_SECONDS, "the transition does not run", all_run)


def check_upkeep(addresses: list[str], all_run: Callable[[], None]) -> None:
    """A worker has run upkeep, nothing is untold, and every web server says so."""
    for address in addresses:
        wait(partial(_shows_upkeep, address), _UPKEEP_SECONDS, "no worker has run upkeep", all_run)


def _answers(url: str) -> bool:
    return ask(url).status == 200


def _runs_in_temporal(referral_id: str, env: Mapping[str, str]) -> bool:
    line = [str(temporal_binary()), "workflow", "describe", "--workflow-id", transition_id(referral_id), "-o", "json"]
    done = subprocess.run(line, env=dict(env), capture_output=True, text=True, check=False)
    return done.returncode == 0 and "WORKFLOW_EXECUTION_STATUS_RUNNING" in done.stdout


def _shows_upkeep(address: str) -> bool:
    lines = ask(f"{address}/metrics").text.splitlines()
    return "footbridge_workflows_untold 0.0" in lines and any("footbridge_upkeep_age_seconds " in one for one in lines)
