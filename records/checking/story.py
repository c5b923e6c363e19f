"""A referral's journal told from the beginning: what each entry means, what may not follow what, how it must stand now.

The story knows no row. It is told entry by entry; entries of one moment belong together, and when a moment is over what
it owed is asked for: a call for each miss, everything that was due by then, every contact that the dates ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from records.checking.agenda import OVER
from records.checking.clocks import Where
from records.checking.plan import APART, Known, wanted_at
from records.checking.protocol import SEARCH, Protocol

GRACE = timedelta(minutes=1)
"""So long may pass between a due time and what happens at it."""
STAYING = frozenset({"planned", "met", "met_late", "missed", "waived", "closed"})


@dataclass
class Told:
    """A contact as the journal tells it."""

    id: str
    key: str
    seq: int
    cycle: int
    opens: datetime | None
    due: datetime
    since: datetime
    """Since when it is awaited in this window: what was due before that is not late, it was heard of late."""
    state: str = "planned"
    judged_by: Protocol | None = None
    """The version by which it was met or missed: the case may follow another since."""

    def becomes(self, state: str, at: datetime) -> None:
        """It stands so from now on."""
        if state == "planned" != self.state:
            self.since = at
        self.state = state

    def moves(self, due: datetime, at: datetime) -> None:
        """It is due then from now on."""
        self.due, self.opens, self.since = due, None, at


@dataclass
class Call:
    """A rung of a ladder as the journal tells it."""

    id: str
    about: tuple[str, str]
    ladder: str
    rung: int
    raised_at: datetime
    answer_by: datetime
    act_by: datetime | None = None
    taken_at: datetime | None = None
    state: str = "raised"
    told_times: int = 1
    sends_somebody: bool = False
    is_decided: bool = False

    @property
    def deadline(self) -> datetime:
        """When the next is told."""
        return self.act_by if self.state == "acknowledged" and self.act_by is not None else self.answer_by


@dataclass
class Story:
    """How a referral stands after the entries told so far, and what was wrong with them."""

    known: Known
    protocols: dict[str, Protocol]
    now: datetime
    contacts: dict[str, Told] = field(default_factory=dict)
    chains: dict[tuple[str, str], list[Call]] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    offers: dict[str, dict[str, Any]] = field(default_factory=dict)
    hold_id: str | None = None
    closed_hold_id: str | None = None
    bridger_id: str | None = None
    events: Counter[str] = field(default_factory=Counter)
    reminded: set[tuple[str, str, str]] = field(default_factory=set)
    attempts: dict[str, bool] = field(default_factory=dict)
    is_cancel_asked: bool = False
    reports: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    late: dict[str, timedelta] = field(default_factory=dict)
    left: list[tuple[str | None, datetime | None]] = field(default_factory=list)
    owed: set[str] = field(default_factory=set)
    owed_streaks: set[str] = field(default_factory=set)
    is_planning: bool = False
    timer_ran: bool = False
    final_where: Where | None = None
    zones_to_come: int = 0
    """Zones of the person that are still to be told: until then it is not known where they were."""

    def wrong(self, invariant: int, sentence: str) -> None:
        """Something does not hold."""
        self.problems.append((invariant, sentence))

    def tell(self, entries: list[Any], meaning: dict[str, Callable[[Story, Any], None]]) -> None:
        """Tell all of it."""
        before: datetime | None = None
        for entry in entries:
            if before is not None and entry.recorded_at != before:
                self.end_moment(before)
            before = self.now = entry.recorded_at
            self.events[entry.event] += 1
            means = meaning.get(entry.event)
            if means is not None:
                means(self, entry)
        if before is not None:
            self.end_moment(before)

    def end_moment(self, at: datetime) -> None:
        """A moment is over: what it owed must have happened."""
        for contact_id in self.owed:
            self.wrong(2, f"{self.contacts[contact_id].key} was missed and nobody was called")
        for about in self.owed_streaks:
            self.wrong(2, f"{about.split(':')[1]} of {about.split(':')[0]} in a row were missed and nobody was called")
        self.owed, self.owed_streaks = set(), set()
        if self.is_planning:
            self.is_planning = False
            self.judge_plan(at)
        self._judge_what_is_due(at)
        self.timer_ran = False

    # --- what is due

    def _judge_what_is_due(self, at: datetime) -> None:
        """Nothing that was due may be left by whoever carried out what was due; otherwise it is late."""
        status = self.known.status
        if status in OVER or status == "draft":
            return
        for contact in self.contacts.values():
            if contact.state == "planned" and contact.due <= at and self.is_awaited(contact):
                due = max(contact.due, contact.since)
                self._left_undone(2, contact.id, f"{contact.key} fell due and was passed over", due, at)
        for chain in self.chains.values():
            top = chain[-1]
            if top.state != "resolved" and top.deadline <= at:
                what = f"the ladder about {top.about[0]} stood still at rung {top.rung} when its time had come"
                self._left_undone(5, top.id, what, top.deadline, at)
        for offer_id, offer in self.offers.items():
            if offer["state"] == "open" and offer["answer_by"] <= at:
                self._left_undone(2, offer_id, "an offer stood open after its time", offer["answer_by"], at)

    def _left_undone(self, invariant: int, what_id: str, sentence: str, due: datetime, at: datetime) -> None:
        if self.timer_ran:
            self.wrong(invariant, sentence)
        elif at - due > GRACE:
            self.late[what_id] = at - due

    def is_awaited(self, contact: Told) -> bool:
        """Whether anybody waits for it now: on hold only for what belongs there."""
        if self.known.status != "on_hold":
            return True
        rule = self.known.protocol.rule(contact.key)
        return rule is not None and rule.after in ("hold", APART)

    def was_kept(self, what_id: str, due: datetime, at: datetime, *, since: datetime | None = None) -> None:
        """Something was carried out that was due then: never early, and counted when it was late."""
        if due > at:
            self.wrong(3, "something was carried out before its time")
        elif at - max(due, since or due) > GRACE:
            self.late[what_id] = at - max(due, since or due)

    # --- what is planned

    def judge_plan(self, at: datetime) -> None:
        """Every contact that the dates ask for is there in its window, and no other."""
        known = self.known
        if known.status not in ("accepted", "in_progress", "on_hold"):
            return
        wanted = wanted_at(known)
        there: set[tuple[str, int]] = set()
        for contact in self.contacts.values():
            if contact.state not in STAYING:
                continue
            which = (contact.key, contact.seq)
            if contact.cycle == known.cycle:
                there.add(which)
            rule = known.protocol.rule(contact.key)
            if contact.state != "planned" or (rule is not None and rule.after == APART):
                continue
            if contact.key in wanted.unjudged:
                continue
            windows = wanted.windows.get(which)
            if contact.cycle != known.cycle or windows is None:
                self.wrong(3, f"{contact.key} {contact.seq} is awaited, and nothing asks for it")
            elif contact.due not in {due for _, due in windows}:
                ends = " or ".join(sorted(due.isoformat() for _, due in windows))
                self.wrong(
                    2, f"{contact.key} {contact.seq} is due at {contact.due.isoformat()}, by the protocol {ends}"
                )
            else:
                opens = {opens for opens, due in windows if due == contact.due}
                if contact.opens not in opens:  # moved: the journal tells the end alone, and two may end alike
                    contact.opens = opens.pop() if len(opens) == 1 else None
        for which in wanted.surely - there:
            if all(due > at for _, due in wanted.windows[which]):
                self.wrong(2, f"{which[0]} {which[1]} is asked for and was not planned")

    def was_planned(self, contact: Told) -> None:
        """A contact came on the plan, or moved: in a window that is right."""
        known = self.known
        rule = known.protocol.rule(contact.key)
        if rule is None and contact.key != SEARCH:
            self.wrong(3, f"no rule knows {contact.key}")
        elif rule is not None and rule.after == APART:
            if known.where is not None and contact.opens is not None:
                due = rule.window(contact.opens, known.where, known.is_high)[1]
                if due != contact.due:
                    self.wrong(
                        2, f"{contact.key} is due at {contact.due.isoformat()}, by the protocol {due.isoformat()}"
                    )

    # --- who was called

    def open_calls(self) -> list[Call]:
        """Those that are not settled."""
        return [call for call in self.calls.values() if call.state != "resolved"]

    def chain(self, about: tuple[str, str]) -> list[Call]:
        """The rungs of the climb about this that is under way, or the last one there was."""
        return self.chains.get(about, [])
