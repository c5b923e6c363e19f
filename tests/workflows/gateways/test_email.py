"""E-mail against a real SMTP server on loopback, well or ill."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from records import clock
from tests.workflows.gateways.smtp_sink import Mailbox, smtp_server
from workflows.gateways import GatewayError, NotSent, Refused, Unconfirmed
from workflows.gateways.email import EmailGateway

CERTIFICATE = Path(__file__).parents[2] / "data" / "loopback-tls.pem"
TO = "casey@footbridge.example"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def gateway(mailbox: Mailbox) -> Iterator[EmailGateway]:
    with smtp_server(mailbox) as opened:
        yield opened


def send(gateway: EmailGateway, key: str = "offer:1:email", to: str = TO, subject: str = "Due soon: K7Q4") -> str:
    return gateway.send(key, to, subject, "Hello Casey,\n\n.a line with a dot\nJosé\n")


def parsed(mail: Envelope) -> email.message.EmailMessage:
    assert isinstance(mail.content, bytes)
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def test_a_mail_arrives_whole(gateway: EmailGateway, mailbox: Mailbox) -> None:
    with clock.stopped_at(datetime(2026, 11, 23, 17, 0, tzinfo=UTC)):
        provider_id = send(gateway)

    (mail,) = mailbox.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("notes@program.example", [TO])
    found = parsed(mail)
    assert found["From"] == "Footbridge <notes@program.example>"
    assert found["To"] == TO
    assert found["Subject"] == "Due soon: K7Q4"
    assert found["Date"].datetime == datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert found["Message-ID"] == provider_id
    assert found["Auto-Submitted"] == "auto-generated"
    assert found.get_content().replace("\r\n", "\n") == "Hello Casey,\n\n.a line with a dot\nJosé\n"


def test_the_same_message_has_the_same_id_and_another_another(gateway: EmailGateway) -> None:
    assert send(gateway, "a") == send(gateway, "a") != send(gateway, "b")


def test_a_subject_is_one_line(gateway: EmailGateway, mailbox: Mailbox) -> None:
    send(gateway, subject="Due\r\nBcc: everybody@example.com\r\n\r\nsoon")

    found = parsed(mailbox.mails[0])
    assert found["Bcc"] is None
    assert found["Subject"] == "Due Bcc: everybody@example.com soon"


@pytest.mark.parametrize(
    ("step", "answer", "kind", "code"),
    [
        ("mail", "550 not you", NotSent, "550"),
        ("mail", "451 later", NotSent, "451"),
        ("rcpt", "550 no such user casey@footbridge.example", Refused, "550"),
        ("rcpt", "450 mailbox busy", NotSent, "450"),
        ("rcpt", "421 going down", NotSent, "421"),
        ("data", "554 not wanted", Refused, "554"),
        ("data", "452 no room", NotSent, "452"),
    ],
)
def test_what_the_server_says_becomes_one_of_three(
    gateway: EmailGateway, mailbox: Mailbox, step: str, answer: str, kind: type[GatewayError], code: str
) -> None:
    setattr(mailbox, step, answer)

    with pytest.raises(kind) as problem:
        send(gateway)

    assert type(problem.value) is kind
    assert problem.value.code == code
    assert "casey" not in str(problem.value), "errors are read in Temporal's pages"


def _hang_up(server: SMTP) -> str:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
    return "250 OK"


def test_a_server_that_breaks_off_after_the_mail_leaves_it_unknown(gateway: EmailGateway, mailbox: Mailbox) -> None:
    mailbox.data = _hang_up

    with pytest.raises(Unconfirmed):
        send(gateway)

    assert len(mailbox.mails) == 1


@contextmanager
def script(*lines: bytes, hold: bool = False) -> Iterator[EmailGateway]:
    """A server that says these lines, one for each of the client's, and then hangs up, or says no more."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as heard:
                for number, line in enumerate(lines):
                    if number:
                        heard.readline()
                    connection.sendall(line)
                if hold:
                    done.wait(5)

        thread = threading.Thread(target=serve)
        thread.start()
        yield EmailGateway("127.0.0.1", listener.getsockname()[1], "notes@program.example", "none", timeout=0.3)
        done.set()
        thread.join()


