"""Servers for a bench, each a process of its own on a free port, and clients that load them over real HTTP."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READY_WITHIN = 60.0
UNHURRIED = "1000000"
"""Requests a minute that one account may make: a bench is one account, and is counted like any other."""
SECRET = "a secret of the bench, long enough to be one"  # noqa: S105 -- of nothing that is kept


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(arguments: list[str], port: int, folder: Path, **environment: str) -> Iterator[int]:
    """Run a command that serves on `port`; yields the port once it answers, ends it afterwards."""
    with (folder / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=log, stderr=log, env={**os.environ, **environment}
        )
        try:
            _wait(process, port)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    raise RuntimeError("the server did not answer in time")


def footbridge(folder: Path, port: int, url: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of one web server of ours."""
    return ["-m", "bench.ours"], {
        "FOOTBRIDGE_DATABASE_URL": url,
        "FOOTBRIDGE_DATA_DIR": str(folder),
        "FOOTBRIDGE_PORT": str(port),
        "FOOTBRIDGE_SECRET_KEY": SECRET,
        "FOOTBRIDGE_PERSON_REQUESTS_A_MINUTE": UNHURRIED,
    }


def load(
    port: int,
    clients: int,
    seconds: float,
    request: Callable[[int, int], tuple[str, str, Any, dict[str, str]]],
    expect: int = 201,
) -> tuple[float, list[float]]:
    """Let so many clients ask for so long; returns answers a second and each answer's seconds.

    `request(client, number)` gives method, path, body and headers. Raises RuntimeError on an unexpected answer.
    """
    times: list[list[float]] = [[] for _ in range(clients)]
    problems: list[str] = []
    began = time.perf_counter()
    end = began + seconds

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        number = 0
        while time.perf_counter() < end and not problems:
            method, path, body, headers = request(client, number)
            start = time.perf_counter()
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != expect:
                problems.append(f"{answer.status}: {content[:300]!r}")
                return
            times[client].append(time.perf_counter() - start)
            number += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise RuntimeError(problems[0])
    every = [seconds_taken for mine in times for seconds_taken in mine]
    return len(every) / (time.perf_counter() - began), every
