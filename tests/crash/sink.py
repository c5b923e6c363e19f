"""A gateway for texts on loopback that counts what it was handed, by the key of each message."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = b'{"sid": "SM1", "status": "queued", "error_code": null}'


@dataclass
class Sink:
    """What came, by the hash of its key. `swallows`: so many of the next are taken and not answered."""

    url: str
    came: Counter[str] = field(default_factory=Counter)
    swallows: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def sink() -> Iterator[Sink]:
    """The server, on a free port; it ends with the block."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.sink = Sink(f"http://127.0.0.1:{server.server_address[1]}/messages")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.sink
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sink: Sink


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        sink = self.server.sink
        self.rfile.read(int(self.headers["Content-Length"]))
        with sink.lock:
            sink.came[self.headers["Idempotency-Key"]] += 1
            is_swallowed, sink.swallows = sink.swallows > 0, max(0, sink.swallows - 1)
        if is_swallowed:
            self.close_connection = True
            return
        self.send_response(201)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        """What came is counted, not printed."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):  # whoever sent it was killed
            self.close_connection = True
