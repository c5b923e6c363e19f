"""The transition workflow by itself, on the real server, with appointments on paper."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

from cli.temporal_server import TemporalServer, temporal_server
from domain import agenda
from records import clock
from tests.engine.paper import PaperRecords
from tests.engine.running import DYNAMIC_CONFIG, SOON_TOO_LONG, engine, events_of, settled, until
from workflows import names

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ONE_TASK = ["WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_COMPLETED", "MARKER_RECORDED"]


def test_a_wake_that_finds_nothing_due_costs_six_events(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        began = clock.now()
        paper.plan("ref_quiet", (began + HOUR, agenda.REMIND))
        async with engine(server.address, paper.activities()) as running:
            handle = await running.start("ref_quiet")
            before = await settled(handle)
            paper.plan("ref_quiet", (began + 5 * HOUR, agenda.REMIND))  # the contact was logged: later is not told
            await running.forward(handle, 2 * HOUR)
            after = await settled(handle)
        assert after[len(before) :] == ["TIMER_FIRED", *ONE_TASK, "TIMER_STARTED"]
        assert len(after) - len(before) == 6
        assert paper.carried_out == []

    asyncio.run(scenario())


def test_a_wake_that_carries_something_out_costs_seven_events(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        began = clock.now()
        paper.plan("ref_due", (began + HOUR, agenda.CONTACT_MISSED), (began + 5 * HOUR, agenda.UNACKNOWLEDGED))
        async with engine(server.address, paper.activities()) as running:
            handle = await running.start("ref_due")
            before = await settled(handle)
            await running.forward(handle, 2 * HOUR)
            after = await settled(handle)
        assert paper.carried_out == [("ref_due", agenda.CONTACT_MISSED)]
        assert after[len(before) :] == [
            "TIMER_FIRED",
            *ONE_TASK,
            "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
            "TIMER_STARTED",
        ]
        assert len(after) - len(before) == 7

    asyncio.run(scenario())


def test_a_nudge_while_asking_is_not_lost(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        began = clock.now()
        asking, nudged = threading.Event(), threading.Event()
        paper.plan("ref_nudge", (began + 9 * DAY, agenda.REVIEW))

        def earlier_while_asked(referral_id: str) -> None:
            if not asking.is_set():
                asking.set()
                assert nudged.wait(1.5)

        paper.before_answer = earlier_while_asked
        async with engine(server.address, paper.activities()) as running:
            handle = await running.start("ref_nudge")
            await asyncio.to_thread(asking.wait, 5)
            paper.plan("ref_nudge", (began + HOUR, agenda.REMIND), (began + 9 * DAY, agenda.REVIEW))
            await running.start("ref_nudge")
            nudged.set()
            await until(lambda: len(paper.asked) == 2)
            await settled(handle)
            await running.forward(handle, 2 * HOUR)
            await settled(handle)
        assert paper.carried_out == [("ref_nudge", agenda.REMIND)]

    asyncio.run(scenario())


def test_signalled_twice_there_is_one_run(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        paper.plan("ref_twice", (clock.now() + DAY, agenda.OFFER_EXPIRES))
        async with engine(server.address, paper.activities()) as running:
            handles = await asyncio.gather(*(running.start("ref_twice") for _ in range(5)))
            events = await settled(handles[0])
        assert len({handle.result_run_id for handle in handles}) == 1
        assert events.count("WORKFLOW_EXECUTION_SIGNALED") == 5

    asyncio.run(scenario())


def test_it_ends_when_nothing_is_left_and_starts_again_when_something_is(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        paper.plan("ref_again", (clock.now() + HOUR, agenda.REPORT))
        async with engine(server.address, paper.activities()) as running:
            handle = await running.start("ref_again")
            await settled(handle)
            await running.forward(handle, 2 * HOUR)
            await handle.result()
            paper.plan("ref_again", (clock.now() + HOUR, agenda.REVIEW))
            again = await running.start("ref_again")
            assert "TIMER_STARTED" in await settled(again)
        assert paper.carried_out == [("ref_again", agenda.REPORT)]

    asyncio.run(scenario())


def test_what_temporal_can_read_names_nobody_and_reads_as_the_journey(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        at = clock.now().replace(microsecond=0) + DAY
        paper.plan("ref_shown", (at, agenda.CONTACT_MISSED))
        async with engine(server.address, paper.activities()) as running:
            handle = await running.start("ref_shown")
            await settled(handle)
            shown = (await handle.describe()).typed_search_attributes
            history = await handle.fetch_history()
        assert shown.get(names.PROGRAM) == "prg_invented"
        assert shown.get(names.SETTING) == "jail"
        assert shown.get(names.NEXT_KIND) == agenda.CONTACT_MISSED
        assert shown.get(names.NEXT_AT) == at
        said = [event.user_metadata.summary.data for event in history.events if event.HasField("user_metadata")]
        assert said == [b'"What is next"', b'"Contact due"']

    asyncio.run(scenario())


def test_the_records_away_when_asked_only_delays_and_says_nothing_of_them(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        paper.plan("ref_away", (clock.now() + DAY, agenda.OFFER))

        def away(_: str) -> None:
            if len(paper.asked) <= 3:
                raise ConnectionError("no row for Ada Lovelace")

        paper.before_answer = away
        async with engine(server.address, paper.activities()) as running:
            handle = await running.start("ref_away")
            await until(lambda: len(paper.asked) == 4)
            events = await settled(handle)
            history = (await handle.fetch_history()).to_json()
        assert "ACTIVITY_TASK_COMPLETED" in events
        assert events[-1] == "TIMER_STARTED"
        assert "ConnectionError in next_item" in history
        assert "Lovelace" not in history

    asyncio.run(scenario())


def test_the_records_away_when_something_is_due_only_delays(server: TemporalServer) -> None:
    async def scenario() -> None:
        paper = PaperRecords()
        paper.plan("ref_late", (clock.now() - HOUR, agenda.OFFER))
        tries: list[str] = []

        def away(referral_id: str) -> None:
            tries.append(referral_id)
            if len(tries) <= 3:
                raise ConnectionError

        paper.before_carrying_out = away
        async with engine(server.address, paper.activities(), skipping=False) as running:
            handle = await running.start("ref_late")
            await asyncio.wait_for(handle.result(), 10)
        assert len(tries) == 4
        assert paper.carried_out == [("ref_late", agenda.OFFER)]

    asyncio.run(scenario())


def test_a_long_journey_goes_on_in_a_new_run(tmp_path: Path) -> None:
    async def scenario(address: str) -> None:
        paper = PaperRecords()
        began = clock.now()
        paper.plan("ref_long", *((began + day * DAY, agenda.REMIND) for day in range(1, 7)))
        async with engine(address, paper.activities()) as running:
            handle = await running.start("ref_long")
            await settled(handle)
            await running.forward(handle, 7 * DAY)
            await until(lambda: len(paper.carried_out) == 6)
            first = running.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
            assert (await events_of(first))[-1] == "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"

    with temporal_server(tmp_path, dynamic_config=(*DYNAMIC_CONFIG, SOON_TOO_LONG)) as server:
        asyncio.run(scenario(server.address))
