"""Journeys on the agenda alone: the plan, the next item after every change, and nothing written anywhere.

What it measures is the heart: how fast the rules themselves are, as a protocol is rehearsed over many lives.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain import agenda
from domain.agenda import next_item
from domain.case import Case, Contact
from domain.clock import Calendar
from domain.contact import met_by
from domain.plan import plan
from domain.protocol import Protocol, default_for
from domain.vocabulary import ContactState, Mode, Outcome, ReferralStatus, Setting

FIRST_DAY = datetime(2026, 1, 5, 15, tzinfo=UTC)


def live_on_agenda(
    lives: int, seed: int, setting: Setting = Setting.PSYCHIATRIC_INPATIENT
) -> tuple[float, Counter[str]]:
    """Live so many ninety-day journeys; returns the seconds of CPU that it took, and what happened."""
    protocol, chance, counts = default_for(setting), random.Random(seed), Counter[str]()  # noqa: S311 -- no secret
    began = time.process_time()
    for number in range(lives):
        _live(protocol, chance, number, counts)
    return time.process_time() - began, counts


def _live(protocol: Protocol, chance: random.Random, number: int, counts: Counter[str]) -> None:
    left = FIRST_DAY + timedelta(minutes=chance.randrange(500_000))
    case = Case(
        referral_id=f"life-{number}",
        status=ReferralStatus.IN_PROGRESS,
        protocol=protocol,
        zone="America/New_York",
        calendar=Calendar(),
        submitted_at=left - timedelta(days=2),
        accepted_at=left - timedelta(days=2),
        assigned_since=left - timedelta(days=2),
        discharged_at=left,
        notice_at=left,
    )
    contacts = [
        Contact(f"{planned.key}-{planned.seq}", planned.key, planned.seq, 1, planned.opens_at, planned.due_at)
        for planned in plan(case, left)
    ]
    case = replace(case, contacts=tuple(contacts))
    while (item := next_item(case)) is not None and item.kind != agenda.FINISH:
        awaited = min((c for c in case.contacts if c.state is ContactState.PLANNED), key=lambda c: c.due_at)
        at = awaited.opens_at + (awaited.due_at - awaited.opens_at) * chance.uniform(0.1, 0.45)
        counts[item.kind] += 1
        states = met_by(case, Mode.VISIT, Outcome.REACHED, at)
        states.setdefault(awaited.id, ContactState.MET)
        counts["met"] += len(states)
        case = replace(
            case,
            contacts=tuple(replace(c, state=states[c.id], met_at=at) if c.id in states else c for c in case.contacts),
        )
    counts["finished"] += 1
