"""What must hold after a crash: what was acknowledged is there, once; what was not is there once it was asked again;
every promise holds by the independent check."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from temporalio.client import Client

from records.checking.run import check
from tests.crash.world import World

MESSAGES_WITHIN = 240.0
"""Seconds. A message whose sender died is looked at again after a minute by Temporal, and given up after two."""


@dataclass
class Texts:
    """What became of the texts, by the records and by the gateway."""

    sent: int = 0
    unconfirmed: int = 0
    of_them_out: int = 0
    problems: list[str] = field(default_factory=list)


def promises_of(world: World, referral_ids: list[str]) -> list[str]:
    """What the independent check says of these referrals."""
    if not referral_ids:
        return []
    quoted = ", ".join(f"'{one}'" for one in referral_ids)
    numbers = [number for (number,) in world.rows(f"SELECT number FROM referral WHERE id IN ({quoted})")]
    with world.records():
        found = check(only=numbers)
    return [f"{one.referral}: {one.name}: {one.sentence}" for one in found.findings]


def all_promises(world: World) -> tuple[int, list[str]]:
    """How many referrals `footbridge check` looked at, and what does not hold, in the records and in Temporal.

    Workflows that were handed to a worker just before it died come to their end a little later: that is waited for.
    """
    waits = "SELECT count(*) FROM referral WHERE next_at IS NOT NULL"
    world.until(lambda: _running(world) <= world.ask(waits), 90, "workflows run for whom nothing is awaited", every=0.5)
    line = [sys.executable, "-m", "cli.main", "check", "--json", "--require-temporal"]
    done = subprocess.run(line, env=world.environment(), capture_output=True, text=True, check=False)
    if not done.stdout:
        return 0, [f"the check could not be made: {done.stderr}"]
    said = json.loads(done.stdout)
    found = [f"{one['referral']}: {one['name']}: {one['sentence']}" for one in said["findings"]]
    if done.returncode == 2:
        found.append(f"Temporal was not asked: {done.stderr}")
    return said["referrals"], found


def wait_for_texts(world: World, seconds: float = MESSAGES_WITHIN) -> None:
    """Until none is under way. Upkeep is run meanwhile, as it is each minute."""

    def none_is() -> bool:
        waiting = "SELECT count(*) FROM notification WHERE state IN ('queued', 'sending') AND channel = 'sms'"
        if not world.ask(waiting):
            return True
        world.trigger_upkeep()
        return False

    world.until(none_is, seconds, "texts are still under way", every=2.0)


def texts(world: World) -> Texts:
    """The records held beside what came to the gateway: each at most once, and each that is called sent once."""
    found, came = Texts(), Counter(world.sink.came)
    for key, state, created in world.rows("SELECT key, state, created_at FROM notification WHERE channel = 'sms'"):
        count = came.pop(hashlib.sha256(key.encode()).hexdigest(), 0)
        if count > 1:
            found.problems.append(f"a text of {created} came {count} times")
        if state == "sent":
            found.sent += 1
            if count == 0:
                found.problems.append(f"a text of {created} is called sent, and never came")
        elif state == "unconfirmed":
            found.unconfirmed += 1
            found.of_them_out += count
        elif count:
            found.problems.append(f"a text of {created} came, and is called {state}")
    if came:
        found.problems.append(f"{len(came)} texts came that no record knows")
    return found


def in_the_end(world: World, say: Callable[[str], None]) -> list[str]:
    """When everything has come to rest: every promise holds, in the records and in Temporal, and no text came twice."""
    wait_for_texts(world)
    world.trigger_upkeep()
    untold = "SELECT count(*) FROM referral WHERE untold_since IS NOT NULL"
    world.until(lambda: not world.ask(untold), 90, "some transitions are untold")
    referrals, problems = all_promises(world)
    said = texts(world)
    say(f"{referrals} referrals checked; texts: {said.sent} came once, {said.unconfirmed} unconfirmed, of which"
        f" {said.of_them_out} had come")  # fmt: skip
    return problems + said.problems


def _running(world: World) -> int:
    """How many transitions run."""
    asked = 'WorkflowType = "TransitionWorkflow" AND ExecutionStatus = "Running"'

    async def count(client: Client) -> int:
        return (await client.count_workflows(asked)).count

    return int(world.in_temporal(count, 10))
