"""A protocol as the check reads it: straight from the published text, with the few defaults that may be left out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from records.checking.clocks import DAY, Where, by_day, earlier, evening_before, later, length

SHIPPED = Path(__file__).parents[2] / "domain" / "protocols"
ON_TOP = ("unscheduled", "on-hold", "handover")
SEARCH = "search"
"""The key of what is planned while somebody is looked for."""
LIVE = frozenset({"call", "visit", "video", "text"})
TWO_WAY = frozenset({"reached", "declined", "call_later"})
NO_TRY = frozenset({"automated_reply", "wrong_number"})

Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Rule:
    """One contact of a protocol, as its table in the file."""

    raw: dict[str, Any]

    def __hash__(self) -> int:
        return id(self.raw)

    @property
    def key(self) -> str:
        """Its name in the file."""
        return str(self.raw["key"])

    @property
    def after(self) -> str:
        """The anchor it counts from; empty for one that is due before the person leaves."""
        return str(self.raw["due"].get("after", ""))

    @property
    def is_series(self) -> bool:
        """Whether it repeats."""
        return "every" in self.raw

    @property
    def ladder(self) -> str:
        """Whom a miss calls."""
        return str(self.raw["ladder"])

    def is_met_by(self, mode: str, outcome: str) -> bool:
        """Whether such an attempt is what this contact asks for."""
        counts = self.raw.get("counts", "contact")
        if counts == "task" or mode not in self.raw.get("modes", LIVE):
            return False
        return mode in LIVE and (outcome in TWO_WAY if counts == "contact" else outcome not in NO_TRY)

    def window(self, anchor: datetime, where: Where, is_high: bool) -> Window:
        """From the anchor: when it opens and when it is due. High risk takes the earlier end."""
        due = self.raw["due"]
        dates = due.get("high_risk_dates") if is_high and "high_risk_dates" in due else due.get("dates")
        if dates:
            day = where.day_of(anchor)
            opens = where.moment(day + dates[0] * DAY) if dates[0] else anchor
            ends = where.moment(day + (dates[1] + 1) * DAY)
        else:
            names = ("within", "at_most", *(("high_risk",) if is_high else ()))
            ends = min(later(anchor, due[name], where) for name in names if name in due)
            opens = later(anchor, due["opens"], where) if "opens" in due else anchor
        if due.get("calling_hours"):
            ends = by_day(ends, where)
        return (earlier(anchor, due["lead"], where) if "lead" in due else opens), ends

    def series(self, anchor: datetime, where: Where, is_high: bool, goes_on_until: datetime | None) -> list[Window]:
        """Every window of a series, cut where it ends; `goes_on_until`: somebody extended the plan."""
        due, step = self.raw["due"], length(self.raw["every"])[0]
        dates = due.get("high_risk_dates") if is_high and "high_risk_dates" in due else due.get("dates")
        start = where.day_of(anchor)
        until = length(self.raw["until"])[0]
        end = where.moment(start + until + DAY) if dates else anchor + until
        if goes_on_until is not None:
            end = max(end, where.moment(where.day_of(goes_on_until) + DAY) if dates else goes_on_until)
        found: list[Window] = []
        first = self.window(anchor, where, is_high)
        number = 0
        while True:
            shift = step * number
            if dates and number:
                opens = where.moment(start + dates[0] * DAY + shift)
                ends = where.moment(start + (dates[1] + 1) * DAY + shift)
            else:
                opens, ends = first[0] + shift, first[1] + shift
            if opens >= end:
                return found
            found.append((opens, min(ends, end)))
            number += 1

    def prompts(self, opens: datetime, due: datetime, where: Where) -> Iterator[tuple[str, datetime]]:
        """The reminders before it is due, by name."""
        whole = due - opens
        for share in self.raw.get("remind", ()):
            at = opens + timedelta(seconds=round(whole.total_seconds() * share))
            if whole > timedelta(hours=20):
                at = max(evening_before(at, where), opens)
            yield f"{share:.0%}", at
        if "warn" in self.raw and due - length(self.raw["warn"])[0] > opens:
            yield "warning", due - length(self.raw["warn"])[0]


class Protocol:
    """What one published file says, and beneath it the shipped ones that lie on top of every other."""

    def __init__(self, text: str) -> None:
        self.raw = tomllib.loads(text)
        self.rules = [Rule(one) for one in self.raw["contacts"]]
        self.by_key = {rule.key: rule for rule in self.rules}

    def says(self, name: str, otherwise: str = "") -> str:
        """A length of time by its name in the file."""
        return str(self.raw.get(name, otherwise))

    def rule(self, key: str) -> Rule | None:
        """The rule of a contact, here or on top."""
        return self.by_key.get(key) or next((p.by_key[key] for p in on_top() if key in p.by_key), None)

    def ladder(self, name: str) -> list[dict[str, Any]] | None:
        """The rungs of a ladder, here or on top."""
        return next((p.raw["ladders"][name] for p in (self, *on_top()) if name in p.raw["ladders"]), None)


def of_risk(pair: dict[str, str], is_high: bool) -> str:
    """The length that applies: the one for people at high risk, if there is one."""
    return pair.get("high_risk", pair["standard"]) if is_high else pair["standard"]


@lru_cache(maxsize=1)
def on_top() -> tuple[Protocol, ...]:
    """The shipped protocols that lie on top of every other."""
    return tuple(Protocol((SHIPPED / f"{name}.toml").read_text(encoding="utf-8")) for name in ON_TOP)
