"""Contacts that fall due at one moment, as after a day on which a ward let many people go: how late is each escalation?

As `make run` has it: the Temporal server of the package, a SQLite file, one worker process told by upkeep. On the same
server as many workflows that do nothing show what of the lateness is Temporal's own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select
from temporalio.client import Client

from bench.empty import QUEUE, EmptyWorkflow
from bench.figures import Figure, at_least, percentile
from bench.program import make_program
from cli.processes import spawn, stop
from cli.temporal_server import temporal_server
from domain.agenda import CONTACT_MISSED
from domain.vocabulary import (
    ConsentStatus,
    ContactState,
    DateCertainty,
    Disposition,
    Mode,
    NotificationState,
    Outcome,
    Setting,
    Subject,
)
from records import clock, engine, migrate
from records.access import Actor, actor_of
from records.commands.assignments import assign
from records.commands.contacts import log_attempt
from records.commands.discharges import record_discharge
from records.commands.people import PersonDetails
from records.commands.referrals import ReferralDetails, file_referral
from records.settings import get_settings
from records.tables import Contact, Escalation, JournalEntry, Notification, Referral
from workflows.names import NEXT_KIND

CONTACT = "safety-net"
DUE_AFTER = timedelta(hours=72)
"""Of the standard psychiatric protocol: the safety-net contact, 72 hours after leaving."""
BRIDGERS = 8
_TOGETHER = 25
_ASLEEP_A_SECOND = 12  # a workflow that begins is loaded into its sandbox first
_SOONEST = 6.0
_AS_LONG_AGAIN = 8  # to record that they left, and to start their workflows
_GIVE_UP_AFTER = 300.0


@dataclass(frozen=True, slots=True)
class Team:
    """Who acts while the people are brought as far as their deadline."""

    planner: Actor
    supervisor: Actor
    bridgers: list[Actor]


def run(count: int = 2_000) -> list[Figure]:
    """Lateness of each escalation, and as a ratio against the empty workflows.

    Raises RuntimeError when a contact was not escalated exactly once.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with temporal_server(folder / "temporal") as server:
            with _process("-m", "bench.empty", server.address, log=folder / "empty.log"):
                empty = asyncio.run(_empty(server.address, count))
            url = f"sqlite:///{folder / 'footbridge.sqlite3'}"
            migrate.upgrade(url)
            engine.configure(url)
            try:
                asleep, ours = _storm(url, server.address, folder, count)
            finally:
                clock.run_real()
                engine.dispose()
    figures = [
        Figure("storm", "contacts due at one moment, each escalated once", len(ours), ""),
        at_least("storm", "workflows asleep before (fewer: the machine is too slow)", asleep, "", count),
    ]
    for what, percent in (("median", 50), ("p99", 99), ("max", 100)):
        figures.append(Figure("storm", f"late, {what}", percentile(ours, percent), "s"))
    for what, percent in (("median", 50), ("p99", 99), ("max", 100)):
        figures.append(Figure("storm", f"empty workflows, late, {what}", percentile(empty, percent), "s"))
    ratio = percentile(ours, 99) / percentile(empty, 99)
    return [*figures, Figure("storm", "ours of the empty workflows, p99", ratio, "×")]


async def _empty(address: str, count: int) -> list[float]:
    """Seconds that each of the workflows that do nothing was late."""
    client = await Client.connect(address)
    due_at = clock.now() + timedelta(seconds=_SOONEST / 2 + count / _ASLEEP_A_SECOND)
    places = asyncio.Semaphore(20)

    async def start(number: int) -> Any:
        async with places:
            return await client.start_workflow(
                EmptyWorkflow.run, due_at.isoformat(), id=f"empty-{number}", task_queue=QUEUE
            )

    async def result(handle: Any) -> float:
        async with places:
            return float(await handle.result())

    handles = await asyncio.gather(*map(start, range(count)))
    ahead = max((due_at - clock.now()).total_seconds(), 0.0)
    async with asyncio.timeout(ahead + _GIVE_UP_AFTER):
        await asyncio.sleep(ahead)
        while (await client.count_workflows("ExecutionStatus = 'Running'")).count:  # asking each would slow them down
            await asyncio.sleep(0.5)
        return list(await asyncio.gather(*map(result, handles)))


def _storm(url: str, address: str, folder: Path, count: int) -> tuple[int, list[float]]:
    """How many workflows slept before; seconds from the moment all were due to the recording of each escalation."""
    due_at = _bring_there(count)
    env = worker_environment(url, address, folder)
    with _process("-m", "cli.main", "worker", log=folder / "worker.log", env=env) as worker:
        asleep = asyncio.run(_asleep(address, count, due_at))
        give_up_at = due_at + timedelta(seconds=_GIVE_UP_AFTER)
        while _escalated() < count:
            if worker.poll() is not None:
                raise RuntimeError(f"the worker ended: {(folder / 'worker.log').read_text()[-500:]}")
            if clock.now() > give_up_at:
                raise RuntimeError(f"only {_escalated()} of {count} contacts were escalated")
            time.sleep(0.5)
    return asleep, _lateness(count, due_at)


def worker_environment(url: str, address: str, folder: Path) -> dict[str, str]:
    """What a worker, or a command, of ours needs to know."""
    return {key: value for key, value in os.environ.items() if not key.startswith("TEMPORAL_")} | {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "FOOTBRIDGE_DATABASE_URL": url,
        "FOOTBRIDGE_DATA_DIR": str(folder),
        "FOOTBRIDGE_SECRET_KEY": get_settings().secret_key.get_secret_value(),  # it opens what this process sealed
    }


