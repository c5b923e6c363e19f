"""The way into the engine for everybody else: tell a transition to look again, set a message going.

Nothing here may hold up a request or make it fail. What cannot be told now is on record as untold, and upkeep tells it
within a minute of Temporal's return.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import Context
from datetime import datetime
from itertools import islice

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client, Interceptor
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from records import clock
from records.commands.upkeep import mark_told
from records.engine import Word, transaction
from records.settings import get_settings
from workflows import names
from workflows.delivery import DeliveryWorkflow
from workflows.transition import TransitionWorkflow

DEFAULT_ADDRESS = "127.0.0.1:7233"

_log = logging.getLogger(__name__)
_CALL_SECONDS = 5.0  # around a whole call: the client's own time-out is for one try of several
_AT_ONCE = 20
_BATCH = 200
_MOST_WAITING = 10_000
_LONGEST_PAUSE_SECONDS = 15.0
_MARK_WITHIN_SECONDS = 0.5
_BATCHES_MARKED_AT_ONCE = 50
Origins = Mapping[str, Context]
_NOWHERE: Origins = {}
_UNREACHABLE = (RPCError, TimeoutError, OSError, RuntimeError)  # RuntimeError: what a failed connect raises


async def connect(address: str = "", *, runtime: Runtime | None = None) -> Client:
    """A client by Temporal's own environment variables and profile; `address` where they name none.

    Raises RuntimeError or TimeoutError when Temporal cannot be reached.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", address or DEFAULT_ADDRESS)
    async with asyncio.timeout(_CALL_SECONDS):
        return await Client.connect(**config, runtime=runtime, interceptors=_tracing())


def _tracing() -> list[Interceptor]:
    """What tells traces of calls, workflows and activities; below the request that led to them."""
    return [TracingInterceptor()] if get_settings().traces_url else []


async def tell(client: Client, referral_ids: Iterable[str], origins: Origins = _NOWHERE) -> list[str]:
    """Nudge these transitions, starting those that do not run. Returns the ids that were told."""

    async def nudge(referral_id: str) -> None:
        await client.start_workflow(
            TransitionWorkflow.run,
            referral_id,
            id=names.transition_id(referral_id),
            task_queue=names.TASK_QUEUE,
            start_signal="nudge",
        )

    return await _each(referral_ids, nudge, origins)


async def count_running(client: Client, program_id: str) -> int:
    """How many transitions of a program run, by Temporal's own count, which may be some seconds old."""
    return (
        await client.count_workflows(f'{_running(TransitionWorkflow)} AND {names.PROGRAM.name} = "{program_id}"')
    ).count


async def list_running(client: Client) -> list[str]:
    """The referrals whose transitions run, by Temporal's own list, which may be some seconds old."""
    return await _list(client, TransitionWorkflow, names.transition_id(""))


async def list_deliveries(client: Client) -> list[str]:
    """The messages whose deliveries run, by the same list."""
    return await _list(client, DeliveryWorkflow, names.delivery_id(""))


async def list_unfit(client: Client) -> set[str]:
    """The referrals whose transitions are stuck because their histories do not fit the code that runs: they were begun
    under other code, most likely a bad deploy that was rolled back."""
    marked = f'TemporalReportedProblems IN ("cause=WorkflowTaskFailedCause{_DOES_NOT_FIT}")'
    return set(await _list(client, TransitionWorkflow, names.transition_id(""), f" AND {marked}"))


_DOES_NOT_FIT = "NonDeterministicError"


async def begin_anew(client: Client, referral_ids: Iterable[str]) -> list[str]:
    """End these transitions where they stand and begin them again: they hold nothing that the records do not hold.
    Returns the ids that were begun."""

    async def begin(referral_id: str) -> None:
        await client.start_workflow(
            TransitionWorkflow.run,
            referral_id,
            id=names.transition_id(referral_id),
            task_queue=names.TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        )

    return await _each(referral_ids, begin, _NOWHERE)


async def _list(client: Client, kind: type, prefix: str, further: str = "") -> list[str]:
    return [one.id.removeprefix(prefix) async for one in client.list_workflows(_running(kind) + further)]


def _running(kind: type) -> str:
    return f'WorkflowType = "{kind.__name__}" AND ExecutionStatus = "Running"'


async def end_deliveries(client: Client, message_ids: Iterable[str]) -> list[str]:
    """Let these go unsent; one that has ended meanwhile is left alone. Returns the ids that were told to end."""

    async def end(message_id: str) -> None:
        try:
            await client.get_workflow_handle(names.delivery_id(message_id)).cancel()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    return await _each(message_ids, end, _NOWHERE)


