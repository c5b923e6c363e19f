"""A protocol: the versioned rules of follow-up that a program manager can read, and how a file becomes one.

The files in `domain/protocols/` are the defaults; every number there carries its source. A published version never
changes. Parsing is strict: an unknown key, clock, role or ladder is refused with a sentence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from domain.clock import Span
from domain.due import ByRisk, Due, Elapsed, SomeTime, SpanField, Strict
from domain.vocabulary import Ask, Counts, Mode, RiskFlag, Setting

Told = Literal["bridger", "peer_supervisor", "on_call_clinician", "referrer", "program_manager"]

FOLDER = Path(__file__).parent / "protocols"
LOST_KEY = "search"
"""The key of the contacts of the lost-to-contact cadence, which no contact rule describes."""

_MOST = 400  # contacts in one series: a year of days


class Needs(Strict):
    """What must have been tried before a contact counts as tried in full."""

    attempts: int = Field(1, ge=0, le=20)
    modes: int = Field(1, ge=0, le=5)
    in_person: int = Field(0, ge=0, le=5)
    days: int = Field(1, ge=0, le=10)


class Streak(Strict):
    """So many misses in a row raise this ladder."""

    misses: int = Field(ge=2, le=30)
    ladder: str


class ContactRule(Strict):
    """One line of the protocol: a contact, or a series of them."""

    key: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    title: str = Field(min_length=3, max_length=60)
    due: Due
    every: Elapsed | None = None
    until: Elapsed | None = None
    counts: Counts = Counts.CONTACT
    modes: tuple[Mode, ...] = Field((Mode.CALL, Mode.VISIT, Mode.VIDEO, Mode.TEXT), min_length=1)
    needs: Needs = Needs()
    remind: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    warn: Elapsed | None = None
    warn_tell: tuple[Told, ...] = ("peer_supervisor",)
    ladder: str
    streaks: tuple[Streak, ...] = ()
    only: tuple[RiskFlag, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> ContactRule:
        if self.key == LOST_KEY:
            raise ValueError(f"the key “{LOST_KEY}” is kept for looking for somebody who was lost")
        if (self.every is None) != (self.until is None):
            raise ValueError("a series needs both `every` and `until`")
        if self.every is not None and self.until is not None:
            _check_series(self.due, self.every, self.until)
        elif self.streaks:
            raise ValueError("only a series can be missed several times in a row")
        if len({f"{fraction:.0%}" for fraction in self.remind}) < len(self.remind):
            raise ValueError("the same reminder is there twice")
        return self

    def __hash__(self) -> int:
        """By its key: rules are looked up by the thousand."""
        return hash(self.key)

    @property
    def is_series(self) -> bool:
        """Whether it repeats."""
        return self.every is not None

    @property
    def is_apart(self) -> bool:
        """It follows no date of the person's: a hold does not suspend it, and a new discharge does not replace it."""
        return self.due.after == "handover"

    @property
    def needs_visit(self) -> bool:
        """Only meeting in person meets it."""
        return set(self.modes) <= {Mode.VISIT}


def _check_series(due: Due, every: Span, until: Span) -> None:
    """Windows of one series follow one another. Raises ValueError with a sentence."""
    if due.after != "discharge":
        raise ValueError("only what follows leaving can repeat")
    if until.seconds > every.seconds * _MOST:
        raise ValueError(f"a series has at most {_MOST} contacts")
    if due.dates is not None:
        if every.seconds % 86400:
            raise ValueError("a series of dates repeats after whole days")
        length = (due.dates[1] - due.dates[0] + 1) * 86400
    else:
        within, opens = due.within or Span(), due.opens or Span()
        if within.business_days or due.calling_hours:
            raise ValueError("a series has windows of dates or of elapsed time")
        length = within.seconds - opens.seconds
    if length > every.seconds:
        raise ValueError("the windows of this series overlap")


class Rung(Strict):
    """One step of a ladder: who is told, what is asked, how long they have."""

    tell: tuple[Told, ...] = Field(min_length=1)
    ask: Ask = Ask.ANSWER
    answer: ByRisk
    act: ByRisk = ByRisk(
        standard=Span(86400), high_risk=Span(4 * 3600)
    )  # project choice: a taken call is settled in a day
    outcome: SomeTime = Span(2 * 3600)  # project choice: no outcome of a welfare check in 2 h: tell again
    again: SomeTime = Span(86400)


class Assignment(Strict):
    """Deadlines between the referral and a named bridger."""

    accept: SpanField
    offer_answer: ByRisk
    deadline: SpanField
    retry: SomeTime = Span(4 * 3600)


class Cadence(Strict):
    """How often to look for a person who was lost, until so long after discharge."""

    every: Elapsed
    until: Elapsed

    @model_validator(mode="after")
    def _bounded(self) -> Cadence:
        if self.until.seconds > self.every.seconds * _MOST:
            raise ValueError(f"a search has at most {_MOST} attempts")
        return self