async def _asleep(address: str, count: int, due_at: datetime) -> int:
    """How many workflows wait for their contact by then: upkeep has told them, and they have asked. Waits for all."""
    client = await Client.connect(address)
    while True:
        waiting = (await client.count_workflows(f"{NEXT_KIND.name} = '{CONTACT_MISSED}'")).count
        if waiting >= count or clock.now() >= due_at:
            return waiting
        await asyncio.sleep(0.5)


def _bring_there(count: int) -> datetime:
    """So many people who left 72 hours before one moment, were met on the day, and wait for the next contact.

    Returns that moment: as soon as the workflows can be asleep, judged by how long the first half took.
    """
    began, here = time.monotonic(), clock.now()
    clock.set_to(here - DUE_AFTER - timedelta(hours=2))
    team = _team(count)
    referral_ids: list[str] = []
    for some in _batched(range(count)):
        with engine.transaction() as session:
            referral_ids += [_refer(session, team, number, here - DUE_AFTER) for number in some]
    clock.run_real()
    took = time.monotonic() - began
    due_at = clock.now().replace(microsecond=0) + timedelta(seconds=_SOONEST + _AS_LONG_AGAIN * took)
    for some in _batched(range(count)):
        with engine.transaction() as session:
            for number in some:
                _leave(session, team, number, referral_ids[number], due_at - DUE_AFTER)
    with engine.transaction() as session:  # what was said until now has long been delivered
        session.connection().execute(update(Notification).values(state=NotificationState.SENT))
    clock.run_real()
    return due_at


def _batched(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), _TOGETHER):
        yield numbers[start : start + _TOGETHER]


def _team(people: int) -> Team:
    with engine.transaction() as session:
        made = make_program(session, bridgers=BRIDGERS, accepts_at_once=True)
        made.program.caseload_limit = people  # a few bridgers: the ranking is not what is measured
        return Team(actor_of(made.planner), actor_of(made.boss), [actor_of(staff) for staff in made.team])


def _refer(session: Session, team: Team, number: int, leaves_at: datetime) -> str:
    referral = file_referral(
        session,
        team.planner,
        PersonDetails(given_name="Invented", family_name=f"Bench {number}"),
        ReferralDetails(
            setting=Setting.PSYCHIATRIC_INPATIENT,
            expected_on=leaves_at.date(),
            certainty=DateCertainty.CONFIRMED,
            consent=ConsentStatus.GIVEN,
        ),
    )
    assign(session, team.supervisor, referral.id, team.bridgers[number % BRIDGERS].id)
    return referral.id


def _leave(session: Session, team: Team, number: int, referral_id: str, left_at: datetime) -> None:
    clock.set_to(left_at)
    record_discharge(session, team.planner, referral_id, left_at, Disposition.HOME)
    clock.set_to(left_at + timedelta(hours=1))
    log_attempt(session, team.bridgers[number % BRIDGERS], referral_id, Mode.VISIT, Outcome.REACHED, minutes=20)


def _escalated() -> int:
    with engine.read_session() as session:
        return session.exec(select(func.count()).where(Escalation.subject == Subject.CONTACT)).one()


def _lateness(count: int, due_at: datetime) -> list[float]:
    """Of every contact. Raises RuntimeError unless each was missed once and escalated once, on its own referral."""
    with engine.read_session() as session:
        missed = session.exec(
            select(Contact.referral_id, Contact.id).where(Contact.key == CONTACT, Contact.state == ContactState.MISSED)
        ).all()
        raised = session.exec(
            select(Escalation.referral_id, Escalation.subject_id, Escalation.due_at).where(
                Escalation.subject == Subject.CONTACT
            )
        ).all()
        events = session.exec(
            select(JournalEntry.event, JournalEntry.stream, JournalEntry.recorded_at).where(
                col(JournalEntry.event).in_(("contact.missed", "escalation.raised"))
            )
        ).all()
        referrals = set(session.exec(select(Referral.id)))
    missed_on, recorded = (
        [row for row in events if row[0] == name] for name in ("contact.missed", "escalation.raised")
    )
    once("contact missed", count, [contact for _, contact in missed])
    once("contact escalated", count, [contact for _, contact, _ in raised])
    once("miss in the journal", count, [stream for _, stream, _ in missed_on])
    once("escalation in the journal", count, [stream for _, stream, _ in recorded])
    if {(referral, contact) for referral, contact, _ in raised} != set(missed) or len(referrals) != count:
        raise RuntimeError("what was escalated is not what was missed")
    if {due for _, _, due in raised} != {due_at}:
        raise RuntimeError("an escalation does not say when its contact was really due")
    return [(at - due_at).total_seconds() for _, _, at in recorded]


def once(what: str, count: int, ids: Sequence[str]) -> None:
    """Raise RuntimeError unless there are `count` of them, all different."""
    if len(ids) != count or len(set(ids)) != count:
        raise RuntimeError(f"{count} times one {what} was expected: there are {len(ids)}, of {len(set(ids))} referrals")


@contextmanager
def _process(*arguments: str, log: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = spawn([sys.executable, *arguments], log=log, env=env)
    try:
        yield process
    finally:
        stop(process, within_seconds=40)
