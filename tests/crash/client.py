"""Whoever uses the API: asks again with the same Idempotency-Key until there is an answer, and remembers what it was
told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx

from tests.crash.world import Broken, World

PAUSE = 0.1
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """What was answered at last, and how often it was asked."""

    status: int
    body: Any
    tries: int

    @property
    def is_acknowledged(self) -> bool:
        """Whether the sender was told that it is done."""
        return 200 <= self.status < 300


def ask(
    world: World, who: str, path: str, body: Any = None, *, key: str = "", csv: str = "", patience: float = PATIENCE
) -> Answer:
    """POST, again and again while there is no answer, or one that says that something is wrong over there."""
    deadline, tries = time.monotonic() + patience, 0
    headers = world.as_(who) | ({"Idempotency-Key": key} if key else {})
    more: dict[str, Any] = {"content": csv, "headers": headers | {"Content-Type": "text/csv"}} if csv else {
        "json": body if body is not None else {}, "headers": headers
    }  # fmt: skip
    while True:
        tries += 1
        try:
            answer = world.http.post(path, **more)
        except httpx.TransportError as problem:
            said = type(problem).__name__
        else:
            if answer.status_code < 500:
                return Answer(answer.status_code, answer.json(), tries)
            said = f"{answer.status_code} {answer.text[:200]}"
        if time.monotonic() > deadline:
            raise Broken(f"POST {path} was not answered in {patience:g} s: {said}\n{world.ends_of_logs()}")
        time.sleep(PAUSE)


def done(world: World, who: str, path: str, body: Any = None) -> Any:
    """The same for what must go well. Raises Broken."""
    answer = ask(world, who, path, body)
    if not answer.is_acknowledged:
        raise Broken(f"POST {path} was refused: {answer.status} {answer.body}")
    return answer.body