async def knows_run(client: Client, workflow_id: str, run_id: str) -> bool:
    """Whether Temporal knows this run. It forgets what it was put back behind, and what ended longer ago than it keeps.

    Raises RPCError when it does not say.
    """
    try:
        await client.get_workflow_handle(workflow_id, run_id=run_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def send_off(client: Client, notification_ids: Iterable[str], origins: Origins = _NOWHERE) -> list[str]:
    """Start the delivery of these messages; one that is under way is left alone. Returns the ids that were started."""

    async def start(notification_id: str) -> None:
        await client.start_workflow(
            DeliveryWorkflow.run,
            notification_id,
            id=names.delivery_id(notification_id),
            task_queue=names.TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            priority=names.AFTER_APPOINTMENTS,
        )

    return await _each(notification_ids, start, origins)


async def _each(ids: Iterable[str], call: Callable[[str], Awaitable[None]], origins: Origins) -> list[str]:
    """Call for each id, some at once, each within its time and where it comes from. Returns those that went well."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(an_id: str) -> str | None:
        async with places:
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    await call(an_id)
            except _UNREACHABLE as error:
                _log.warning("temporal did not take %s: %s; upkeep will", an_id, type(error).__name__)
                return None
            return an_id

    calls = [asyncio.create_task(one(an_id), context=origins.get(an_id)) for an_id in ids]
    return [an_id for an_id in await asyncio.gather(*calls) if an_id is not None]


class Teller:
    """Passes on what commits have to say, from a thread of its own.

    `hear` goes to `records.engine.on_commit`. At most 10,000 words wait; beyond that, and whenever Temporal is away,
    words are dropped: the records know who is untold.
    """

    def __init__(self, connection: Callable[[], Awaitable[Client]] = connect) -> None:
        self._connection = connection
        self._client: Client | None = None
        self._nudges: dict[str, Context | None] = {}
        self._deliveries: dict[str, Context | None] = {}
        self._told: list[tuple[datetime, list[str]]] = []
        self._lock = threading.Lock()
        self._word = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="footbridge-teller", daemon=True)

    def start(self) -> Teller:
        """Begin to pass words on."""
        self._thread.start()
        return self

    def hear(self, word: Word) -> None:
        """Take a word from a commit. Returns at once, whatever state Temporal is in."""
        with self._lock:
            for waiting, ids in ((self._nudges, word.nudges), (self._deliveries, word.deliveries)):
                if len(waiting) < _MOST_WAITING:
                    waiting.update({an_id: word.origins.get(an_id) for an_id in ids})
        self._word.set()

    def close(self, within_seconds: float = 5.0) -> None:
        """Pass on what was heard, for so long at most, and stop."""
        self._closing.set()
        self._word.set()
        self._thread.join(within_seconds)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            pause = 0.0
            while True:
                heard = self._word.wait(_MARK_WITHIN_SECONDS if self._told else None)
                self._word.clear()
                while batch := self._take():
                    reached = runner.run(self._pass_on(*batch))
                    pause = 0.0 if reached else min(max(1.0, 2 * pause), _LONGEST_PAUSE_SECONDS)
                    if pause and self._closing.wait(pause):
                        return
                if not heard or len(self._told) >= _BATCHES_MARKED_AT_ONCE or self._closing.is_set():
                    self._mark()
                if self._closing.is_set():
                    return

    def _take(self) -> tuple[_Batch, _Batch] | None:
        """The words that wait, a batch at most; None when there are none."""
        with self._lock:
            nudges, deliveries = _first(self._nudges), _first(self._deliveries)
        return (nudges, deliveries) if nudges or deliveries else None

    async def _pass_on(self, nudges: _Batch, deliveries: _Batch) -> bool:
        """Whether Temporal took all of it."""
        if self._client is None:
            try:
                self._client = await self._connection()
            except _UNREACHABLE as error:
                _log.warning("temporal is away (%s): upkeep will tell %d", type(error).__name__, len(nudges))
                return False
        began = clock.now()
        told = await tell(self._client, nudges, _known(nudges))
        started = await send_off(self._client, deliveries, _known(deliveries))
        if told:
            self._told.append((began, told))
        return len(told) + len(started) == len(nudges) + len(deliveries)

    def _mark(self) -> None:
        """Record who was told, many in one transaction: a commit for each would slow the requests down."""
        batches, self._told = self._told, []
        if not batches:
            return
        try:
            with transaction() as session:
                for began, told in batches:
                    mark_told(session, told, before=began)
        except SQLAlchemyError as error:
            _log.warning("not recorded as told (%s): upkeep will tell again", type(error).__name__)


_Batch = dict[str, Context | None]


def _first(waiting: _Batch) -> _Batch:
    """Take those that have waited longest, a batch at most."""
    return {an_id: waiting.pop(an_id) for an_id in list(islice(waiting, _BATCH))}


def _known(batch: _Batch) -> Origins:
    return {an_id: origin for an_id, origin in batch.items() if origin is not None}
