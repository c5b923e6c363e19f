"""The measures: every figure of a period with what it means, and the cases behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api.access import requires
from api.auth import SignedIn
from api.deps import Me, SessionDep, page
from api.pages import measure_words as words
from domain.errors import Invalid, NotFound
from domain.measures.catalog import BY_KEY
from domain.measures.figure import Part
from domain.measures.period import CHOICES, USUAL, Period, named_period, period_between
from domain.measures.table import figures_csv
from records import clock
from records.queries import measures as queries

router = APIRouter()

PAGE = 50
From = Annotated[str, Query(alias="from", max_length=20)]
To = Annotated[str, Query(max_length=20)]
Choice = Annotated[str, Query(max_length=20)]
Shown = Annotated[str, Query(max_length=50)]


@dataclass(frozen=True)
class Asked:
    """What a page was asked for: the period, how it was chosen, and what was wrong with the choice."""

    period: Period
    choice: str
    by: str
    errors: dict[str, str]

    @property
    def query(self) -> dict[str, str]:
        """The same as an address says it."""
        said = {"period": self.choice, "by": self.by}
        if self.choice == "custom":
            said |= {"from": self.period.from_on.isoformat(), "to": self.period.to_on.isoformat()}
        return {name: value for name, value in said.items() if value}


@router.get("/measures")
@requires("see_measures")
def measures(
    request: Request,
    session: SessionDep,
    me: Me,
    period: Choice = "",
    from_: From = "",
    to: To = "",
    by: Choice = "",
    shown: Shown = "",
) -> Response:
    """The figures of a period. `shown` is what the form's dates were before somebody typed others, which then count,
    whatever the list of periods says."""
    if shown and (from_ or to) and shown != _dates(from_, to):
        period = "custom"
    asked, measured = _measured(session, me, _asked(me, period, from_, to, by))
    is_wrong = not asked.errors.keys().isdisjoint(("from", "to"))
    values = {"from": asked.period.from_on.isoformat(), "to": asked.period.to_on.isoformat()}
    if is_wrong:
        values = {"from": from_, "to": to}
    titles = queries.contact_titles(session, me.program.id)
    late = queries.list_unassigned_late(session, me.program.id)
    return page(
        "measures.html",
        request,
        status=422 if asked.errors else 200,
        errors=asked.errors,
        values=values,
        shown=_dates(values["from"], values["to"]),
        program=me.program.name,
        period=asked.period,
        choice="custom" if is_wrong else asked.choice,
        choices=CHOICES,
        by=asked.by,
        groupings=words.GROUPINGS,
        glance=words.glance(measured, asked.query),
        sections=words.sections(measured, asked.query, titles),
        comparison=words.comparison(measured, asked.by, asked.query),
        table_columns=words.TABLE,
        is_empty=not any(figure.cases for figure in measured.figures.values()),
        caseloads=words.caseloads(queries.list_caseloads(session, me.program.id)),
        unassigned=late,
        csv_href=f"/measures/figures.csv?{urlencode(asked.query)}",
        zone=me.program.zone,
    )


@router.get("/measures/figures.csv")
@requires("see_measures")
def figures_file(session: SessionDep, me: Me, period: Choice = "", from_: From = "", to: To = "") -> Response:
    """The same figures for a spreadsheet."""
    asked, measured = _measured(session, me, _asked(me, period, from_, to, ""))
    if asked.errors:
        raise Invalid("period", next(iter(asked.errors.values())))
    name = f"measures-{asked.period.from_on}-to-{asked.period.to_on}.csv"
    return Response(
        "\ufeff" + figures_csv(measured.figures, asked.period),  # the mark tells Excel that this is UTF-8
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/measures/{key}/cases")
@requires("see_measures")
def cases(
    request: Request,
    session: SessionDep,
    me: Me,
    key: str,
    period: Choice = "",
    from_: From = "",
    to: To = "",
    by: Choice = "",
    part: Choice = "",
    kind: Annotated[str, Query(max_length=80)] = "",
    took: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str, Query(max_length=8)] = "",
) -> Response:
    """The cases behind one figure, by their numbers."""
    measure = BY_KEY.get(key)
    if measure is None or part not in {"", *Part}:
        raise NotFound("That measure")
    asked, measured = _measured(session, me, _asked(me, period, from_, to, by))
    found = [case for case in measured.figures[key].cases if not kind or case.kind == kind]
    if took:
        found = [case for case in found if case.part.is_counted and words.stretch(case) == took]
    shown = [case for case in found if not part or case.part == part]
    seen = queries.seen_by(session, me.actor, {case.referral_id for case in shown})
    mine = sorted((case for case in shown if case.referral_id in seen), key=lambda case: (case.at, case.referral_id))
    offset = int(after) if after.isascii() and after.isdecimal() else 0
    here: dict[str, str] = asked.query | {k: v for k, v in (("part", part), ("kind", kind), ("took", took)) if v}
    titles: dict[str, Any] = queries.contact_titles(session, me.program.id)
    return page(
        "measures_cases.html",
        request,
        status=422 if asked.errors else 200,
        errors={"": next(iter(asked.errors.values()))} if asked.errors else {},  # the fields are on the other page
        measure=measure,
        period=asked.period,
        kind=titles.get(kind, kind) or took,
        tabs=words.tabs(measure, found, key, {k: v for k, v in here.items() if k != "part"}, part),
        columns=words.case_columns(measure),
        rows=[words.case_row(case, measured, measure, titles) for case in mine[offset : offset + PAGE]],
        first=offset + 1,
        last=min(offset + PAGE, len(mine)),
        count=len(mine),
        elsewhere=len(shown) - len(mine),
        newer=_page_href(key, here, max(offset - PAGE, 0)) if offset else None,
        older=_page_href(key, here, offset + PAGE) if offset + PAGE < len(mine) else None,
        back=f"/measures?{urlencode(asked.query)}",
    )


def _page_href(key: str, query: dict[str, str], after: int) -> str:
    return f"/measures/{key}/cases?{urlencode(query | ({'after': str(after)} if after else {}))}"


def _measured(session: Session, me: SignedIn, asked: Asked) -> tuple[Asked, queries.Measured]:
    """The figures of what was asked for; of the usual period when that concerns too many at once."""
    now = clock.now()
    try:
        return asked, queries.measure(session, me.program.id, asked.period, now)
    except Invalid as problem:
        usual = named_period(USUAL, now, me.program.zone)
        instead = Asked(usual, USUAL, asked.by, {problem.field or "": problem.sentence})
        return instead, queries.measure(session, me.program.id, usual, now)


def _asked(me: SignedIn, choice: str, from_: str, to: str, by: str) -> Asked:
    """What was asked for; when it cannot be, the usual period and what is wrong."""
    zone, now = me.program.zone, clock.now()
    by = by if by in words.GROUPINGS else ""
    choice = choice or ("custom" if from_ or to else USUAL)
    try:
        if choice == "custom":
            return Asked(period_between(_day(from_, "from"), _day(to, "to"), zone), choice, by, {})
        return Asked(named_period(choice, now, zone), choice, by, {})
    except Invalid as problem:
        return Asked(named_period(USUAL, now, zone), USUAL, by, {problem.field or "": problem.sentence})


def _dates(from_: str, to: str) -> str:
    return f"{from_}/{to}"


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("date", "Enter the first and the last day as dates.", field=field) from None
