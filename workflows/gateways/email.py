"""E-mail by SMTP (RFC 5321), one connection a message."""

from __future__ import annotations

import contextlib
import hashlib
import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import Literal

from records import clock
from workflows.gateways import NotSent, Refused, Unconfirmed

_ADDRESS = re.compile(r"[^\s<>,;:@]+@[^\s<>,;:@]+")
_LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True)
class EmailGateway:
    """One server. `tls` says how the connection is protected; `timeout` is in seconds, for each step."""

    host: str
    port: int
    sender: str
    tls: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password: str = ""
    timeout: float = 10.0
    context: ssl.SSLContext | None = None

    def send(self, key: str, to: str, subject: str, body: str) -> str:
        """See `Gateway.send`. The id is the Message-ID, which is made from `key`: servers and readers know a double."""
        if not (to.isascii() and to.isprintable() and _ADDRESS.fullmatch(to)):
            raise Refused("The e-mail address is not one we can send to.")
        message = self._message(key, to, subject, body)
        smtp = self._connect()
        try:
            _envelope(smtp, parseaddr(self.sender)[1], to)
            _deliver(smtp, message.as_bytes(policy=SMTP_POLICY))
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # the message has been taken: a connection that ends rudely changes nothing
        finally:
            smtp.close()
        return str(message["Message-ID"])

    def _message(self, key: str, to: str, subject: str, body: str) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self.sender
        message["To"] = to
        message["Subject"] = " ".join(subject.split())
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body, cte="quoted-printable")
        return message

    def _connect(self) -> smtplib.SMTP:
        """A connection that is protected and signed in. Nothing has been sent when this raises."""
        smtp: smtplib.SMTP | None = None
        try:
            if self.tls == "tls":
                smtp = smtplib.SMTP_SSL(
                    self.host, self.port, self._domain, timeout=self.timeout, context=self._trusted()
                )
            else:
                smtp = smtplib.SMTP(self.host, self.port, self._domain, timeout=self.timeout)
            if self.tls == "starttls":
                smtp.starttls(context=self._trusted())
            if self.username:
                smtp.login(self.username, self.password)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if smtp is not None:
                smtp.close()
            raise NotSent("The e-mail server could not be used.", _code(error)) from None
        return smtp

    def _trusted(self) -> ssl.SSLContext:
        return self.context or ssl.create_default_context()

    @property
    def _domain(self) -> str:
        return parseaddr(self.sender)[1].rpartition("@")[2] or "localhost"


def _envelope(smtp: smtplib.SMTP, sender: str, to: str) -> None:
    """From whom and to whom. Nothing has been sent when this raises."""
    try:
        smtp.ehlo_or_helo_if_needed()
        code, _ = smtp.mail(sender)
        if code != 250:
            raise NotSent("The e-mail server does not accept our sender.", str(code))
        code, _ = smtp.rcpt(to)
        if 500 <= code < 600:
            raise Refused("The e-mail server refused the recipient.", str(code))
        if code not in (250, 251):
            raise NotSent("The e-mail server could not take the recipient now.", str(code))
        code, _ = smtp.docmd("DATA")
        if code != 354:
            raise NotSent("The e-mail server could not take the message now.", str(code))
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent("The e-mail server broke off.", _code(error)) from None


def _deliver(smtp: smtplib.SMTP, content: bytes) -> None:
    """The message itself. From the first byte on, only the server's answer says whether it was taken."""
    try:
        smtp.send(_LEADING_DOT.sub(b"..", content).rstrip(b"\r\n") + b"\r\n.\r\n")
        code, _ = smtp.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise Unconfirmed("The e-mail server did not say whether it took the message.", _code(error)) from None
    if 400 <= code < 500:
        raise NotSent("The e-mail server could not take the message now.", str(code))
    if code != 250:
        raise Refused("The e-mail server refused the message.", str(code))


def _code(error: Exception) -> str:
    return str(getattr(error, "smtp_code", "")) or type(error).__name__
