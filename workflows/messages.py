"""A message to staff in words: the templates of `templates/messages/`, filled with next to nothing.

Only what `_context` holds reaches a template: what else a notification carries cannot leave by a template's mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.gsm import SMS_LENGTH, to_gsm_7
from domain.messaging import StaffMessage
from domain.spoken import spoken_due
from domain.vocabulary import Channel
from records import clock
from records.commands import links

TEMPLATES = Path(__file__).parents[1] / "templates" / "messages"
TIMES = ("answer_by", "due_at", "until")
"""The params that templates may show, as local times."""
_NAME_LENGTH = 24  # of a program's name in a text
_LINK_LENGTH = 48  # a longer link does not fit into a text; people know where to sign in

# Plain text, so nothing is escaped.
_templates = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=False)  # noqa: S701


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message may say: the recipient's own first name, the program's neutral name, a referral's opaque number.

    `params` come from the notification; of them only the times in `TIMES` (ISO 8601, aware) are used, and the id of a
    link that is good once.
    """

    first_name: str
    program: str
    number: str
    zone: str
    base_url: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """Ready to send. A text has no subject."""

    subject: str
    body: str


def write_message(template: str, channel: Channel, envelope: Envelope) -> Letter:
    """The message in words. Raises ValueError for a message or channel that has none, or a text that gets too long."""
    message = StaffMessage(template)
    context = _context(message, envelope)
    if channel is Channel.EMAIL:
        subject = " ".join(_templates.get_template(f"{message}/subject.txt").render(context).split()).rstrip(" :")
        return Letter(subject, _templates.get_template(f"{message}/body.txt").render(context).strip() + "\n")
    if channel is Channel.SMS:
        return Letter("", _text(message, context))
    raise ValueError(f"nothing is sent over {channel}")


def _context(message: StaffMessage, envelope: Envelope) -> dict[str, str]:
    return {
        "first_name": envelope.first_name,
        "program": envelope.program or "Footbridge",
        "number": envelope.number,
        "link": _link(message, envelope),
    } | {name: _shown(envelope.params.get(name), envelope.zone) for name in TIMES}


def _link(message: StaffMessage, envelope: Envelope) -> str:
    """Where to sign in; for a link that is good once, that link, which only this e-mail holds."""
    if "link" in envelope.params:
        return links.address_of(envelope.base_url, links.token_of(str(envelope.params["link"])))
    return f"{envelope.base_url}{message.path}"


def _text(message: StaffMessage, context: dict[str, str]) -> str:
    program = context["program"][:_NAME_LENGTH].rstrip()
    link = context["link"] if len(context["link"]) <= _LINK_LENGTH else ""
    rendered = _templates.get_template(f"{message}/sms.txt").render(context | {"program": program, "link": link})
    text = " ".join(to_gsm_7(rendered).split())
    if len(text) > SMS_LENGTH:
        raise ValueError(f"the text of {message} is {len(text)} characters long")
    return text


def _shown(value: object, zone: str) -> str:
    """`Thu Nov 26, 5 pm` where the program is; empty for nothing."""
    return spoken_due(datetime.fromisoformat(str(value)), zone, clock.now()) if value else ""
