"""The figures as a table that any spreadsheet opens: one row a figure, no person in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from domain.measures.figure import Figure, Part
from domain.measures.period import Period
from domain.spreadsheet import safe_cell

COLUMNS = (
    "measure",
    "title",
    "from",
    "to",
    "percent",
    "numerator",
    "denominator",
    "late",
    "not_done",
    "not_yet_due",
    "left_out",
    "left_out_reasons",
    "median_hours",
    "p90_hours",
    "median_business_hours",
    "median_business_days",
    "target_percent",
    "counted",
    "of",
    "source",
)


def figures_csv(figures: Mapping[str, Figure], period: Period) -> str:
    """The figures as CSV with a header, lines ending as RFC 4180 says. Decimals have a point, at most one place."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for figure in figures.values():
        writer.writerow([safe_cell(value) for value in _row(figure, period)])
    return text.getvalue()


def _row(figure: Figure, period: Period) -> tuple[object, ...]:
    measure, counts = figure.measure, figure.counts
    reasons = "; ".join(f"{reason}: {len(cases)}" for reason, cases in figure.excluded.items())
    return (
        measure.key,
        measure.title,
        period.from_on,
        period.to_on,
        figure.percent if measure.unit == "%" else None,
        figure.numerator,
        figure.denominator,
        counts[Part.LATE],
        counts[Part.NOT],
        counts[Part.WAITING],
        counts[Part.EXCLUDED],
        reasons,
        figure.median,
        figure.p90,
        figure.business_hours.median,
        figure.business_days.median,
        measure.target,
        measure.numerator,
        measure.denominator,
        measure.source,
    )
