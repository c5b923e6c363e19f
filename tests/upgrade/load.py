"""People at work while the code changes: referrals filed and lists read, at whichever web server is up."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from records import clock

_PAUSE = 0.25
_SECONDS = 20.0


def ask(url: str, token: str = "", body: dict[str, Any] | None = None, key: str = "") -> tuple[int, str]:
    """Status and text of an answer; status 0: nobody was there."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""


@dataclass
class Load:
    """One planner who files and looks all the time, behind a balancer that knows who is up."""

    token: str
    up: list[str]
    filed: dict[str, str] = field(default_factory=dict)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    phase: str = "before"
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def file(self, number: int) -> bool:
        """File one referral; again with the same key while nobody answers, as a browser does."""
        now = clock.now()
        body = {
            "setting": "psychiatric_inpatient",
            "person": {
                "given_name": f"Ada{_word(number)}",
                "family_name": "Sample",
                "birth_on": "1990-01-01",
                "places": [{"kind": "shelter", "text": "40 Example Avenue, Springfield"}],
            },
            "discharged_at": (now - timedelta(minutes=5)).isoformat() if number % 2 else None,
            "disposition": "home" if number % 2 else None,
            "expected_on": None if number % 2 else (now + timedelta(days=3)).date().isoformat(),
            "consent": "given",
        }
        key = f"upgrade-{number}"
        status, text = ask(f"{self.up[0]}/api/v1/referrals", self.token, body, key)
        self._count("file", status, text)
        if status == 201:
            self.filed[key] = json.loads(text)["id"]
        return status == 201

    def begin(self) -> None:
        """Work until told to stop."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop, and wait until what is under way is answered."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        number = 100_000
        while not self._stop.wait(_PAUSE):
            number += 1
            if number % 3 == 0:
                self.file(number)
            else:
                self._count("read", *ask(f"{self.up[0]}/api/v1/referrals", self.token))

    def _count(self, what: str, status: int, text: str) -> None:
        self.answers[self.phase, status] += 1
        if not 200 <= status < 300:
            self.refused.append(f"{self.phase}: {what} was answered {status} {text[:200]}")


def _word(number: int) -> str:
    """A name of its own for each: letters only, none alike."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))
