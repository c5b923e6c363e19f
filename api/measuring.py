"""How long this process takes: requests by their route, statements by what they do. For Prometheus, at /metrics.

Each process counts its own, since it began; nothing here names anybody, and an address counts as its pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Histogram
from sqlalchemy import event

from records import clock, engine

PROCESS = CollectorRegistry()
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_requests = Histogram(
    "footbridge_request_seconds",
    "Real seconds until a request was answered",
    ("method", "route", "status"),
    registry=PROCESS,
    buckets=_SECONDS,
)
_queries = Histogram(
    "footbridge_query_seconds",
    "Real seconds that a statement took in the database",
    ("does",),
    registry=PROCESS,
    buckets=(0.0005, 0.001, 0.005, *_SECONDS[1:9]),
)
_BY_WORD = {word: _queries.labels(does) for word, does in (("SELECT", "read"), ("WITH", "read"), ("BEGIN", "begin"))}
_OTHERS = _queries.labels("write")


def answered(method: str, route: str, status: int, began: float) -> None:
    """Count a request that began at this reading of the stopwatch. Statuses count by their class: 2xx, 4xx, 5xx."""
    known = method if method in METHODS else "other"  # whoever asks makes up no names for our figures
    _requests.labels(known, route, f"{status // 100}xx").observe(clock.stopwatch() - began)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@contextmanager
def statements_counted() -> Iterator[None]:
    """Count what the open database does, from now until the end of the block."""
    opened = engine.database()
    hooks: list[tuple[Any, str, Callable[..., None]]] = []
    for watched in {opened.read, opened.write}:
        hooks += [(watched, "before_cursor_execute", _begin), (watched, "after_cursor_execute", _end)]
    for target, name, hook in hooks:
        event.listen(target, name, hook)
    try:
        yield
    finally:
        for target, name, hook in hooks:
            event.remove(target, name, hook)


def _begin(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
    context.footbridge_began = clock.stopwatch()


def _end(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool) -> None:
    kind = _BY_WORD.get(statement[:6].rstrip(), _OTHERS)
    kind.observe(clock.stopwatch() - context.footbridge_began)
