"""How many ninety-day journeys a minute, with the commands and on the agenda alone, on one core."""

from __future__ import annotations

import time

from bench.figures import Figure, at_least
from cli.simulation.agenda_alone import live_on_agenda
from cli.simulation.run import simulate


def run(lives: int = 200) -> list[Figure]:
    """By the processor's time, so that other work on the machine does not count."""
    live_on_agenda(50, 1)
    simulate(20, 1)  # statements are put together once a process
    seconds, _ = live_on_agenda(2000, 2)
    began = time.process_time()
    result = simulate(lives, 2)
    took = time.process_time() - began
    if result.broken:
        raise RuntimeError(result.broken[0])
    return [
        at_least("simulate", "with the commands", lives / took * 60, "journeys a minute", 2000),
        at_least("simulate", "on the agenda alone", 2000 / seconds * 60, "journeys a minute", 50_000),
    ]
