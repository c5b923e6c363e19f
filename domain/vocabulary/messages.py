"""How staff are told, and where one message stands."""

from __future__ import annotations

from domain.vocabulary.words import Word


class Channel(Word):
    """How staff are told."""

    IN_APP = "in_app", "In Footbridge"
    EMAIL = "email", "E-mail"
    SMS = "sms", "Text message"


class NotificationState(Word):
    """Where one message to one recipient stands."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not sent"
    UNCONFIRMED = "unconfirmed", "May or may not have been sent"
    CANCELLED = "cancelled", "Cancelled before sending"
    WITHHELD = "withheld", "Not sent, their consent does not cover it"
    STALE = "stale", "Not sent, too old by then"
