"""A real SMTP server on loopback that keeps what it is given, or behaves as badly as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope

from workflows.gateways.email import EmailGateway


@dataclass
class Mailbox:
    """What the server was given, and how it behaves."""

    mails: list[Envelope] = field(default_factory=list)
    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str | Callable[[SMTP], str] = "250 OK"

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.mail

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return self.data if isinstance(self.data, str) else self.data(server)


class FreePort(Controller):
    """A server on the free port that the system chose; the library's own knows only ports chosen before."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@contextmanager
def smtp_server(mailbox: Mailbox, **options: Any) -> Iterator[EmailGateway]:
    """A server on a free port, and a gateway that sends to it."""
    controller = FreePort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield EmailGateway("127.0.0.1", controller.port, "Footbridge <notes@program.example>", "none", timeout=1.0)
    finally:
        controller.stop()
