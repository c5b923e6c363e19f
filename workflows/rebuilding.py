"""Temporal's data is gone, or older than the records: every appointment is made anew from the records, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from records.commands.upkeep import mark_all_untold
from records.engine import transaction
from workflows.client import connect
from workflows.untold import send_waiting, tell_strays, tell_untold


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Referrals that wait for something, those whose workflow was told or started, messages set going, and workflows
    that were told because their referral waits for nothing, or is not there: they end."""

    awaited: int
    told: int
    deliveries: int
    strays: int


def rebuild(progress: Callable[[int, int], None], address: str = "") -> Rebuilt:
    """Tell every workflow that should be there, starting those that are not. Safe at any time and as often as one
    likes: a workflow that hears again what it knows does nothing, and a message goes out once.

    `progress` hears how many of how many are done. Raises RuntimeError or TimeoutError when Temporal cannot be reached.
    """
    return asyncio.run(_rebuild(progress, address))


async def _rebuild(progress: Callable[[int, int], None], address: str) -> Rebuilt:
    client = await connect(address)
    awaited = await asyncio.to_thread(_mark_all)
    told = await tell_untold(client, progress=lambda so_far: progress(so_far, max(awaited, so_far)))
    return Rebuilt(awaited, told, await send_waiting(client), await tell_strays(client))


def _mark_all() -> int:
    with transaction() as session:
        return mark_all_untold(session)