class Protocol(Strict):
    """Everything that follows from how a person leaves."""

    key: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    title: str = Field(min_length=3, max_length=80)
    version: int = Field(1, ge=1)
    summary: str = ""
    settings: tuple[Setting, ...] = ()
    assignment: Assignment
    date_check: SpanField
    date_review: SomeTime
    finish: Elapsed
    late_work: Elapsed = Span(4 * 3600)  # project choice: work a late notice within 4 h
    consent_by: SpanField = Span(7 * 86400)  # project choice: consent by day 7
    consent_warning: SpanField = Span(7 * 86400)
    cancel_answer: SpanField = Span(business_days=1)  # project choice
    hold_review: tuple[Elapsed, ...] = (Span(30 * 86400), Span(90 * 86400))  # project choice; 90: Oregon ACT
    lost: tuple[Cadence, ...] = ()
    lost_modes: int = Field(2, ge=1, le=5)
    contacts: tuple[ContactRule, ...] = Field(min_length=1)
    ladders: dict[str, tuple[Rung, ...]]

    @model_validator(mode="after")
    def _complete(self) -> Protocol:
        keys = [rule.key for rule in self.contacts]
        if len(set(keys)) != len(keys):
            raise ValueError("two contacts share a key")
        for name, rungs in self.ladders.items():
            _check_ladder(name, rungs)
        for before, cadence in zip(self.lost, self.lost[1:], strict=False):
            if cadence.until.seconds <= before.until.seconds:
                raise ValueError("each part of the search for somebody lost ends later than the one before")
        for rule in self.contacts:
            for ladder in (rule.ladder, *(s.ladder for s in rule.streaks)):
                if ladder not in self.ladders:
                    raise ValueError(f"the contact “{rule.key}” names the ladder “{ladder}”, which is not there")
        for needed in LADDERS_EVERY_PROTOCOL_HAS:
            if needed not in self.ladders:
                raise ValueError(f"the ladder “{needed}” is missing")
        return self

    def rule(self, key: str) -> ContactRule | None:
        """The contact rule with this key, if any."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> dict[str, ContactRule]:
        return {rule.key: rule for rule in self.contacts}

    def __hash__(self) -> int:
        return hash((self.key, self.version))


def rule_of(protocols: Iterable[Protocol], key: str) -> ContactRule | None:
    """The first rule with this key: the case's own protocol comes before those on top of it."""
    for protocol in protocols:
        if (found := protocol.rule(key)) is not None:
            return found
    return None


def rungs_of(protocols: Iterable[Protocol], ladder: str) -> tuple[Rung, ...]:
    """The rungs of a ladder by its name. Raises LookupError when none of the protocols has it."""
    for protocol in protocols:
        if ladder in protocol.ladders:
            return protocol.ladders[ladder]
    raise LookupError(f"no protocol of this case has the ladder {ladder}")


LADDERS_EVERY_PROTOCOL_HAS = ("supervisor", "safety")
"""`supervisor`: decisions and delays that are not about one contact; `safety`: a safety concern."""


def _check_ladder(name: str, rungs: tuple[Rung, ...]) -> None:
    """Raises ValueError: a ladder has rungs, and somebody looks (at the jail roster too) before a welfare check."""
    if not rungs:
        raise ValueError(f"the ladder “{name}” has no rung")
    asked = [rung.ask for rung in rungs]
    if Ask.WELFARE_CHECK in asked and Ask.LOCATE not in asked[: asked.index(Ask.WELFARE_CHECK)]:
        raise ValueError(
            f"the ladder “{name}” asks about a welfare check before anybody was asked to find the person"
        )  # nobody knocks at the door of somebody who is in jail


class ProtocolProblem(Exception):
    """A protocol file that cannot be used, with every reason: `where: sentence`."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@lru_cache(maxsize=64)
def parse_protocol(text: str) -> Protocol:
    """Read a protocol from TOML; the same text is read once. Raises ProtocolProblem with every reason in words."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ProtocolProblem((f"not readable as TOML: {problem}",)) from problem
    return protocol_from(raw)


def protocol_from(raw: dict[str, Any]) -> Protocol:
    """Build a protocol from plain data, as stored with a case. Raises ProtocolProblem."""
    try:
        return Protocol.model_validate(raw)
    except ValidationError as problem:
        raise ProtocolProblem(tuple(_reason(e["loc"], e["type"], e["msg"], raw) for e in problem.errors())) from problem


def _reason(place: tuple[int | str, ...], kind: str, message: str, raw: object) -> str:
    """`contacts.weekly.due.within: sentence`: contacts by their key, which people know, not by their number."""
    steps = [str(step) for step in place]
    if len(place) > 1 and place[0] == "contacts" and isinstance(raw, dict) and isinstance(place[1], int):
        contact = raw["contacts"][place[1]]
        steps[1] = str(contact.get("key", place[1])) if isinstance(contact, dict) else steps[1]
    sentence = _SENTENCES.get(kind, message.removeprefix("Value error, "))
    return f"{'.'.join(steps) or 'file'}: {sentence}"


_SENTENCES = {
    "extra_forbidden": "this is not a known key",
    "missing": "this is missing",
    "string_pattern_mismatch": "small letters, digits and hyphens only, at most 40 of them",
}


@lru_cache(maxsize=1)
def default_protocols() -> dict[str, Protocol]:
    """The protocols that are shipped, by key."""
    found = [parse_protocol(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))]
    return {protocol.key: protocol for protocol in found}


def default_for(setting: Setting) -> Protocol:
    """The shipped protocol for people who leave this setting."""
    for protocol in default_protocols().values():
        if setting in protocol.settings:
            return protocol
    raise LookupError(f"no protocol for {setting}")
