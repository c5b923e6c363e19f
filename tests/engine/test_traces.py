"""From the page to the activity: one trace, told by OTLP to a real receiver; and nobody's name in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from cli.drill.program import make_program
from cli.processes import free_port
from cli.temporal_server import TemporalServer
from records import clock, engine, migrate
from records.commands.sign_in import create_token
from tests.api.house import REFERRAL
from tests.cli.test_processes_of_the_terminal import running


class Collector:
    """What an operator's collector is: it takes spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw = b""
        spans = self.spans
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") is None:
                    collector.raw += body
                    said = ExportTraceServiceRequest.FromString(body)
                    spans.extend(s for r in said.resource_spans for scope in r.scope_spans for s in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def names_below(self, name: str) -> set[str]:
        """The names of the spans of the trace to which this one belongs."""
        traces = {span.trace_id for span in self.spans if span.name == name}
        return {span.name for span in self.spans if span.trace_id in traces}


@pytest.fixture
def collector() -> Iterator[Collector]:
    running_one = Collector()
    yield running_one
    running_one.server.shutdown()
    running_one.server.server_close()


def test_filing_and_what_comes_of_it_is_one_trace(server: TemporalServer, collector: Collector, tmp_path: Path) -> None:
    token = _a_planners_token(f"sqlite:///{tmp_path / 'footbridge.sqlite3'}")
    port = free_port()
    there = {
        "TEMPORAL_ADDRESS": server.address,
        "FOOTBRIDGE_TRACES_URL": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with ExitStack() as stack:
        stack.enter_context(running(tmp_path, "api", FOOTBRIDGE_PORT=str(port), **there))
        stack.enter_context(running(tmp_path, "worker", **there))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            _until(lambda: _answers(client))
            filed = client.post(
                "/api/v1/referrals",
                json=REFERRAL | {"expected_on": (clock.now() + timedelta(days=7)).date().isoformat()},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert filed.status_code == 201, filed.text
        _until(lambda: any(n.startswith("RunActivity") for n in collector.names_below("POST /api/v1/referrals")))
    below = collector.names_below("POST /api/v1/referrals")
    assert any(name.startswith("SignalWithStartWorkflow:") for name in below), below
    assert any(name.startswith("RunWorkflow:") for name in below), below
    assert any(name.startswith("RunActivity:") for name in below), below
    person = REFERRAL["person"]
    for value in (person["given_name"], person["family_name"]):
        assert value.encode() not in collector.raw
    assert b"referrals" in collector.raw, "what is searched is not empty"


def _a_planners_token(url: str) -> str:
    migrate.upgrade(url)
    engine.configure(url)
    with engine.transaction() as session:
        token = create_token(session, make_program(session).planner, "tests", 1)
    engine.dispose()
    return token


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def _until(holds: object, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
