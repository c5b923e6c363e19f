"""An automated text to a person in words: the approved templates of `templates/messages/person_…/`, by language.

They name the worker's first name, the program's neutral name and a number to call; never the person, an illness, a
place or what the program does. Only what `_context` holds reaches a template. A text is one message: 160 letters of
the GSM alphabet, whatever the names are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.gsm import SMS_LENGTH, to_gsm_7
from domain.texting import language_of, spoken_in
from domain.vocabulary import TextKind
from records import clock
from workflows.messages import Letter

TEMPLATES = Path(__file__).parents[1] / "templates" / "messages"
LONGEST_NAME, LONGEST_PROGRAM = 12, 20
"""Letters of a first name and of a program's neutral name in a text."""
_FROM = {"en": "from", "es": "de"}

# Plain text, so nothing is escaped.
_templates = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=False)  # noqa: S701


@dataclass(frozen=True, slots=True)
class TextEnvelope:
    """What a text may say. Of `params` only the time `at` (ISO 8601, aware) is used; `zone` is where the person is."""

    first_name: str
    program: str
    callback: str
    language: str
    zone: str
    params: Mapping[str, Any]


def write_text(kind: str, envelope: TextEnvelope) -> Letter:
    """The text in words. Raises ValueError for a text that is not approved, or gets too long."""
    approved, language = TextKind(kind), language_of(envelope.language)
    rendered = _templates.get_template(f"{approved.value}/{language}.txt").render(_context(envelope, language))
    text = " ".join(to_gsm_7(rendered).split())
    if len(text) > SMS_LENGTH:
        raise ValueError(f"the text {approved.value} is {len(text)} characters long")
    return Letter("", text)


def _context(envelope: TextEnvelope, language: str) -> dict[str, str]:
    name, program = _cut(envelope.first_name, LONGEST_NAME), _cut(envelope.program, LONGEST_PROGRAM) or "Footbridge"
    at = envelope.params.get("at")
    return {
        "who": f"{name} {_FROM[language]} {program}" if name else program,
        "program": program,
        "callback": _cut(envelope.callback, 16),
        "at": spoken_in(language, datetime.fromisoformat(str(at)), envelope.zone, clock.now()) if at else "",
    }


def _cut(name: str, length: int) -> str:
    """A name in letters that a text has, at most so long."""
    return to_gsm_7(name).strip()[:length].rstrip()
