"""How workflows hear of commits, and what upkeep makes good when they did not."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from sqlmodel import select
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment

from cli.processes import free_port
from cli.temporal_server import TemporalServer
from domain import agenda
from domain.vocabulary import Channel
from records import clock
from records.commands.idempotency import keep_answer
from records.engine import on_commit, read_session, transaction
from records.queries.next_item import find_next_item
from records.queries.upkeep import agenda_lateness, list_untold
from records.tables import Idempotency, Notification, Outbox
from tests.engine.program import SmallProgram, events, small_program
from tests.engine.running import settled, until, whole_system
from workflows import names
from workflows.activities.catch_up import CatchUp
from workflows.client import Teller, connect, send_off
from workflows.names import CaughtUp
from workflows.upkeep import ensure_schedules


@pytest.fixture
def program(database: str) -> SmallProgram:
    return small_program()


def _untold() -> list[str]:
    with read_session() as session:
        return list_untold(session)


async def _upkeep(address: str) -> CaughtUp:
    return await ActivityEnvironment().run(CatchUp(await connect(address)).catch_up)


def test_a_commit_reaches_its_workflow_and_is_marked_told(server: TemporalServer, program: SmallProgram) -> None:
    async def scenario() -> None:
        async with whole_system(server.address, skipping=False):
            referral_id = program.file()
            await until(lambda: "offer.made" in events(referral_id))
            await until(lambda: _untold() == [])

    asyncio.run(scenario())


def test_filed_while_temporal_is_away_it_is_caught_up(server: TemporalServer, program: SmallProgram) -> None:
    nowhere = Teller(lambda: connect(f"127.0.0.1:{free_port()}")).start()
    stop_hearing = on_commit(nowhere.hear)
    began = time.monotonic()
    referral_id = program.file()
    assert time.monotonic() - began < 4.0, "as long as two tries of a call would take"
    stop_hearing()
    nowhere.close()
    assert _untold() == [referral_id]

    async def scenario() -> None:
        async with whole_system(server.address, skipping=False):
            assert "offer.made" not in events(referral_id)
            done = await _upkeep(server.address)
            assert done.told == 1
            await until(lambda: "offer.made" in events(referral_id))
            assert _untold() == []
            again = await _upkeep(server.address)
            assert again.told == 0

    asyncio.run(scenario())


def test_a_terminated_workflow_is_restored_when_its_next_item_passes(
    server: TemporalServer, program: SmallProgram
) -> None:
    async def scenario() -> None:
        async with whole_system(server.address) as running:
            referral_id = program.file()
            handle = running.transition(referral_id)
            await until(lambda: "offer.made" in events(referral_id))
            await settled(handle)
            await handle.terminate("as if it were lost")
            with read_session() as session:
                item = find_next_item(session, referral_id)
            assert item is not None
            assert item.kind == agenda.OFFER_EXPIRES
            clock.set_to(item.at + timedelta(minutes=1))
            with read_session() as session:
                assert agenda_lateness(session).oldest_seconds == 60
            done = await _upkeep(server.address)
            assert (done.told, done.lateness_seconds) == (1, 60)
            assert (await running.transition(referral_id).describe()).status is WorkflowExecutionStatus.RUNNING
            with read_session() as session:
                ran = agenda_lateness(session).upkeep_ran_seconds_ago
            assert ran is not None
            assert ran < 30

    asyncio.run(scenario())


def test_answers_kept_for_repeated_requests_are_forgotten_after_a_day(
    server: TemporalServer, program: SmallProgram
) -> None:
    async def scenario() -> None:
        async with whole_system(server.address):
            clock.set_to(clock.now())
            for key_id in ("0" * 64, "1" * 64):
                clock.advance(timedelta(hours=13))
                with transaction() as session:
                    keep_answer(session, key_id, "a request", 201, {"text": "what somebody was told"})
            clock.advance(timedelta(hours=13))
            await _upkeep(server.address)
            with read_session() as session:
                assert list(session.exec(select(Idempotency.id))) == ["1" * 64]

    asyncio.run(scenario())


def test_the_schedule_is_made_once_and_runs(server: TemporalServer, program: SmallProgram) -> None:
    async def scenario() -> None:
        async with whole_system(server.address, skipping=False) as running:
            await ensure_schedules(running.client)
            await ensure_schedules(running.client)
            schedule = running.client.get_schedule_handle(names.UPKEEP_SCHEDULE)
            try:
                async with asyncio.timeout(15):
                    while not (described := await schedule.describe()).info.recent_actions:
                        await asyncio.sleep(0.1)
                assert described.schedule.spec.intervals[0].every == timedelta(minutes=1)
                await until(lambda: _ran() is not None)
            finally:
                await schedule.delete()

    asyncio.run(scenario())


def _ran() -> float | None:
    with read_session() as session:
        return agenda_lateness(session).upkeep_ran_seconds_ago


def test_many_words_are_told_and_marked_together(server: TemporalServer, program: SmallProgram) -> None:
    async def scenario() -> None:
        async with whole_system(server.address, skipping=False):
            filed = [program.file(f"Placeholder{'abcdefghijklmnopqrst'[n]}") for n in range(20)]
            answers = {"offer.made", "offers.exhausted"}  # one bridger is not asked by twenty at once
            await until(lambda: all(answers & set(events(referral_id)) for referral_id in filed), seconds=20)
            await until(lambda: _untold() == [])

    asyncio.run(scenario())


def test_a_message_goes_out_once_however_often_its_delivery_is_started(
    server: TemporalServer, program: SmallProgram
) -> None:
    async def scenario() -> None:
        async with whole_system(server.address, skipping=False) as running:
            referral_id = program.file()
            await until(lambda: "offer.made" in events(referral_id))
            await until(lambda: len(_outbox()) == 1)
            waiting = _emails(referral_id)
            for _ in range(3):
                assert await send_off(running.client, waiting) == waiting
                for notification_id in waiting:
                    await running.client.get_workflow_handle(names.delivery_id(notification_id)).result()
            assert len(_outbox()) == 1

    asyncio.run(scenario())


def _outbox() -> list[str]:
    with read_session() as session:
        return list(session.exec(select(Outbox.key)))


def _emails(referral_id: str) -> list[str]:
    with read_session() as session:
        sent = select(Notification.id).where(
            Notification.referral_id == referral_id, Notification.channel == Channel.EMAIL
        )
        return list(session.exec(sent))


def test_upkeep_says_that_it_is_alive(server: TemporalServer, program: SmallProgram) -> None:
    """So that a worker that dies meanwhile is missed within seconds: the next run waits for this one."""
    beats: list[object] = []

    async def scenario() -> None:
        environment = ActivityEnvironment()
        environment.on_heartbeat = lambda *said: beats.append(said)
        await environment.run(CatchUp(await connect(server.address)).catch_up)

    asyncio.run(scenario())
    assert beats
