"""A server on loopback that behaves as Twilio's Messages resource does, well and badly."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Provider:
    """What the server does next, and what it was asked."""

    url: str
    status: int = 201
    answer: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    resets: str = ""  # "before" or "after" the request has been read
    requests: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0

    def says(self, status: int, /, **answer: object) -> None:
        """Answer with this JSON from now on."""
        self.status, self.answer = status, json.dumps(answer).encode()


@contextmanager
def sms_provider() -> Iterator[Provider]:
    """The server, on a free port; it ends with the block."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        port = server.server_address[1]
        server.provider = Provider(f"http://127.0.0.1:{port}/2010-04-01/Accounts/AC1/Messages.json")
        server.provider.says(201, sid="SM1", status="queued", error_code=None)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.provider
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: Provider

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.provider.connections += 1
        if self.provider.resets == "before":
            _reset(request)
            return False
        return True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        provider = self.server.provider
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), strict_parsing=True)
        came: dict[str, Any] = {"path": self.path, "headers": dict(self.headers), "form": form}
        provider.requests.append(came)
        if provider.resets == "after":
            _reset(self.connection)
            self.close_connection = True
            return
        time.sleep(provider.wait_seconds)
        came["at"] = time.monotonic()  # when it went on its way
        self.send_response(provider.status)
        for name, value in provider.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(provider.answer)))
        self.end_headers()
        self.wfile.write(provider.answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):  # the client has given up waiting
            self.close_connection = True


def _reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
