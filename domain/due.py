"""When a contact is due, as a protocol file says it: an anchor, a clock, and shorter times for people at high risk.

Strict: what cannot be meant is refused with a sentence, so that no number of a file is ever passed over in silence.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator

from domain.clock import Span, parse_span

Anchor = Literal["referral", "acceptance", "discharge", "expected_discharge", "first_appointment", "hold", "handover"]


def _span(value: Any) -> Span:
    return value if isinstance(value, Span) else parse_span(value)


def _more_than_none(span: Span) -> Span:
    if span == Span():
        raise ValueError("this length of time must be more than none")
    return span


def _elapsed(span: Span) -> Span:
    if span.business_days:
        raise ValueError(f"“{span.iso}” counts business days; this must be elapsed time such as P7D")
    return span


SpanField = Annotated[Span, BeforeValidator(_span), PlainSerializer(lambda span: span.iso, return_type=str)]
"""A length of time by whichever clock, none included."""

SomeTime = Annotated[SpanField, AfterValidator(_more_than_none)]
"""More than none: what is asked or told again after it would otherwise never pause."""

Elapsed = Annotated[SomeTime, AfterValidator(_elapsed)]
"""More than none, and by no calendar."""


class Strict(BaseModel):
    """Knows its keys, and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class ByRisk(Strict):
    """A length of time, and the one for people at high risk, which is never longer."""

    standard: SpanField
    high_risk: SpanField | None = None

    def of(self, high: bool) -> Span:
        """The length that applies."""
        return self.high_risk if high and self.high_risk is not None else self.standard

    @model_validator(mode="after")
    def _never_longer(self) -> ByRisk:
        if self.high_risk is not None and _may_outlast(self.high_risk, self.standard):
            raise ValueError("high risk never lengthens a time")
        return self


class Due(Strict):
    """When a contact's window opens and ends, relative to an anchor.

    `within` is a length of time from `after`; `dates` are local dates counted from the anchor's date, which is day 0;
    `by` is a length of time before the anchor `before`. `opens` delays the opening, `lead` brings it before the anchor.
    `calling_hours` moves an end that falls into the night to the morning, for what can only be done by day;
    `skip_late` leaves out a contact whose time before the anchor has passed already.
    """

    after: Anchor | None = None
    before: Literal["expected_discharge"] | None = None
    within: SomeTime | None = None
    high_risk: SomeTime | None = None
    at_most: SomeTime | None = None
    dates: tuple[int, int] | None = None
    high_risk_dates: tuple[int, int] | None = None
    by: SpanField | None = None
    opens: Elapsed | None = None
    lead: SomeTime | None = None
    not_after: Literal["expected_discharge"] | None = None
    calling_hours: bool = False
    skip_late: bool = False

    @property
    def knows_high_risk(self) -> bool:
        """Whether people at high risk have a time of their own."""
        return self.high_risk is not None or self.high_risk_dates is not None

    @model_validator(mode="after")
    def _one_way(self) -> Due:
        if (self.after is None) == (self.before is None):
            raise ValueError("a due time is either after or before an anchor")
        if self.before is not None and self.by is None:
            raise ValueError("a due time before an anchor needs `by`")
        if self.after is not None and (self.within is None) == (self.dates is None):
            raise ValueError("a due time after an anchor needs either `within` or `dates`")
        self._nothing_idle()
        self._forward()
        self._never_longer()
        return self

    def _nothing_idle(self) -> None:
        """A key that would change nothing was meant to change something."""
        shape = "before" if self.before is not None else "within" if self.within is not None else "dates"
        for key in sorted(self.model_fields_set - _MEANT[shape]):
            raise ValueError(f"`{key}` says nothing beside `{shape}`")
        if self.not_after is not None and self.after != "acceptance":
            raise ValueError("`not_after` is for what follows acceptance")

    def _forward(self) -> None:
        for dates in (self.dates, self.high_risk_dates):
            if dates is not None and not 0 <= dates[0] <= dates[1]:
                raise ValueError("dates run forward from day 0")
        if self.opens is not None:
            ends = [span for span in (self.within, self.high_risk, self.at_most) if span is not None]
            if any(self.opens.seconds >= end.at_least for end in ends):
                raise ValueError("a window opens before it ends, on whatever day it begins")

    def _never_longer(self) -> None:
        if self.dates is not None and self.high_risk_dates is not None and self.high_risk_dates[1] > self.dates[1]:
            raise ValueError("high risk never lengthens a window")
        if self.within is not None and self.high_risk is not None:
            # hours beside business days are compared day by day: the earlier end holds (domain/plan.py: window)
            by_the_day = self.within.business_days and self.high_risk.seconds
            if not by_the_day and _may_outlast(self.high_risk, self.within):
                raise ValueError("high risk never lengthens a window")


_MEANT = {
    "before": {"before", "by", "skip_late"},
    "within": {"after", "within", "high_risk", "at_most", "opens", "lead", "not_after", "calling_hours"},
    "dates": {"after", "dates", "high_risk_dates", "lead", "not_after"},
}
"""The keys that mean something for each way of saying when."""


def _may_outlast(span: Span, other: Span) -> bool:
    """Whether `span` could end later than `other`, on whatever day and at whatever hour both begin."""
    if span.business_days:
        return span.business_days > other.business_days
    return span.seconds > other.at_least
