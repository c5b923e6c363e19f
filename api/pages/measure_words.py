"""How the measures read on their pages: figures as text, links to their cases, bars and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from api.filters import local
from domain.languages import language_name
from domain.measures.figure import Counted, Figure, Measure, Part, Shape
from domain.measures.journey import About
from domain.measures.strata import SMALLEST_CELL, strata
from records.queries.measures import Caseload, Measured

Query = Mapping[str, str]

GROUPINGS = {"": "Nothing", "facility": "Facility", "setting": "Setting", "language": "Language"}
"""By what figures can be compared."""

GLANCE = ("first-contact-72h", "referral-to-bridger", "contacts-kept", "escalations-answered")
SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("answer", "From referral to a bridger", ("referral-to-acceptance", "referral-to-bridger", "bridger-in-time")),
    ("leaving", "Before and on the day of leaving", ("in-reach", "handoff")),
    ("reached", "Reached after leaving", ("first-contact-24h", "first-contact-48h", "first-contact-72h")),
    ("windows", "In the weeks after", ("peer-contact-7d", "peer-contact-30d", "face-to-face-7d")),
    ("contacts", "Planned contacts", ("contacts-kept",)),
    (
        "escalations",
        "Escalations",
        ("escalations-answered", "escalations-unanswered", "escalations-resolved", "missed-to-answer"),
    ),
    ("staying", "Staying with the program", ("with-us-30d", "with-us-60d", "with-us-90d")),
    ("readmissions", "Readmissions on record", ("readmitted-30d", "readmitted-90d")),
    ("endings", "Endings", ("closed-loop",)),
)
COMPARED = (
    "first-contact-72h", "peer-contact-7d", "peer-contact-30d", "face-to-face-7d", "in-reach", "handoff", "with-us-30d",
)  # fmt: skip
SHORT = {
    "first-contact-24h": "24 hours",
    "first-contact-48h": "48 hours",
    "first-contact-72h": "72 hours",
    "peer-contact-7d": "Contact, 7 days",
    "peer-contact-30d": "Contact, 30 days",
    "face-to-face-7d": "Face to face, 7 days",
    "with-us-30d": "30 days",
    "with-us-60d": "60 days",
    "with-us-90d": "90 days",
    "readmitted-30d": "30 days",
    "readmitted-90d": "90 days",
    "in-reach": "Met before",
    "handoff": "On the day",
}
_BUCKETS = ((6, "Within 6 h"), (24, "6 to 24 h"), (48, "24 to 48 h"), (72, "48 to 72 h"))


def hours(value: float | None) -> str:
    """A length of time in hours as people say it: `40 min`, `3 h 20 min`, `2.5 days`."""
    if value is None:
        return "no cases"
    minutes = round(value * 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        whole, rest = divmod(minutes, 60)
        return f"{whole} h {rest} min" if rest else f"{whole} h"
    return f"{value / 24:.1f} days".replace(".0 ", " ")


def percent(value: float | None) -> str:
    """A share in whole percent. Never rounded up to 100 or down to 0."""
    if value is None:
        return "no cases"
    return f"{_whole(value)} %"


def _whole(value: float) -> int:
    if 0 < value < 1:
        return 1
    return 99 if 99 < value < 100 else round(value)


def figure_text(figure: Figure) -> str:
    """The figure itself."""
    return hours(figure.median) if figure.measure.shape is Shape.TIME else percent(figure.percent)


def cases_href(key: str, query: Query, part: Part | None = None, kind: str = "") -> str:
    """The list of cases behind a figure."""
    more = {"part": part.value if part else "", "kind": kind}
    return f"/measures/{key}/cases?{urlencode({**query, **{k: v for k, v in more.items() if v}})}"


def glance(measured: Measured, query: Query) -> list[dict[str, Any]]:
    """The few figures on top."""
    return [stat(measured.figures[key], query) for key in GLANCE]


def stat(figure: Figure, query: Query) -> dict[str, Any]:
    """One figure for the `stat` macro."""
    measure = figure.measure
    return {
        "label": measure.title,
        "figure": figure_text(figure),
        "definition": measure.definition,
        "href": cases_href(measure.key, query) if figure.cases else None,
        "of": _of(figure),
        "tone": _tone(figure),
        "change": _beside(figure),
    }


def _of(figure: Figure) -> str | None:
    if not figure.denominator:
        return None
    if figure.measure.shape is Shape.TIME:
        return f"median of {figure.times.count}; nine of ten within {hours(figure.p90)}"
    return f"{figure.numerator} of {figure.denominator}"


def _beside(figure: Figure) -> str | None:
    """What stands beside the figure: the target, office hours, who is not yet due."""
    said = []
    if figure.measure.target is not None:
        said.append(f"Target {figure.measure.target:.0f} % ({figure.measure.target_source})")
    if figure.measure.shape is Shape.TIME and figure.business_hours.count:
        days = figure.business_days.median or 0
        said.append(f"{_counted(round(figure.business_hours.median or 0), 'hour')}, {_counted(days, 'day')}")
    if waiting := figure.counts[Part.WAITING]:
        said.append(f"{waiting} {figure.measure.label(Part.WAITING).lower()}")
    return "; ".join(said) or None


def _counted(number: float, unit: str) -> str:
    return f"{number:g} business {unit}{'' if number == 1 else 's'}"


def _tone(figure: Figure) -> str | None:
    if figure.measure.target is None or figure.percent is None:
        return None
    return "go" if figure.percent >= figure.measure.target else "wait"


def sections(measured: Measured, query: Query, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every figure in its section: stats or bars, the table beside them, and how each is counted."""
    shown = []
    for anchor, title, keys in SECTIONS:
        figures = [measured.figures[key] for key in keys]
        shares = [figure for figure in figures if figure.measure.shape is Shape.SHARE]
        has_bars = len(shares) == len(figures) and len(figures) > 1
        targets = [f.measure.target for f in shares if f.measure.target is not None]
        shown.append(
            {
                "id": anchor,
                "title": title,
                "stats": [] if has_bars else [stat(figure, query) for figure in figures],
                "bars": [_bar(figure, query) for figure in shares] if has_bars else [],
                "target": targets[0] if has_bars and targets else None,
                "rows": [_table_row(figure, query) for figure in figures],
                "measures": [figure.measure for figure in figures],
                "times": _times(measured.figures["first-contact-72h"], query) if anchor == "reached" else [],
                "kinds": _kinds(anchor, measured, query, titles),
            }
        )
    return shown


