"""Upkeep's one activity: reads from the records who was not told, and tells them."""

from __future__ import annotations

import asyncio
import logging

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from records import clock
from records.commands.absences import keep_absences
from records.commands.clearances import keep_clearances
from records.commands.idempotency import forget_answers
from records.commands.restoring import mark_reconciled
from records.commands.sealing import seal
from records.commands.systems import warn_of_ending
from records.commands.upkeep import mark_all_untold, mark_upkeep_ran
from records.engine import read_session, transaction
from records.queries.restored import find_restored, is_reconciled, once_due
from records.queries.upkeep import PATIENCE, agenda_lateness, find_upkeep_run, told_by_program
from workflows import names
from workflows.activities.appointments import herd
from workflows.client import begin_anew, count_running, knows_run, list_unfit
from workflows.names import CaughtUp
from workflows.untold import send_waiting, tell_strays, tell_untold

_STOP_AFTER_SECONDS = 45.0
_FEW, _FEW_OF_ALL = 3, 0.02
"""So many, or this share, may be missing without alarm: Temporal's count is some seconds old."""
_ALIVE_EVERY_SECONDS = names.CATCH_UP_HEARTBEAT.total_seconds() / 4
_log = logging.getLogger(__name__)


class CatchUp:
    """Holds the client that the activity tells with."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._unfit: set[str] = set()

    @activity.defn(name=names.CATCH_UP)
    async def catch_up(self) -> CaughtUp:
        """Absences begin and end, clearances end, somebody is told of tokens that end soon; whoever was not told is, in
        batches, until the minute is nearly over.

        Last, the journal is sealed, and what is kept for a day only is forgotten.
        """
        alive = asyncio.create_task(_say_alive())
        try:
            return await self._catch_up()
        finally:
            alive.cancel()

    async def _catch_up(self) -> CaughtUp:
        give_up_at = clock.unix_time() + _STOP_AFTER_SECONDS
        await asyncio.to_thread(_keep_absences)
        lateness = await asyncio.to_thread(_lateness)
        await self._bring_in_step()
        if lateness > PATIENCE.total_seconds():
            herd.see_to_it()
        await self._notice_what_is_lost()
        await self._begin_unfit_anew()
        told = await tell_untold(self._client, goes_on=lambda: clock.unix_time() < give_up_at)
        deliveries = await send_waiting(self._client)
        ours = activity.info()
        await asyncio.to_thread(_finish, f"{ours.workflow_id} {ours.workflow_run_id}")
        return CaughtUp(told=told, deliveries=deliveries, lateness_seconds=lateness)

    async def _bring_in_step(self) -> None:
        """One side was put back to an earlier moment. All transitions are told again, so that each asks the records,
        and those of referrals that the records do not know, or that wait for nothing, are told and end."""
        put_back, last_run = await asyncio.to_thread(_what_is_known)
        try:
            if put_back:
                why = "the records were put back from a backup"
            elif last_run and not await knows_run(self._client, *last_run.split()):
                why = "temporal does not know the last run of upkeep"
            else:
                return
            await asyncio.to_thread(_mark_all)
            strays = await tell_strays(self._client)
        except RPCError as error:
            _log.warning("temporal does not tell what it knows (%s)", type(error).__name__)
            return
        if put_back:
            await asyncio.to_thread(_reconciled)
        _log.warning("%s: all workflows are told again, %d of them that wait for nothing", why, strays)

    async def _notice_what_is_lost(self) -> None:
        """Temporal has far fewer workflows than were told: it lost its data, or was put back from an older copy. All
        are told again, the soonest first. A few that are missing are told when they are due."""
        for program_id, told in (await asyncio.to_thread(_told)).items():
            try:
                running = await count_running(self._client, program_id)
            except RPCError as error:
                _log.warning("temporal does not count its workflows (%s)", type(error).__name__)
                return
            if told - running > max(_FEW, told * _FEW_OF_ALL):
                await asyncio.to_thread(_mark_all, program_id)
                _log.warning("%s: %d of %d workflows are gone; all are told again", program_id, told - running, told)

    async def _begin_unfit_anew(self) -> None:
        """What was begun under a bad deploy does not go on by itself under good code. The second run that sees it
        begins it anew: until then metrics and pages have told of it for a minute."""
        try:
            unfit = await list_unfit(self._client)
        except RPCError as error:
            _log.warning("temporal does not tell what is stuck (%s)", type(error).__name__)
            return
        begun = await begin_anew(self._client, unfit & self._unfit)
        self._unfit = unfit.difference(begun)
        if begun:
            _log.error("%d workflows whose histories do not fit the code were begun anew from the records", len(begun))


async def _say_alive() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_ALIVE_EVERY_SECONDS)


def _told() -> dict[str, int]:
    with read_session() as session:
        return told_by_program(session)


def _what_is_known() -> tuple[bool, str]:
    """Whether the records were put back since the last run, and which run they know as the last."""
    with read_session() as session:
        return not is_reconciled(session), find_upkeep_run(session)


def _reconciled() -> None:
    with transaction() as session:
        mark_reconciled(session)


def _mark_all(program_id: str | None = None) -> int:
    with transaction() as session:
        return mark_all_untold(session, program_id)


def _keep_absences() -> None:
    with transaction() as session:
        restored = None if is_reconciled(session) else find_restored(session)
        with once_due(session, restored.at if restored is not None else clock.now()):
            keep_absences(session)
            keep_clearances(session)
            warn_of_ending(session)


def _lateness() -> float:
    with read_session() as session:
        return agenda_lateness(session).oldest_seconds


def _finish(run: str) -> None:
    with transaction() as session:
        seal(session)
        forget_answers(session)
        mark_upkeep_ran(session, run)
