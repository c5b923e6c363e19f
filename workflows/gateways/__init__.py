"""Ways out: each gateway sends one message once and says in our words what came of it.

    GatewayError      a sentence without anybody's name or address, and the provider's code
    ├── NotSent       certainly not sent, and not because of this message: trying again is right
    ├── Refused       certainly not sent, and never will be: the address or the message is to blame
    └── Unconfirmed   may have been sent, nobody can know: never tried again by itself

Whatever else a gateway raises is a defect and counts as unconfirmed.
"""

from __future__ import annotations

from typing import Protocol


class GatewayError(Exception):
    """The root."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(f"{sentence} ({code})" if code else sentence)
        self.sentence = sentence
        self.code = code


class NotSent(GatewayError):
    """Certainly not sent, and not because of this message: trying again is right."""


class Refused(GatewayError):
    """Certainly not sent, and never will be: the address or the message is to blame."""


class Unconfirmed(GatewayError):
    """May have been sent, nobody can know: never tried again by itself."""


class Gateway(Protocol):
    """One way out. Safe to use from several threads."""

    def send(self, key: str, to: str, subject: str, body: str) -> str:
        """Send one message and return the provider's id. `key` is the same for the same message, always.

        Raises NotSent, Refused or Unconfirmed.
        """
        ...
