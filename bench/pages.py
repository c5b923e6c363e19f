"""*Today* and the handoff board with 100,000 referrals, 5,000 of them open, against 1,000 with 50 open."""

from __future__ import annotations

import http.client
import re
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Figure, at_most, median
from bench.filled import PASSWORD, Filled, fill
from bench.serving import footbridge, free_port, server

ROUNDS = 30


def run(small: int = 1_000, large: int = 100_000) -> list[Figure]:
    """Both servers stand at once and are asked in turn, so that the machine's mood falls on both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = {"small": (small, small // 20), "large": (large, large // 20)}
        filled: dict[str, Filled] = {}
        ports: dict[str, int] = {}
        for size, (count, still_open) in sizes.items():
            began = time.perf_counter()
            filled[size] = fill(f"sqlite:///{folder / size}.sqlite3", count, still_open)
            print(f"  {count:,} referrals written in {time.perf_counter() - began:.0f} s", flush=True)
            ports[size] = free_port()
        commands = {
            size: footbridge(folder, port, f"sqlite:///{folder / size}.sqlite3") for size, port in ports.items()
        }
        with (
            server(commands["small"][0], ports["small"], folder, **commands["small"][1]),
            server(commands["large"][0], ports["large"], folder, **commands["large"][1]),
        ):
            return _measure(filled, ports)


def _measure(filled: dict[str, Filled], ports: dict[str, int]) -> list[Figure]:
    figures: list[Figure] = []
    for page, path, who in (("Today", "/today", "bridger_email"), ("board", "/board", "supervisor_email")):
        cookies = {size: sign_in(ports[size], getattr(filled[size], who)) for size in ports}
        times: dict[str, list[float]] = {size: [] for size in ports}
        for number in range(ROUNDS + 3):
            for size, port in ports.items():
                took = get(port, path, cookies[size])
                if number >= 3:
                    times[size].append(took)
        for size in ports:
            figures.append(
                Figure(
                    "pages", f"{page}, {filled[size].referrals:,} referrals, median", median(times[size]) * 1000, "ms"
                )
            )
        ratio = median([large / small for large, small in zip(times["large"], times["small"], strict=True)])
        figures.append(at_most("pages", f"{page}, large of small", ratio, "×", 1.3))
    return figures


def get(port: int, path: str, cookie: str) -> float:
    """The seconds that a page takes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    connection.close()
    return took


def sign_in(port: int, email: str) -> str:
    """The cookies of somebody who is signed in."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    page, before = answer.read().decode(), _cookies(answer)
    fields = {"email": email, "password": PASSWORD, "csrf_token": _token(page)}
    answer = _send(connection, port, "/sign-in", before, fields)
    connection.close()
    if answer.status != 303:
        raise RuntimeError(f"signing in answered {answer.status}")
    return _cookies(answer) or before


def post(port: int, path: str, cookie: str, fields: dict[str, str]) -> float:
    """The seconds that the answer to a form takes; the page with the form is fetched before."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": cookie})
    token = _token(connection.getresponse().read().decode())
    began = time.perf_counter()
    answer = _send(connection, port, path, cookie, fields | {"csrf_token": token})
    took = time.perf_counter() - began
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    connection.close()
    return took


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]*)"', page)
    return found.group(1) if found else ""


def _send(
    connection: http.client.HTTPConnection, port: int, path: str, cookie: str, fields: dict[str, str]
) -> http.client.HTTPResponse:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": cookie,
        "Origin": f"http://127.0.0.1:{port}",
        "Sec-Fetch-Site": "same-origin",
    }
    connection.request("POST", path, urlencode(fields), headers)
    answer = connection.getresponse()
    answer.read()
    return answer


def _cookies(answer: http.client.HTTPResponse) -> str:
    return "; ".join(value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie")
