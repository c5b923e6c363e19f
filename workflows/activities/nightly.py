"""The nightly check: in a process of its own, what it found kept where pages and metrics read it, admins told."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from records import clock, engine
from records.checking.run import Checked
from records.commands.upkeep import keep_check
from workflows import names
from workflows.checking import add_temporal
from workflows.names import Held

_log = logging.getLogger(__name__)


class CheckFailed(RuntimeError):
    """The process that checks ended without an answer."""


class Nightly:
    """Holds the client that the check asks Temporal with."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn(name=names.CHECK)
    async def check(self) -> Held:
        """Look at everything; raises CheckFailed when that could not be done."""
        result = await _apart()
        try:
            await add_temporal(result, self._client)
        except RPCError as error:
            _log.warning("temporal was not checked (%s)", type(error).__name__)
        await asyncio.to_thread(_keep, result)
        if result.violations:
            _log.error("the nightly check: %d things do not hold; see footbridge check", result.violations)
        return Held(result.referrals, result.violations)


async def _apart() -> Checked:
    """The check in a process of its own: a worker that looked at a hundred thousand would keep nothing on time."""
    asked = {"url": engine.url(), "clock": clock.settings()}  # by its input: an address may hold a password
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "records.checking", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await process.communicate(json.dumps(asked).encode())
    finally:
        if process.returncode is None:  # the worker stops
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise CheckFailed(f"the check ended with {process.returncode}")
    return Checked.of(json.loads(said))


def _keep(result: Checked) -> None:
    with engine.transaction() as session:
        keep_check(session, result.as_data())
