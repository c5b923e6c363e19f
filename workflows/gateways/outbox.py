"""The local outbox: what would have been sent, for a page to show. Used by the embedded run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from domain.vocabulary import Channel


class Put(Protocol):
    """The command that writes into the outbox, once a key, and returns the id that a provider would give."""

    def __call__(self, *, key: str, channel: Channel, to: str, subject: str, body: str) -> str:
        """Write it down."""
        ...


@dataclass(frozen=True, slots=True)
class OutboxGateway:
    """Delivers into the outbox. The same key twice is one message."""

    channel: Channel
    put: Put

    def send(self, key: str, to: str, subject: str, body: str) -> str:
        """See `Gateway.send`. What the records raise is passed on: nothing was written then."""
        return self.put(key=key, channel=self.channel, to=to, subject=subject, body=body)
