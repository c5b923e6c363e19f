"""One drill: records and Temporal from different moments are put together again, and nothing may go wrong by it.

A small program lives for some days on the real server, with a real mail server that keeps what it is given. On the way
the records and Temporal's file are copied. Then one of them, or Temporal altogether, is put back to the copy, the
worker runs on, and what everybody was sent is held together: by both lives, since nobody outside has two.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from uuid import uuid4

from sqlmodel import col, select
from temporalio.client import Client
from typer.testing import CliRunner

from cli.main import app
from cli.temporal_server import TemporalServer, temporal_server
from domain.vocabulary import Channel, EscalationState, NotificationState, OfferState, Role
from records import clock, engine
from records.access import actor_of, system_actor
from records.checking.run import Checked, check
from records.commands.consents import revoke_consent
from records.commands.restoring import release
from records.commands.staff import add_staff
from records.engine import read_session, transaction
from records.queries.consents import list_versions
from records.queries.upkeep import PATIENCE, list_awaited_ids
from records.tables import Contact, Disclosure, Escalation, Notification, Offer, PersonText, Referral, Staff
from tests.engine.program import SmallProgram, small_program
from tests.engine.running import whole_system
from workflows import names
from workflows.checking import add_temporal
from workflows.client import connect, list_running
from workflows.upkeep import UpkeepWorkflow

Order = Literal["records older", "temporal older", "temporal empty"]
ORDERS: tuple[Order, ...] = ("records older", "temporal older", "temporal empty")
_PATIENCE_SECONDS, _LOOKS = 90.0, 20
Said = tuple[str, ...]


@dataclass
class Reached:
    """What a drill came to: as many things must have happened as make it mean something."""

    referrals: int = 0
    events: int = 0
    lost_entries: int = 0
    differences: int = 0
    listed: int = 0
    sent_before: int = 0
    sent_after: int = 0
    may_have_gone: int = 0
    escalated: int = 0
    problems: list[str] = field(default_factory=list)


class Drill:
    """One of them, by its seed."""

    def __init__(self, seed: int, order: Order, folder: Path, url: str, mails: list[object]) -> None:
        self.chance = random.Random(seed)
        self.order, self.folder, self.url, self.mails = order, folder, url, mails
        self.temporal = folder / "temporal"
        self.reached = Reached()
        self.is_held = False
        self.sent: dict[str, Said] = {}
        self.filed: list[str] = []

    def run(self) -> Reached:
        """Live it."""
        engine.configure(self.url)
        self.program = small_program()
        with transaction() as session:
            hand = system_actor(self.program.planner.program_id)
            admin = add_staff(session, hand, email="admin@invented.example", name="Admin Invented", roles=[Role.ADMIN])
            self.admin = actor_of(admin)
        with temporal_server(self.temporal) as server:
            asyncio.run(self._live(server, self.chance.randint(3, 5)))
        self._copy()
        copied = self._ends()
        with temporal_server(self.temporal) as server:
            asyncio.run(self._live(server, self.chance.randint(1, 3)))
        self._take_back()
        self.taken_back_at = clock.now()
        self.reached.sent_before = len(self.mails)
        self.reached.lost_entries = sum(self._ends().values()) - sum(copied.values())
        self._note_what_was_sent()
        self._put_back()
        with temporal_server(self.temporal) as server:
            asyncio.run(self._go_on(server))
        self._judge()
        return self.reached

    async def _live(self, server: TemporalServer, steps: int) -> None:
        """Some days: people are referred, asked, leave, are met or are not."""
        async with whole_system(server.address, skipping=False) as running:
            for _ in range(2):
                self.filed.append(self.program.file(f"Placeholder {chr(97 + len(self.filed))}"))
                self.reached.events += 1
            await self._caught_up(running.client)
            for _ in range(steps):
                self.reached.events += self._something_happens()
                self._time_passes()
                await self._caught_up(running.client)
        self.reached.referrals = len(self.filed)

    def _time_passes(self) -> None:
        clock.set_to(clock.now() + timedelta(hours=self.chance.choice((3, 9, 27))))

    def _something_happens(self) -> int:
        """Every open offer is answered with some chance, and so on; returns how much happened."""
        happened = 0
        with read_session() as session:
            asked = set(session.exec(select(Offer.referral_id).where(Offer.state == OfferState.OPEN)))
            standing = {row.id: (row.bridger_id, row.discharged_at) for row in session.exec(select(Referral))}
        for one in sorted(standing, key=self.filed.index):
            bridger_id, left_at = standing[one]
            if one in asked and self.chance.random() < 0.8:
                self.program.accept_open_offer(one)
            elif bridger_id and left_at is None and self.chance.random() < 0.6:
                self.program.discharge(one)
            elif bridger_id and left_at is not None and self.chance.random() < 0.3:
                self.program.reach(one)
            else:
                continue
            happened += 1
        return happened

    async def _caught_up(self, client: Client) -> None:
        """Upkeep runs until nothing is overdue and nothing waits to be sent."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                await client.execute_workflow(
                    UpkeepWorkflow.run, id=f"{names.UPKEEP_WORKFLOW}-{uuid4()}", task_queue=names.TASK_QUEUE
                )
                for _ in range(_LOOKS):
                    if not self._is_something_due() and not self._waits():
                        return
                    await asyncio.sleep(0.1)

    def _is_something_due(self) -> bool:
        with read_session() as session:
            late = clock.now() - PATIENCE  # what is due just now is left to its own timer
            return session.exec(select(Referral.id).where(col(Referral.next_at) <= late)).first() is not None

    def _waits(self) -> bool:
        states = (NotificationState.QUEUED, NotificationState.SENDING)
        with read_session() as session:
            rows = select(Notification.not_before, Staff.facility_id).join(
                Staff, col(Staff.id) == Notification.staff_id
            )
            return any(
                at <= clock.now() and not (facility_id and self.is_held)
                for at, facility_id in session.exec(rows.where(col(Notification.state).in_(states)))
            )

    def _copy(self) -> None:
        """Both, while nothing runs; which of them is used shows later."""
        shutil.copytree(self.temporal, self.folder / "temporal-copy")
        done = CliRunner().invoke(app, ["backup", str(self.folder / "backups")])
        if done.exit_code:
            raise AssertionError(done.output)
        engine.configure(self.url)

    def _put_back(self) -> None:
        if self.order == "records older":
            (made,) = (self.folder / "backups").iterdir()
            engine.dispose()
            done = CliRunner().invoke(app, ["restore", str(made), "--replace"])
            if done.exit_code:
                raise AssertionError(f"{done.output} {done.exception}")
            engine.configure(self.url)
            self.restored, self.is_held, self.put_back_at = done.output, True, clock.now()
            return
        shutil.rmtree(self.temporal)
        if self.order == "temporal older":
            shutil.copytree(self.folder / "temporal-copy", self.temporal)

    async def _go_on(self, server: TemporalServer) -> None:
        """The differences are listed first; then the worker runs, and they are gone."""
        client = await connect(server.address)
        with read_session() as session:
            awaited = list_awaited_ids(session)
        running = set(await list_running(client))
        self.reached.differences = len(running ^ awaited)
        self.reached.listed = (await self._listed(client)).counts[10]
        async with whole_system(server.address, skipping=False) as system:
            await self._caught_up(system.client)
            self._time_passes()
            await self._caught_up(system.client)
            if self.is_held:
                self._look_and_release()
                await self._caught_up(system.client)
            for _ in range(_LOOKS):  # Temporal's own list is some seconds old
                after = await self._listed(client)
                if not after.findings and set(await list_running(client)) == self._awaited():
                    break
                await asyncio.sleep(0.5)
            else:
                self.reached.problems.append("Temporal, afterwards: other transitions run than are awaited")
        self.reached.problems += [f"Temporal, afterwards: {one.sentence}" for one in after.findings]

    def _look_and_release(self) -> None:
        """Until here nothing may have been told outside; then the administrator says that it may."""
        self._take_back()  # entered again, as the message to everybody asks
        self.is_held = False
        with transaction() as session:
            since = select(Disclosure).where(col(Disclosure.is_allowed), Disclosure.at >= self.put_back_at)
            self.reached.problems += [f"{one.what} was told outside while it was held" for one in session.exec(since)]
            release(session, self.admin)

    def _take_back(self) -> None:
        """Who was referred first takes back what they had agreed to."""
        with transaction() as session:
            for consent, taken_back in list_versions(session, [self.filed[0]]):
                if taken_back is None:
                    revoke_consent(session, self.program.supervisor, self.filed[0], consent.id, said_by="by phone")

    async def _listed(self, client: Client) -> Checked:
        found = Checked()
        await add_temporal(found, client)
        return found

    def _awaited(self) -> set[str]:
        with read_session() as session:
            return list_awaited_ids(session)

    def _ends(self) -> dict[str, int]:
        with read_session() as session:
            return dict(session.exec(select(Referral.id, Referral.journal_seq)).all())

    def _note_what_was_sent(self) -> None:
        """Every e-mail of these records that went out, by what it was about and not by the ids of one life."""
        with read_session() as session:
            calls = {one.id: one for one in session.exec(select(Escalation))}
            contacts = {one.id: one for one in session.exec(select(Contact))}
            offers = {one.id: one for one in session.exec(select(Offer))}
            rows = session.exec(
                select(Notification).where(
                    Notification.channel == Channel.EMAIL, Notification.state == NotificationState.SENT
                )
            ).all()
        for row in rows:
            about: tuple[object, ...] = (row.subject_id,)
            if (call := calls.get(row.subject_id)) is not None:
                on = contacts.get(call.subject_id)
                what = (on.key, on.cycle, on.seq) if on is not None else (call.subject_id,)
                about = (call.subject.value, *what, call.occurrence, call.rung)
                if row.template == "escalation_again":
                    about = (*about, row.key)
            elif (contact := contacts.get(row.subject_id)) is not None:
                about = (contact.key, contact.cycle, contact.seq, row.key.split(":")[2])
            elif (offer := offers.get(row.subject_id)) is not None:
                about = (offer.bridger_id, offer.answer_by.isoformat())
            self.sent[row.id] = (row.template, row.referral_id or "", row.staff_id, *map(str, about))

    def _judge(self) -> None:
        """What must be so, whatever was put back."""
        found, reached = check(ask_again_after=0), self.reached
        reached.problems += [f"{one.name}: {one.sentence}" for one in found.findings]
        reached.sent_after = len(self.mails) - reached.sent_before
        self._note_what_was_sent()
        reached.problems += [
            f"sent {times} times: {said}" for said, times in Counter(self.sent.values()).items() if times > 1
        ]
        if len(self.mails) != len(self.sent):
            reached.problems.append(
                f"{len(self.mails)} e-mails arrived, and the records of both lives have {len(self.sent)}"
            )
        with read_session() as session:
            calls = session.exec(select(Escalation)).all()
            rungs = Counter((c.referral_id, c.subject, c.subject_id, c.occurrence, c.rung) for c in calls)
            states = select(Notification.id).where(Notification.state == NotificationState.UNCONFIRMED)
            reached.may_have_gone = len(session.exec(states).all())
            outside = select(Disclosure).where(Disclosure.referral_id == self.filed[0], col(Disclosure.is_allowed))
            later = outside.where(Disclosure.at > self.taken_back_at)
            reached.problems += [f"{one.what} was told after the consent was taken back" for one in session.exec(later)]
            went = session.exec(select(PersonText).where(PersonText.state == NotificationState.SENT)).all()
            reached.problems += ["a text went without a yes" for _ in went]
        reached.escalated = len([c for c in calls if c.state is not EscalationState.RESOLVED])
        reached.problems += [f"escalated {n} times: {rung}" for rung, n in rungs.items() if n > 1]
        if reached.listed < reached.differences:
            reached.problems.append(f"{reached.differences} differences, and {reached.listed} were listed")
        if self.order == "records older" and reached.lost_entries and "entries more" not in self.restored:
            reached.problems.append("what was lost was not listed")


@contextmanager
def mail_server() -> Iterator[tuple[int, list[object]]]:
    """A real mail server: its port, and what it was given."""
    from tests.workflows.gateways.smtp_sink import Mailbox, smtp_server

    mailbox = Mailbox()
    with smtp_server(mailbox) as gateway:
        yield gateway.port, mailbox.mails  # type: ignore[misc]


__all__ = ["ORDERS", "Drill", "Order", "Reached", "SmallProgram", "mail_server"]
