"""Which contacts there should be at a moment, and in which windows: from the protocol and what was known then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time

from records.checking.clocks import DAY, NOON, Where, earlier, length
from records.checking.protocol import SEARCH, Protocol, Rule, Window, on_top

HIGH = frozenset({"suicide_risk", "overdose"})
APART = "handover"
"""The anchor of what follows no date of the person's: it outlives holds and new discharges."""
Which = tuple[str, int]


@dataclass
class Known:
    """What was known of a referral at a moment, as its journal tells it. `None` for a flag: it does not tell."""

    protocol: Protocol
    where: Where | None
    status: str = "draft"
    risks: frozenset[str] = frozenset()
    was_high: bool = False
    accepted_at: datetime | None = None
    expected_on: date | None = None
    expected_time: time | None = None
    knows_time: bool = True
    date_known_at: datetime | None = None
    discharged_at: datetime | None = None
    is_unscheduled: bool | None = False
    first_appointment_at: datetime | None = None
    knows_appointment: bool = True
    lost_at: datetime | None = None
    searched_before: int = 0
    finish_at: datetime | None = None
    cycle: int = 1
    holds: int = 0
    hold_begins: list[datetime] = field(default_factory=list)

    @property
    def is_high(self) -> bool:
        """Whether the shorter windows apply."""
        return not self.risks.isdisjoint(HIGH)

    @property
    def expected_at(self) -> datetime | None:
        """The expected instant: at noon there unless a time was given."""
        if self.expected_on is None or self.where is None:
            return None
        return self.where.moment(self.expected_on, self.expected_time or NOON)


@dataclass
class Wanted:
    """What there should be: of each contact the windows that are right. `surely` are those that must be there."""

    windows: dict[Which, set[Window]] = field(default_factory=dict)
    surely: set[Which] = field(default_factory=set)
    unjudged: set[str] = field(default_factory=set)
    """Keys about which the journal does not tell enough."""

    def want(self, which: Which, window: Window, *, surely: bool = True) -> None:
        """This contact in this window."""
        self.windows.setdefault(which, set()).add(window)
        if surely:
            self.surely.add(which)


def wanted_at(known: Known) -> Wanted:
    """What the protocol asks for. Where somebody was at high risk once, the shorter windows stay right."""
    found = Wanted()
    if known.where is None:
        found.unjudged = {rule.key for rule in known.protocol.rules}
    elif known.status == "on_hold":
        _of_hold(known, found)
    elif known.status in ("accepted", "in_progress"):
        _of_plan(known, found)
    return found


def _of_hold(known: Known, found: Wanted) -> None:
    assert known.where is not None
    for rule in (rule for lies in on_top() for rule in lies.rules if rule.after == "hold"):
        for begins in known.hold_begins:
            found.want((rule.key, known.holds), rule.window(begins, known.where, known.is_high))


def _of_plan(known: Known, found: Wanted) -> None:
    rules: list[tuple[Rule, bool]] = [(rule, True) for rule in known.protocol.rules]
    if known.is_unscheduled is not False:
        more = (rule for lies in on_top() for rule in lies.rules if rule.after not in ("hold", APART))
        rules += [(rule, known.is_unscheduled is True) for rule in more]
    for rule, surely in rules:
        only = rule.raw.get("only")
        if only and known.risks.isdisjoint(only):
            continue
        if known.lost_at is not None and rule.after in ("discharge", "first_appointment"):
            continue
        _of_rule(rule, known, found, surely=surely)
    if known.lost_at is not None and known.discharged_at is not None:
        _search(known, found)


def _of_rule(rule: Rule, known: Known, found: Wanted, *, surely: bool) -> None:
    by_expected = "before" in rule.raw["due"] or "not_after" in rule.raw["due"] or rule.after == "expected_discharge"
    if (by_expected and not known.knows_time and known.discharged_at is None) or (
        rule.after == "first_appointment" and not known.knows_appointment
    ):
        found.unjudged.add(rule.key)
        return
    for seq, window in _windows(rule, known):
        found.want((rule.key, seq), window, surely=surely)
    if known.was_high and not known.is_high and not rule.is_series:
        for seq, window in _windows(rule, replace(known, risks=known.risks | HIGH)):
            found.want((rule.key, seq), window, surely=False)


def _windows(rule: Rule, known: Known) -> Iterator[tuple[int, Window]]:
    where, due = known.where, rule.raw["due"]
    assert where is not None
    if "before" in due:
        yield from _before_leaving(due, known, where)
    elif rule.after == "acceptance":
        yield from _meeting_inside(rule, known, where)
    else:
        anchor = {
            "discharge": known.discharged_at,
            "expected_discharge": known.expected_at if known.discharged_at is None else None,
            "first_appointment": known.first_appointment_at,
        }.get(rule.after)
        if anchor is None or (
            rule.after == "first_appointment" and (known.discharged_at is None or anchor < known.discharged_at)
        ):
            return
        if rule.is_series:
            yield from enumerate(rule.series(anchor, where, known.is_high, _goes_on(rule, known)), 1)
        else:
            yield 1, rule.window(anchor, where, known.is_high)


def _goes_on(rule: Rule, known: Known) -> datetime | None:
    """Until when a series lasts that somebody extended: those that were to last as long as the protocol."""
    is_whole = length(rule.raw["until"])[0] >= length(known.protocol.says("finish"))[0]
    return known.finish_at if is_whole else None


def _known_since(known: Known) -> datetime | None:
    if known.accepted_at is None:
        return None
    return max(known.accepted_at, known.date_known_at or known.accepted_at)


def _meeting_inside(rule: Rule, known: Known, where: Where) -> Iterator[tuple[int, Window]]:
    since = _known_since(known)
    if known.accepted_at is None or since is None or known.discharged_at is not None:
        return
    opens, ends = rule.window(known.accepted_at, where, known.is_high)
    leaves = known.expected_at if "not_after" in rule.raw["due"] else None
    if leaves is not None and since < leaves < ends:
        yield 1, (opens if opens < leaves else known.accepted_at, leaves)
    else:
        yield 1, (opens, ends)


def _before_leaving(due: dict[str, str], known: Known, where: Where) -> Iterator[tuple[int, Window]]:
    leaves = known.expected_at if known.discharged_at is None else None
    since = _known_since(known)
    if leaves is None or since is None or known.accepted_at is None:
        return
    ends = earlier(leaves, due["by"], where)
    if ends > since:
        yield 1, (known.accepted_at, ends)
    elif leaves > since and not due.get("skip_late"):
        yield 1, (known.accepted_at, leaves)


def _search(known: Known, found: Wanted) -> None:
    """Looking for somebody: so often until so long after they left."""
    assert known.lost_at is not None
    assert known.discharged_at is not None
    at, number = known.lost_at, known.searched_before + 1
    for part in known.protocol.raw.get("lost", ()):
        step, until = length(part["every"])[0], known.discharged_at + length(part["until"])[0]
        while at + step <= until:
            found.want((SEARCH, number), (at, at + step))
            at, number = at + step, number + 1


def search_is_over(protocol: Protocol, lost_at: datetime, discharged_at: datetime) -> datetime | None:
    """When somebody must decide whether to go on looking."""
    parts = protocol.raw.get("lost", ())
    if not parts:
        return None
    return max(discharged_at + length(parts[-1]["until"])[0], lost_at + DAY)
