"""Temporal's data is gone, or older than the records: every appointment is made anew from the records, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from temporalio.client import Client

from records import clock
from records.commands.upkeep import mark_all_untold, mark_told
from records.engine import read_session, transaction
from records.queries.upkeep import list_undelivered, list_untold
from workflows.client import connect, send_off, tell

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Referrals that wait for something, those whose workflow was told or started, and messages set going."""

    awaited: int
    told: int
    deliveries: int


def rebuild(progress: Callable[[int, int], None], address: str = "") -> Rebuilt:
    """Tell every workflow that should be there, starting those that are not. Safe at any time and as often as one
    likes: a workflow that hears again what it knows does nothing, and a message goes out once.

    `progress` hears how many of how many are done. Raises RuntimeError or TimeoutError when Temporal cannot be reached.
    """
    return asyncio.run(_rebuild(progress, address))


async def _rebuild(progress: Callable[[int, int], None], address: str) -> Rebuilt:
    client = await connect(address)
    awaited = await asyncio.to_thread(_mark_all)
    told = await _tell_all(client, awaited, progress)
    return Rebuilt(awaited, told, len(await send_off(client, await asyncio.to_thread(_undelivered))))


async def _tell_all(client: Client, awaited: int, progress: Callable[[int, int], None]) -> int:
    seen: set[str] = set()
    told = 0
    while True:
        # What is overdue stays listed until its workflow has carried it out, and what could not be told as well.
        listed = await asyncio.to_thread(_untold, _BATCH + len(seen))
        batch = [referral_id for referral_id in listed if referral_id not in seen]
        if not batch:
            return told
        seen.update(batch)
        began = clock.now()
        heard = await tell(client, batch)
        await asyncio.to_thread(_mark, heard, began)
        told += len(heard)
        progress(told, max(awaited, told))


def _mark_all() -> int:
    with transaction() as session:
        return mark_all_untold(session)


def _untold(limit: int) -> list[str]:
    with read_session() as session:
        return list_untold(session, limit)


def _mark(referral_ids: list[str], before: datetime) -> None:
    if referral_ids:
        with transaction() as session:
            mark_told(session, referral_ids, before=before)


def _undelivered() -> list[str]:
    with read_session() as session:
        return list_undelivered(session)
