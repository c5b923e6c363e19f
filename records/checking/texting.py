"""Texts that went to people: none without their yes, after a STOP, at night or over the limits; no word too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from records.checking.clocks import DAY, EVENING, MORNING, Offices, Where
from records.checking.consent import open_text, standing, versions_of
from records.checking.dossier import Dossier

ANSWERS = frozenset({"person_stopped", "person_resumed", "person_help", "person_danger"})
"""What answers the person's own text, at any hour and beside the limits."""
WENT = frozenset({"sent", "unconfirmed"})
MOST_A_DAY, MOST_A_WEEK, LONGEST = 1, 3, 160
NEVER_SAID = (
    "psychiatr", "mental health", "suicid", "overdose", "addict", "substance", "detox", "bipolar", "schizo",
    "jail", "prison", "inmate", "custody", "hospital", "discharge", "release",
)  # fmt: skip
"""No text names an illness, a place or what the program does."""
Problem = tuple[int, str]


def texts_to_the_person(d: Dossier) -> Iterator[Problem]:
    """Each text that went, at its moment."""
    texts = [row for row in d.tables["person_text"] if row.state in WENT]
    if not texts:
        return
    versions = versions_of(d)
    has_moved = any(entry.event == "person.corrected" and entry.data.get("zone") for entry in d.tables["journal"])
    for row in texts:
        at = row.sent_at or row.claimed_at
        said = open_text(row.said, "person_text.said")
        if len(said) > LONGEST:
            yield 7, f"a text ({row.kind}) is longer than one message"
        if any(word in said.casefold() for word in NEVER_SAID):
            yield 7, f"a text ({row.kind}) says what no text may say"
        number = {"number_mark": row.number_mark}
        goes_on = _said(d.tables["number_answer"], at, lambda one: not one.is_stop, otherwise=True, **number)
        if not goes_on and row.kind != "person_stopped":
            yield 7, f"a text ({row.kind}) went after STOP"
        if row.kind in ANSWERS:
            continue
        if not has_moved and not MORNING <= d.where.wall(at).time() < EVENING:
            yield 7, f"a text ({row.kind}) went at night"
        number["person_id"] = row.person_id
        if not _said(d.tables["text_permission"], at, lambda one: bool(one.is_given), otherwise=False, **number):
            yield 6, f"a text ({row.kind}) went to a number for which they had not said yes"
        if "given" not in (standing(versions, at - timedelta(microseconds=1)), standing(versions, at)):
            yield 6, f"a text ({row.kind}) went while their consent did not stand"


def _said(rows: Iterable[Any], at: datetime, is_yes: Callable[[Any], bool], *, otherwise: bool, **same: Any) -> bool:
    """Whether the last that was said before that moment was a yes, or any of that moment: of one moment nobody knows
    what came first in it."""
    mine = [row for row in rows if all(getattr(row, name) == value for name, value in same.items())]
    earlier = max((row for row in mine if row.at < at), key=lambda row: row.version, default=None)
    return any(is_yes(row) for row in mine if row.at == at) or (is_yes(earlier) if earlier is not None else otherwise)


def over_the_limits(texts: Iterable[tuple[str, datetime]]) -> Iterator[Problem]:
    """One number's texts, each with the time zone of its person: one a day, three in seven days."""
    days: Counter[date] = Counter(Where(zone, NOWHERE).day_of(at) for zone, at in texts)
    for day, count in days.items():
        if count > MOST_A_DAY:
            yield 7, f"{count} texts went to one number on one day"
        week = sum(days[day - back * DAY] for back in range(7))
        if week > MOST_A_WEEK:
            yield 7, f"{week} texts went to one number within a week"


NOWHERE = Offices("", "")
