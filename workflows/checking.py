"""Temporal held beside the records: who waits has a workflow, who does not has none, and ids tell nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from records import clock
from records.checking.dossier import instant
from records.checking.run import Checked, moment
from workflows.client import connect

UNTOLD_FOR = timedelta(minutes=2)
"""Upkeep tells workflows each minute, and a worker that died is taken over within one: longer ago nobody could."""
SHOWN_WITHIN = timedelta(days=1)
"""How far what Temporal shows may lie behind the records (docs/operations.md)."""
MOST_ASKED = 2_000
_ID = re.compile(r"(transition-ref|delivery-ntf|delivery-txt)_[0-9a-z_]{8,40}|upkeep\S*|nightly\S*|temporal-sys\S*")
_TYPE = "TransitionWorkflow"


class Waits(NamedTuple):
    """A referral as the records have it, as far as Temporal is concerned."""

    number: str
    program_id: str
    setting: str
    next_at: datetime | None
    untold_since: datetime | None


class Runs(NamedTuple):
    """A workflow that runs, with what Temporal shows of it."""

    program_id: str | None
    setting: str | None
    next_at: datetime | None


def check_temporal(result: Checked, address: str = "") -> int:
    """Add what does not agree to `result`; returns how many workflows run.

    Raises RuntimeError, TimeoutError or RPCError when Temporal cannot be asked.
    """
    return asyncio.run(_connected(result, address))


async def _connected(result: Checked, address: str) -> int:
    return await add_temporal(result, await connect(address))


async def add_temporal(result: Checked, client: Client) -> int:
    """The same with a client that is connected already."""
    waiting = await asyncio.to_thread(_read)
    running, deliveries, strange = await _list(client)
    for one in sorted(await asyncio.to_thread(_unknown, deliveries))[:MOST_ASKED]:
        if await _runs(client, one):
            result.found(10, "", f"a workflow delivers {one}, which is not in the records")
    for _ in strange:
        result.found(12, "", "the id of a workflow is not made of the id of a referral or message alone")
    awaited = {one for one, row in waiting.items() if row.next_at is not None}
    # Visibility is some seconds old: whoever seems out of step is asked directly, and the records once more.
    odd = sorted(awaited ^ running.keys())[:MOST_ASKED]
    runs_now, read_again = await _describe(client, odd), await asyncio.to_thread(_read)
    ended = await asyncio.to_thread(_last_written, [one for one in odd if runs_now[one] and one not in awaited])
    for one in odd:
        row = read_again.get(one)
        is_awaited = row is not None and row.next_at is not None
        if is_awaited and not runs_now[one]:
            result.found(10, _number(row), "it waits for something, and no workflow keeps its appointments")
        elif row is None:
            if runs_now[one]:
                result.found(10, "", f"a workflow runs for {one}, which is not in the records")
        elif runs_now[one] and not is_awaited and not _is_fresh(row, ended.get(one)):
            result.found(10, _number(row), "a workflow runs for a referral that waits for nothing")
    for one in awaited & running.keys():
        for sentence in _compared(waiting[one], running[one]):
            result.found(10, waiting[one].number, sentence)
    return len(running)


def _number(row: Waits | None) -> str:
    return row.number if row is not None else ""


def _is_fresh(row: Waits, written_at: datetime | None) -> bool:
    """Whether it ended so lately that its workflow may still be told, or the worker that carried that out died before
    it said so."""
    return any(at is not None and not _is_too_long(at) for at in (row.untold_since, written_at))


def _is_too_long(untold_since: datetime) -> bool:
    return clock.now() - untold_since > UNTOLD_FOR * max(1.0, clock.speed())


def _compared(row: Waits, shown: Runs) -> Iterable[str]:
    if row.untold_since is not None and _is_too_long(row.untold_since):
        yield f"its workflow was not told of an earlier appointment since {row.untold_since.isoformat()}"
    if shown.program_id not in (None, row.program_id) or shown.setting not in (None, row.setting):
        yield "Temporal shows another program or setting"
    if row.untold_since is None and row.next_at is not None and shown.next_at is not None:
        if shown.next_at - row.next_at > SHOWN_WITHIN:
            yield "Temporal waits for a later time than the record"


def _read() -> dict[str, Waits]:
    asked = "SELECT id, number, program_id, setting, next_at, untold_since FROM referral"
    found = {}
    with moment() as connection:
        for row in connection.execute(text(asked)):
            waits = Waits(row.number, row.program_id, row.setting, instant(row.next_at), instant(row.untold_since))
            found[row.id] = waits
    return found


def _last_written(ids: list[str]) -> dict[str, datetime]:
    """When something was recorded last about each of them."""
    asked = text(
        "SELECT r.id, j.recorded_at FROM referral r JOIN journal j ON j.stream = r.id AND j.seq = r.journal_seq"
        " WHERE r.id = :id"
    )
    with moment() as connection:
        rows = [row for one in ids for row in connection.execute(asked, {"id": one})]
    return {one: at for one, kept in rows if (at := instant(kept)) is not None}


def _unknown(deliveries: set[str]) -> set[str]:
    """Those of them that no message of the records has."""
    left = set()
    with moment() as connection:
        for one in deliveries:
            asked = {"id": one.removeprefix("delivery-")}
            if not any(connection.execute(text(sql), asked).first() for sql in _MESSAGES):
                left.add(one)
    return left


_MESSAGES = ("SELECT 1 FROM notification WHERE id = :id", "SELECT 1 FROM person_text WHERE id = :id")


async def _list(client: Client) -> tuple[dict[str, Runs], set[str], list[str]]:
    running, deliveries, strange = {}, set(), []
    async for one in client.list_workflows('ExecutionStatus = "Running"'):
        if not _ID.fullmatch(one.id):
            strange.append(one.id)
        if one.id.startswith("delivery-"):
            deliveries.add(one.id)
        if one.workflow_type != _TYPE:
            continue
        shown = {pair.key.name: pair.value for pair in one.typed_search_attributes}
        running[one.id.removeprefix("transition-")] = Runs(
            shown.get("FootbridgeProgram"), shown.get("FootbridgeSetting"), shown.get("FootbridgeNextAt")
        )
    return running, deliveries, strange


async def _describe(client: Client, ids: list[str]) -> dict[str, bool]:
    return {one: await _runs(client, f"transition-{one}") for one in ids}


async def _runs(client: Client, workflow_id: str) -> bool:
    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return described.status is WorkflowExecutionStatus.RUNNING
