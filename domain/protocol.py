"""A protocol: the versioned rules of follow-up that a program manager can read, and how a file becomes one.

The files in `domain/protocols/` are the defaults; every number there carries its source. A published version never
changes (design §3). Parsing is strict: an unknown key, clock, role or ladder is refused with a sentence.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from domain.clock import Span, parse_span
from domain.vocabulary import Ask, Counts, Mode, RiskFlag, Setting

SpanField = Annotated[Span, BeforeValidator(lambda v: v if isinstance(v, Span) else parse_span(v))]
Anchor = Literal["referral", "acceptance", "discharge", "expected_discharge", "first_appointment", "hold"]
Told = Literal["bridger", "peer_supervisor", "on_call_clinician", "referrer", "program_manager"]

FOLDER = Path(__file__).parent / "protocols"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class ByRisk(_Strict):
    """A length of time, and the one for people at high risk, which is never longer."""

    standard: SpanField
    high_risk: SpanField | None = None

    def of(self, high: bool) -> Span:
        """The length that applies."""
        return self.high_risk if high and self.high_risk is not None else self.standard

    @model_validator(mode="after")
    def _never_longer(self) -> ByRisk:
        if self.high_risk is not None and _may_be_longer(self.high_risk, self.standard):
            raise ValueError("high risk never lengthens a time")
        return self


def _may_be_longer(span: Span, than: Span) -> bool:
    """Whether `span` could end later than `than`, on whatever day and at whatever hour both begin.

    Business days are at least this long: from the last minute of one day until the close of business of the next,
    less the hour that daylight saving takes.
    """
    if than.business_days:
        if span.business_days:
            return span.business_days > than.business_days
        return span.seconds > ((than.business_days - 1) * 24 + 16) * 3600
    return bool(span.business_days) or span.seconds > than.seconds


class Due(_Strict):
    """When a contact's window opens and ends, relative to an anchor.

    `within` is a length of time from `after`; `dates` are local dates counted from the anchor's date, which is day 0;
    `by` is a length of time before the anchor `before`. `opens` delays the opening, `lead` brings it before the anchor.
    `calling_hours` moves an end that falls into the night to the morning, for what can only be done by day;
    `skip_late` leaves out a contact whose time before the anchor has passed already.
    """

    after: Anchor | None = None
    before: Anchor | None = None
    within: SpanField | None = None
    high_risk: SpanField | None = None
    at_most: SpanField | None = None
    dates: tuple[int, int] | None = None
    high_risk_dates: tuple[int, int] | None = None
    by: SpanField | None = None
    opens: SpanField | None = None
    lead: SpanField | None = None
    not_after: Anchor | None = None
    calling_hours: bool = False
    skip_late: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Due:
        if (self.after is None) == (self.before is None):
            raise ValueError("a due time is either after or before an anchor")
        if self.before is not None and self.by is None:
            raise ValueError("a due time before an anchor needs `by`")
        if self.after is not None and (self.within is None) == (self.dates is None):
            raise ValueError("a due time after an anchor needs either `within` or `dates`")
        for usual, high in ((self.dates, self.high_risk_dates),):
            if usual and (usual[1] < usual[0] or usual[0] < 0):
                raise ValueError("dates run forward from day 0")
            if usual and high and high[1] > usual[1]:
                raise ValueError("high risk never lengthens a window")
        if self.within and self.high_risk and not (self.within.business_days and self.high_risk.seconds):
            # elapsed hours beside business days are compared day by day: the earlier end holds (see plan.window)
            if _may_be_longer(self.high_risk, self.within):
                raise ValueError("high risk never lengthens a window")
        return self


class Needs(_Strict):
    """What must have been tried before a contact counts as tried in full."""

    attempts: int = Field(1, ge=0, le=20)
    modes: int = Field(1, ge=0, le=5)
    in_person: int = Field(0, ge=0, le=5)
    days: int = Field(1, ge=0, le=10)


class Streak(_Strict):
    """So many misses in a row raise this ladder."""

    misses: int = Field(ge=2, le=30)
    ladder: str


class ContactRule(_Strict):
    """One line of the protocol: a contact, or a series of them."""

    key: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    title: str = Field(min_length=3, max_length=60)
    due: Due
    every: SpanField | None = None
    until: SpanField | None = None
    counts: Counts = Counts.CONTACT
    modes: tuple[Mode, ...] = (Mode.CALL, Mode.VISIT, Mode.VIDEO, Mode.TEXT)
    needs: Needs = Needs()
    remind: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    warn: SpanField | None = None
    warn_tell: tuple[Told, ...] = ("peer_supervisor",)
    ladder: str
    streaks: tuple[Streak, ...] = ()
    only: tuple[RiskFlag, ...] = ()

    @model_validator(mode="after")
    def _series(self) -> ContactRule:
        if (self.every is None) != (self.until is None):
            raise ValueError("a series needs both `every` and `until`")
        if self.every is not None and self.every.seconds <= 0:
            raise ValueError("a series repeats after some elapsed time")
        if self.every is not None and self.until is not None and self.until.seconds / self.every.seconds > 400:
            raise ValueError("a series has at most 400 contacts")
        return self

    @property
    def is_series(self) -> bool:
        """Whether it repeats."""
        return self.every is not None

    @property
    def needs_visit(self) -> bool:
        """Only meeting in person meets it."""
        return set(self.modes) <= {Mode.VISIT}


class Rung(_Strict):
    """One step of a ladder: who is told, what is asked, how long they have."""

    tell: tuple[Told, ...] = ()
    ask: Ask = Ask.ANSWER
    answer: ByRisk
    act: ByRisk = ByRisk(
        standard=Span(86400), high_risk=Span(4 * 3600)
    )  # project choice: a taken call is settled in a day
    outcome: SpanField = Span(2 * 3600)  # domain.md scenario 43: no outcome of a welfare check in 2 h: tell again
    again: SpanField = Span(86400)


class Assignment(_Strict):
    """Deadlines between the referral and a named bridger."""

    accept: SpanField
    offer_answer: ByRisk
    deadline: SpanField
    retry: SpanField = Span(4 * 3600)


class Cadence(_Strict):
    """How often to look for a person who was lost, until so long after discharge."""

    every: SpanField
    until: SpanField


class Protocol(_Strict):
    """Everything that follows from how a person leaves."""

    key: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    title: str = Field(min_length=3, max_length=80)
    version: int = Field(1, ge=1)
    summary: str = ""
    settings: tuple[Setting, ...] = ()
    assignment: Assignment
    date_check: SpanField
    date_review: SpanField
    finish: SpanField
    late_work: SpanField = Span(4 * 3600)  # domain.md §6, late notice: work it within 4 h of the notice
    consent_by: SpanField = Span(7 * 86400)  # domain.md P5: consent by day 7
    consent_warning: SpanField = Span(7 * 86400)
    cancel_answer: SpanField = Span(business_days=1)  # domain.md §4.6, project choice
    hold_review: tuple[SpanField, ...] = (Span(30 * 86400), Span(90 * 86400))  # domain.md P6
    lost: tuple[Cadence, ...] = ()
    lost_modes: int = 2
    contacts: tuple[ContactRule, ...]
    ladders: dict[str, tuple[Rung, ...]]

    @model_validator(mode="after")
    def _complete(self) -> Protocol:
        keys = [rule.key for rule in self.contacts]
        if len(set(keys)) != len(keys):
            raise ValueError("two contacts share a key")
        for name, rungs in self.ladders.items():
            if not rungs:
                raise ValueError(f"the ladder “{name}” has no rung")
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
        return _rules(self).get(key)

    def __hash__(self) -> int:
        return hash((self.key, self.version))


LADDERS_EVERY_PROTOCOL_HAS = ("supervisor", "safety")
"""`supervisor`: decisions and delays that are not about one contact; `safety`: a safety concern."""

_RULES: dict[tuple[str, int, int], dict[str, ContactRule]] = {}


def _rules(protocol: Protocol) -> dict[str, ContactRule]:
    found = _RULES.get((protocol.key, protocol.version, id(protocol)))
    if found is None:
        found = {rule.key: rule for rule in protocol.contacts}
        _RULES[(protocol.key, protocol.version, id(protocol))] = found
    return found


@dataclass(frozen=True, slots=True)
class ProtocolProblem(Exception):
    """A protocol file that cannot be used, with every reason."""

    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.reasons)


def parse_protocol(text: str) -> Protocol:
    """Read a protocol from TOML. Raises ProtocolProblem with every reason in words."""
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
        reasons = tuple(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in problem.errors())
        raise ProtocolProblem(reasons) from problem


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
