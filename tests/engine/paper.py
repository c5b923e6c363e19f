"""Appointments on paper: stand in for the records, so that the workflows are tested by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from temporalio import activity

from records import clock
from workflows import names
from workflows.names import Appointment, CaughtUp, Held


class PaperRecords:
    """Items by time for each referral; due ones are carried out once. The activities have the real ones' names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, list[tuple[datetime, str]]] = {}
        self.asked: list[str] = []
        self.carried_out: list[tuple[str, str]] = []
        self.delivered: list[str] = []
        """Notifications, each try; the first try of all fails."""
        self.before_answer: Callable[[str], None] = lambda _: None
        """Called while the activity that asks is under way, after it has read."""
        self.before_carrying_out: Callable[[str], None] = lambda _: None

    def plan(self, referral_id: str, *items: tuple[datetime, str]) -> None:
        """What the referral waits for from now on."""
        with self._lock:
            self._items[referral_id] = sorted(items)

    def activities(self) -> list[Callable[..., Any]]:
        """What a worker registers."""

        @activity.defn(name=names.NEXT_ITEM)
        def next_item(referral_id: str) -> Appointment:
            self.asked.append(referral_id)
            answer = self._next(referral_id)
            self.before_answer(referral_id)
            return carry_out(referral_id) if answer.is_due else answer

        @activity.defn(name=names.CARRY_OUT)
        def carry_out(referral_id: str) -> Appointment:
            self.before_carrying_out(referral_id)
            with self._lock:
                items = self._items[referral_id]
                due = [item for item in items if item[0] <= clock.now()]
                self.carried_out += [(referral_id, kind) for _, kind in due]
                self._items[referral_id] = items[len(due) :]
            return self._next(referral_id)

        @activity.defn(name=names.DELIVER)
        def deliver(notification_id: str) -> None:
            self.delivered.append(notification_id)
            if len(self.delivered) == 1:
                raise ConnectionError

        @activity.defn(name=names.CATCH_UP)
        def catch_up() -> CaughtUp:
            return CaughtUp(told=0, deliveries=0, lateness_seconds=0.0)

        @activity.defn(name=names.CHECK)
        def check() -> Held:
            return Held(referrals=0, violations=0)

        return [next_item, carry_out, deliver, catch_up, check]

    def _next(self, referral_id: str) -> Appointment:
        with self._lock:
            items = self._items.get(referral_id, [])
            if not items:
                return Appointment(is_over=True)
            at, kind = items[0]
            return Appointment(
                is_over=False,
                kind=kind,
                at=at,
                seconds=clock.real_seconds_until(at),
                program_id="prg_invented",
                setting="jail",
            )
