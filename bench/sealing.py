"""What sealing the columns costs: a value; filing, *Today*, the board, a search and journeys with it and without.

And what all that protects people costs together, sealing, the journals and the gate: filing and the pages with it and
without (`protection`).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, at_most, median
from bench.filing import program_at, referral_from
from bench.filled import Filled, fill
from bench.pages import get, post, sign_in
from bench.serving import footbridge, free_port, load, server
from cli.simulation.run import simulate
from records import engine, sealing
from records.sealing import keyring

ROUNDS, ASKED = 5, 20
CLIENTS = 8
LIMIT = 1.5


def run(referrals: int = 4000, seconds: float = 3.0) -> list[Figure]:
    """With and without in turn, so that the machine's mood falls on both."""
    sealed = _Without("sealing", "sealed", "in the clear", "BENCH_IN_CLEAR")
    return [*_values(), *_journeys(), *_filing(sealed, seconds), *_pages(sealed, referrals)]


def protection(referrals: int = 4000, seconds: float = 3.0) -> list[Figure]:
    """With everything that protects people, and with none of it, in turn."""
    all_of_it = _Without("protection", "protected", "unprotected", "BENCH_UNPROTECTED")
    return [*_filing(all_of_it, seconds), *_pages(all_of_it, referrals)]


@dataclass(frozen=True)
class _Without:
    """What is compared: with it, without it, and what tells a server to be without."""

    bench: str
    having: str
    lacking: str
    switch: str


@contextmanager
def in_clear(yes: bool = True) -> Iterator[None]:
    """Columns of this process in the clear for a while."""
    before, sealing.is_on = sealing.is_on, not yes
    try:
        yield
    finally:
        sealing.is_on = before


def _values() -> list[Figure]:
    ring, count, about = keyring(), 50_000, b"attempt.note"
    kept = ring.seal("Rang twice, no answer; try after six.", about)
    ways = {
        "sealing a value": lambda: ring.seal("Rang twice, no answer; try after six.", about),
        "opening a value": lambda: ring.open(kept, about),
        "making a mark": lambda: ring.mark("birth\0prg_01\x001990-01-01"),
    }
    figures = []
    for what, way in ways.items():
        began = time.process_time()
        for _ in range(count):
            way()
        figures.append(Figure("sealing", what, (time.process_time() - began) / count * 1e6, "µs"))
    return figures


def _journeys() -> list[Figure]:
    took: dict[bool, float] = {True: 0.0, False: 0.0}
    simulate(20, 1)
    for number in range(ROUNDS):
        for clear in (True, False):
            with in_clear(clear):
                began = time.process_time()
                simulate(20, 2 + number)
                took[clear] += time.process_time() - began
    return [at_most("sealing", "journeys, sealed of clear", took[False] / took[True], "×", LIMIT)]


def _filing(of: _Without, seconds: float) -> list[Figure]:
    rates: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, tokens, ports = Path(name), {}, {}
        for clear in rates:
            url, ports[clear] = f"sqlite:///{folder / str(clear)}.sqlite3", free_port()
            tokens[clear] = program_at(url)
            stack.enter_context(_served(folder, ports[clear], url, of.switch if clear else ""))
        for _ in range(ROUNDS):
            for clear, port in ports.items():
                token = tokens[clear]
                rate, _ = load(port, CLIENTS, seconds, lambda c, n, token=token: referral_from(token, c, n))  # type: ignore[misc]
                rates[clear].append(rate)
    ratio = median([a / b for a, b in zip(rates[True], rates[False], strict=True)])
    return [
        Figure(of.bench, f"referrals filed, {of.lacking}", median(rates[True]), "/s"),
        Figure(of.bench, f"referrals filed, {of.having}", median(rates[False]), "/s"),
        at_most(of.bench, f"filing, {of.having} of {of.lacking}", ratio, "×", LIMIT),
    ]


@contextmanager
def _served(folder: Path, port: int, url: str, switch: str) -> Iterator[None]:
    command, environment = footbridge(folder, port, url)
    with server(command, port, folder, **environment, **({switch: "yes"} if switch else {})):
        yield


@dataclass(frozen=True)
class _Asked:
    what: str
    path: str
    who: str
    form: dict[str, str] | None = None


_PAGES = (
    _Asked("Today", "/today", "bridger_email"),
    _Asked("the board", "/board", "supervisor_email"),
    _Asked("a search for a name", "/people", "supervisor_email", {"search": "family 17"}),
)


def _pages(of: _Without, referrals: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, ports = Path(name), {}
        filled: dict[bool, Filled] = {}
        for clear in (True, False):
            url, ports[clear] = f"sqlite:///{folder / str(clear)}.sqlite3", free_port()
            with in_clear(clear):
                filled[clear] = fill(url, referrals, referrals // 20)
            engine.dispose()
            stack.enter_context(_served(folder, ports[clear], url, of.switch if clear else ""))
        figures = []
        for page in _PAGES:
            times: dict[bool, list[float]] = {True: [], False: []}
            cookies = {clear: sign_in(port, getattr(filled[clear], page.who)) for clear, port in ports.items()}
            for number in range(ASKED + 2):
                for clear, port in ports.items():
                    took = _took(page, port, cookies[clear])
                    if number >= 2:
                        times[clear].append(took)
            ratio = median([a / b for a, b in zip(times[False], times[True], strict=True)])
            figures.append(Figure(of.bench, f"{page.what}, {of.having}, median", median(times[False]) * 1000, "ms"))
            figures.append(at_most(of.bench, f"{page.what}, {of.having} of {of.lacking}", ratio, "×", LIMIT))
        return figures


def _took(page: _Asked, port: int, cookie: str) -> float:
    return post(port, page.path, cookie, page.form) if page.form else get(port, page.path, cookie)