OK, GO_ON = b"250 ok\r\n", b"354 go on\r\n"


@pytest.mark.parametrize(
    ("lines", "hold", "kind"),
    [
        ((), True, NotSent),
        ((b"554 no service\r\n",), False, NotSent),
        ((b"220 hello\r\n", OK), False, NotSent),
        ((b"220 hello\r\n", OK, OK, OK), True, NotSent),
        ((b"220 hello\r\n", OK, OK, OK, b"451 not now\r\n"), False, NotSent),
        ((b"220 hello\r\n", OK, OK, OK, GO_ON), True, Unconfirmed),
        ((b"220 hello\r\n", OK, OK, OK, GO_ON), False, Unconfirmed),
    ],
    ids=["silent", "no service", "hangs up early", "silent at DATA", "no DATA now", "silent after", "hangs up after"],
)
def test_only_what_happens_after_the_first_byte_of_the_mail_is_unknown(
    lines: tuple[bytes, ...], hold: bool, kind: type[GatewayError]
) -> None:
    with script(*lines, hold=hold) as gateway, pytest.raises(GatewayError) as problem:
        send(gateway)

    assert type(problem.value) is kind


def test_a_mail_that_was_taken_is_sent_however_rudely_the_server_leaves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as heard:
                connection.sendall(b"220 hello\r\n")
                for answer in (OK, OK, OK, GO_ON):
                    heard.readline()
                    connection.sendall(answer)
                while heard.readline() != b".\r\n":
                    pass
                connection.sendall(b"250 taken\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        gateway = EmailGateway("127.0.0.1", listener.getsockname()[1], "notes@program.example", "none", timeout=1.0)
        assert send(gateway).startswith("<")
        thread.join()


def test_nobody_there_is_certain() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with pytest.raises(NotSent, match="could not be used"):
            send(EmailGateway("127.0.0.1", taken.getsockname()[1], "notes@program.example", "none"))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "casey",
        "cäsey@footbridge.example",
        "a b@c.example",
        "a@b.example,c@d.example",
        "<a@b.example>",
        "a\0@b.example",
        "a@b.example\r\nRCPT TO:<x>",
    ],
)
def test_an_address_that_cannot_be_right_is_refused(gateway: EmailGateway, mailbox: Mailbox, address: str) -> None:
    with pytest.raises(Refused):
        send(gateway, to=address)

    assert mailbox.mails == []


def _server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


TRUSTING = ssl.create_default_context(cafile=str(CERTIFICATE))


def test_starttls_protects_the_mail_and_the_password(mailbox: Mailbox) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"app", b"secret"))

    options = {"tls_context": _server_tls(), "require_starttls": True, "authenticator": check, "auth_required": True}
    with smtp_server(mailbox, **options) as plain:
        protected = replace(plain, tls="starttls", context=TRUSTING, username="app", password="secret")
        assert send(protected).startswith("<")
        assert len(mailbox.mails) == 1

        for without in (
            replace(protected, password="wrong"),
            replace(protected, password="wröng"),
            replace(protected, context=None),
            replace(protected, tls="none"),
        ):
            with pytest.raises(NotSent):
                send(without)
    assert len(mailbox.mails) == 1


def test_a_server_without_starttls_gets_nothing(gateway: EmailGateway, mailbox: Mailbox) -> None:
    with pytest.raises(NotSent):
        send(replace(gateway, tls="starttls"))

    assert mailbox.mails == []


def test_tls_from_the_first_byte(mailbox: Mailbox) -> None:
    with smtp_server(mailbox, ssl_context=_server_tls()) as plain:
        assert send(replace(plain, tls="tls", context=TRUSTING)).startswith("<")
    assert len(mailbox.mails) == 1