def _bar(figure: Figure, query: Query) -> dict[str, Any]:
    value = figure.percent
    return {
        "label": SHORT.get(figure.measure.key, figure.measure.title),
        "value": None if value is None else _whole(value),
        "of": _of(figure),
        "href": cases_href(figure.measure.key, query) if figure.cases else None,
        "tone": "neutral" if not figure.measure.is_better_high else _tone(figure) or "go",
    }


TABLE = [
    {"key": "title", "label": "Measure"},
    {"key": "figure", "label": "Figure", "is_number": True},
    {"key": "met", "label": "Counted", "is_number": True},
    {"key": "late", "label": "Late", "is_number": True},
    {"key": "not", "label": "Not", "is_number": True},
    {"key": "waiting", "label": "Not yet due", "is_number": True},
    {"key": "excluded", "label": "Left out", "is_number": True},
]


def _table_row(figure: Figure, query: Query, title: str = "", kind: str = "") -> dict[str, Any]:
    row: dict[str, Any] = {
        "title": title or figure.measure.title,
        "figure": figure_text(figure),
    }
    for part, count in figure.counts.items():
        href = cases_href(figure.measure.key, query, part, kind)
        row[part.value] = {"text": str(count), "href": href} if count else "0"
    return row


def _times(figure: Figure, query: Query) -> list[dict[str, Any]]:
    """How long it was from leaving to the first talk, as a bar a stretch of hours, with the cases behind it."""
    counts = Counter(stretch(case) for case in figure.cases if case.part.is_counted)
    if not counts:
        return []
    tones = {"Later": "wait", "Not reached": "stop"}
    labels = [*(label for _, label in _BUCKETS), "Later", "Not reached"]
    return [
        {
            "label": label,
            "value": counts[label],
            "tone": tones.get(label, "go"),
            "href": cases_href(figure.measure.key, {**query, "took": label}) if counts[label] else None,
        }
        for label in labels
    ]


def stretch(case: Counted) -> str:
    """How long it was from leaving to the first talk, as one of the bars says it."""
    if case.hours is None:
        return "Not reached"
    return next((label for most, label in _BUCKETS if case.hours <= most), "Later")


