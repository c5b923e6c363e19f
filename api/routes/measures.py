"""The measures of a period: what each counts, and what it comes to. Figures only; nobody is named."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.access import requires
from api.deps import Me, SessionDep
from api.models.common import Day, Out
from api.routes.common import API_PREFIX, PROBLEMS
from domain.errors import Invalid
from domain.measures.figure import Figure, Part
from domain.measures.period import CHOICES, USUAL, named_period, period_between
from domain.vocabulary import SystemScope
from records import clock
from records.queries import measures

router = APIRouter(prefix=API_PREFIX, tags=["measures"], responses=PROBLEMS)


class ExcludedOut(Out):
    """Who was left out for one reason."""

    reason: str
    count: int


class FigureOut(Out):
    """One measure and what it comes to."""

    key: str
    title: str
    definition: str
    counted: str = Field(description="what the numerator counts")
    of: str = Field(description="what the denominator counts")
    left_out: str = Field(description="who is not in the denominator")
    source: str
    unit: str = Field(description="`%` for shares, `hours` for times")
    target_percent: float | None
    percent: float | None = Field(description="null when there was nothing to count")
    numerator: int
    denominator: int
    late: int = Field(description="in the denominator, never in the numerator")
    not_done: int
    not_yet_due: int
    excluded: list[ExcludedOut]
    median_hours: float | None
    p90_hours: float | None
    median_business_hours: float | None
    median_business_days: float | None


class MeasuresOut(Out):
    """Every measure of a period, as it stands at `at`."""

    from_on: date
    to_on: date
    zone: str = Field(description="the time zone of the dates: the program's")
    at: datetime
    measures: list[FigureOut]


@router.get("/measures")
@requires("see_measures", systems=SystemScope.MEASURES_READ)
def read(
    session: SessionDep,
    me: Me,
    from_: Annotated[Day | None, Query(alias="from", description="the first day")] = None,
    to: Annotated[Day | None, Query(description="the last day")] = None,
    period: Annotated[str, Query(max_length=20, description=f"instead of days: {', '.join(CHOICES)}")] = "",
) -> MeasuresOut:
    """The measures of a period: `from` and `to`, or a named one; by default the last 30 days."""
    now, zone = clock.now(), me.program.zone
    if (from_ is None) != (to is None):
        raise Invalid("required", "Give both the first and the last day.", field="to" if to is None else "from")
    if from_ is not None and to is not None:
        asked = period_between(from_, to, zone)
    else:
        asked = named_period(period or USUAL, now, zone)
    measured = measures.measure(session, me.program.id, asked, now)
    return MeasuresOut(
        from_on=asked.from_on,
        to_on=asked.to_on,
        zone=zone,
        at=now,
        measures=[_figure(figure) for figure in measured.figures.values()],
    )


def _figure(figure: Figure) -> FigureOut:
    measure, counts = figure.measure, figure.counts
    return FigureOut(
        key=measure.key,
        title=measure.title,
        definition=measure.definition,
        counted=measure.numerator,
        of=measure.denominator,
        left_out=measure.exclusions,
        source=measure.source,
        unit=measure.unit,
        target_percent=measure.target,
        percent=figure.percent if measure.unit == "%" else None,
        numerator=figure.numerator,
        denominator=figure.denominator,
        late=counts[Part.LATE],
        not_done=counts[Part.NOT],
        not_yet_due=counts[Part.WAITING],
        excluded=[ExcludedOut(reason=reason, count=len(cases)) for reason, cases in figure.excluded.items()],
        median_hours=figure.median,
        p90_hours=figure.p90,
        median_business_hours=figure.business_hours.median,
        median_business_days=figure.business_days.median,
    )
