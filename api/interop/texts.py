"""Texts in: `POST /gateway/texts`, where the SMS gateway brings what people answer. The signature is checked before.

Whatever it says, and whoever has the number, a signed text gets the same answer: an empty TwiML document, so that
nobody learns from it whom we know, and the gateway sends nothing of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.access import signed_by_gateway
from api.deps import SessionDep
from api.receiving import Received, receive
from domain.errors import Invalid
from records.commands.people import normal_number
from records.commands.replies import IncomingText, take_reply

router = APIRouter()

TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_MESSAGE_ID = re.compile(r"[A-Za-z0-9]{8,64}")
_HANDLED = frozenset({"STOP", "START", "HELP"})
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
PICTURE = "(A picture or a sound, which is not kept.)"


@router.post("/gateway/texts", include_in_schema=False)
@signed_by_gateway()
def texts(session: SessionDep, sent: Annotated[Received, Depends(receive)]) -> Response:
    """Take in one text; the same again changes nothing."""
    text = _incoming(sent.fields)
    if text is not None:
        take_reply(session, text)
    return Response(TWIML, media_type="text/xml")


def _incoming(fields: Mapping[str, Sequence[str]]) -> IncomingText | None:
    """The text, or None from a sender that is no telephone number. Raises Invalid without the gateway's id of it."""

    def field(*names: str) -> str:
        return next((fields[name][0] for name in names if fields.get(name)), "")

    message_id, body = field("MessageSid", "SmsMessageSid"), _UNPRINTABLE.sub(" ", field("Body")).strip()
    if not _MESSAGE_ID.fullmatch(message_id):
        raise Invalid("message_id", "The gateway’s id of the message is missing.", field="MessageSid")
    try:
        number = normal_number(field("From"), "From")
    except Invalid:
        return None  # a short code or a name: nobody's phone
    handled = field("OptOutType").upper()
    return IncomingText(message_id, number, body or PICTURE, handled if handled in _HANDLED else "")
