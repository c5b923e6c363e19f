"""How the demonstration's past is played: stories take turns in time, and what falls due is carried out."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, SQLModel, select

from records import clock, engine
from records.commands.agenda import carry_out
from records.seed.people import ZONE, Staffed
from records.tables import Bridger, Facility, Program, ProtocolVersion, Referral, Staff

Story = Generator[datetime, None, None]
"""One person's way so far. It yields the instant at which it goes on, never one before the present."""

Deliver = Callable[[Session, str], None]


@dataclass
class World:
    """The demonstration while it is played. `now` is the real present, where all of it ends."""

    session: Session
    staff: Staffed
    now: datetime
    deliver: Deliver
    referrals: list[Referral] = field(default_factory=list)
    colleagues: list[SQLModel] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A session lets go of rows that nobody holds, and would read the same 30 a thousand times.
        for table in (Program, Facility, Staff, Bridger, ProtocolVersion):
            self.colleagues.extend(self.session.exec(select(table)).all())

    @property
    def today(self) -> date:
        """The present day, where the program is."""
        return self.now.astimezone(ZoneInfo(ZONE)).date()

    def day(self, days: int) -> date:
        """So many days from today; negative: ago."""
        return self.today + timedelta(days=days)

    def on(self, days: int, hour: int, minute: int = 0) -> datetime:
        """That hour so many days from today, by the program's wall clock, but not later than a minute ago."""
        wall = datetime.combine(self.day(days), time(hour, minute), ZoneInfo(ZONE))
        return min(wall, self.now - timedelta(minutes=1))

    def ago(self, *, days: int = 0, hours: float = 0, minutes: float = 0) -> datetime:
        """So long before the present."""
        return self.now - timedelta(days=days, hours=hours, minutes=minutes)

    def earlier_today(self, *, hours: float) -> datetime:
        """So many hours ago, but after midnight: what happened today is today at any hour somebody looks."""
        midnight = datetime.combine(self.today, time(0, 1), ZoneInfo(ZONE))
        return max(self.ago(hours=hours), min(midnight, self.ago(minutes=1)))

    def play(self, stories: Iterable[Story]) -> None:
        """Play every story up to the present, with the timers in between."""
        waiting = [(next(story), number, story) for number, story in enumerate(stories)]
        heapq.heapify(waiting)
        while waiting:
            at, number, story = heapq.heappop(waiting)
            if at > self.now:
                raise ValueError(f"story {number} wants to go on in the future, at {at}")
            self.pass_time(at)
            if (upcoming := next(story, None)) is not None:
                heapq.heappush(waiting, (max(upcoming, at), number, story))
            self._hand_over()
        self.pass_time(self.now)

    def pass_time(self, until: datetime) -> None:
        """Let time pass: each item of each agenda is carried out when it falls due, as the workflows would."""
        while (due := self._next(until)) is not None:
            clock.set_to(max(due.next_at or until, clock.now()))
            carry_out(self.session, due.id)
            self._hand_over()
        clock.set_to(max(until, clock.now()))

    def _next(self, until: datetime) -> Referral | None:
        waiting = [r for r in self.referrals if r.next_at is not None and r.next_at <= until]
        return min(waiting, key=lambda r: r.next_at or until, default=None)

    def _hand_over(self) -> None:
        """Messages leave when they are written, not weeks later; workflows are told when the demonstration starts."""
        word = engine.take_word(self.session)
        for notification_id in sorted(word.deliveries if word is not None else ()):
            self.deliver(self.session, notification_id)