def _kinds(anchor: str, measured: Measured, query: Query, titles: Mapping[str, str]) -> dict[str, Any] | None:
    """The table of a section by kind of case."""
    found = {
        "contacts": ("contacts-kept", "By kind of contact", "Contact"),
        "escalations": ("escalations-answered", "By what they were about", "About"),
        "endings": ("closed-loop", "By reason of the end", "Reason"),
    }.get(anchor)
    if found is None:
        return None
    key, caption, first = found
    by_kind = measured.figures[key].by_kind()
    order = {title: place for place, title in enumerate(titles)}
    names = sorted(by_kind, key=lambda kind: (order.get(kind, len(order)), kind))
    return {
        "caption": caption,
        "columns": [{"key": "title", "label": first}, *_part_columns(measured.figures[key].measure)],
        "rows": [_table_row(by_kind[kind], query, titles.get(kind, kind), kind) for kind in names],
    }


def _part_columns(measure: Measure) -> list[dict[str, Any]]:
    parts = [part for part in Part if part is not Part.LATE or part in measure.part_labels]
    return [
        {"key": "figure", "label": "Share", "is_number": True},
        *({"key": part.value, "label": measure.label(part), "is_number": True} for part in parts),
    ]


def group_of(about: About, by: str) -> str:
    """To which group of a comparison a referral belongs."""
    if by == "setting":
        return about.setting.label
    return language_name(about.language) if by == "language" else about.facility


def comparison(measured: Measured, by: str, query: Query) -> list[dict[str, Any]]:
    """The figures over people who left, group by group; groups in which somebody could be found are named only."""
    if not by:
        return []
    groups = {referral_id: group_of(journey.about, by) for referral_id, journey in measured.journeys.items()}
    shown = []
    for key in COMPARED:
        figure = measured.figures[key]
        parts = strata(figure, groups)
        bars = [
            {
                "label": part.name,
                "value": None if part.figure.percent is None else _whole(part.figure.percent),
                "of": _of(part.figure),
                "tone": _tone(part.figure) or "go",
            }
            for part in parts
            if part.figure is not None and part.figure.denominator
        ]
        hidden = [part.name for part in parts if part.figure is None]
        if bars or hidden:
            shown.append({"title": figure.measure.title, "target": figure.measure.target, "bars": bars,
                          "hidden": hidden, "least": SMALLEST_CELL, "href": cases_href(key, query)})  # fmt: skip
    return shown


def caseloads(loads: Iterable[Caseload]) -> list[dict[str, Any]]:
    """A row a bridger."""
    return [
        {
            "name": load.name,
            "people": {"text": str(load.people), "href": f"/bridgers/{load.bridger_id}"},
            "limit": str(load.limit),
            "overdue": str(load.overdue),
            "tone": "late" if load.people > load.limit else None,
        }
        for load in loads
    ]


def tabs(measure: Measure, found: list[Counted], key: str, query: Query, chosen: str) -> list[dict[str, Any]]:
    """All cases, and each part that has any."""
    counts = Counter(case.part for case in found)
    everything = {"label": "All", "count": len(found), "href": cases_href(key, query), "is_current": not chosen}
    return [
        everything,
        *(
            {
                "label": measure.label(part),
                "count": counts[part],
                "href": cases_href(key, query, part),
                "is_current": chosen == part,
            }
            for part in Part
            if counts[part] or chosen == part
        ),
    ]


def case_columns(measure: Measure) -> list[dict[str, Any]]:
    """The columns of a list of cases."""
    return [
        {"key": "number", "label": "Referral"},
        {"key": "at", "label": "Counted from"},
        {"key": "result", "label": "Result"},
        {"key": "hours", "label": "Time", "is_number": True},
        {"key": "facility", "label": "Facility"},
    ]


_TONES = {Part.MET: "go", Part.LATE: "wait", Part.NOT: "stop", Part.WAITING: "neutral", Part.EXCLUDED: "neutral"}


def case_row(case: Counted, measured: Measured, measure: Measure, titles: Mapping[str, str]) -> dict[str, Any]:
    """One case: its number, never a name."""
    about = measured.journeys[case.referral_id].about
    tone = _TONES[case.part]
    if not measure.is_better_high and measure.shape is Shape.SHARE and case.part in (Part.MET, Part.NOT):
        tone = "neutral"
    return {
        "number": {
            "text": about.number,
            "href": f"/referrals/{case.referral_id}",
            "sub": titles.get(case.kind, case.kind),
        },
        "at": local(case.at, measured.period.zone),
        "result": {"text": measure.label(case.part), "tag": tone, "sub": case.reason},
        "hours": hours(case.hours) if case.hours is not None else None,
        "facility": about.facility,
    }
