"""Telling whoever was not told: the soonest appointment first, in batches, as far as there is time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from temporalio.client import Client

from records import clock
from records.commands.upkeep import mark_told
from records.engine import read_session, transaction
from records.queries.upkeep import known_messages, list_awaited_ids, list_undelivered, list_untold
from workflows.client import end_deliveries, list_deliveries, list_running, send_off, tell

_BATCH = 500


async def tell_untold(
    client: Client, *, goes_on: Callable[[], bool] = lambda: True, progress: Callable[[int], None] = lambda told: None
) -> int:
    """Tell every workflow that was not told, each once, while it `goes_on`; returns how many heard.

    `progress` hears how many did so far.
    """
    seen: set[str] = set()
    told = 0
    while goes_on():
        # What is overdue stays listed until its workflow has carried it out, and what could not be told stays as well.
        listed = await asyncio.to_thread(_untold, len(seen) + _BATCH)
        batch = [referral_id for referral_id in listed if referral_id not in seen]
        if not batch:
            break
        seen.update(batch)
        began = clock.now()
        heard = await tell(client, batch)
        await asyncio.to_thread(_mark, heard, began)
        told += len(heard)
        progress(told)
    return told


async def tell_strays(client: Client) -> int:
    """Tell the transitions of referrals that the records do not know, or that wait for nothing: they ask and end. The
    deliveries of messages that the records do not know end as well.

    Returns how many transitions there were. Raises RPCError.
    """
    running, deliveries = await list_running(client), await list_deliveries(client)
    # Read later than the lists: what was filed or written meanwhile is no stray.
    awaited, known = await asyncio.to_thread(_awaited), await asyncio.to_thread(_known, deliveries)
    await end_deliveries(client, [one for one in deliveries if one not in known])
    return len(await tell(client, [one for one in running if one not in awaited]))


async def send_waiting(client: Client) -> int:
    """Set a batch of waiting messages going, the oldest first; returns how many."""
    return len(await send_off(client, await asyncio.to_thread(_undelivered)))


def _untold(limit: int) -> list[str]:
    with read_session() as session:
        return list_untold(session, limit)


def _mark(referral_ids: list[str], before: datetime) -> None:
    if referral_ids:
        with transaction() as session:
            mark_told(session, referral_ids, before=before)


def _awaited() -> set[str]:
    with read_session() as session:
        return list_awaited_ids(session)


def _known(message_ids: list[str]) -> set[str]:
    with read_session() as session:
        return known_messages(session, message_ids)


def _undelivered() -> list[str]:
    with read_session() as session:
        return list_undelivered(session, _BATCH)
