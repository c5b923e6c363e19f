"""`python -m bench [NAME …]`: all benches but the long ones, or those named; a table, and JSON in var/bench.json."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench import burst, checking, cost, filing, growth, pages, rebuilding, sealing, simulation, storm
from bench.figures import Figure, show
from bench.serving import SECRET

BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "cost": cost.run,
    "filing": filing.run,
    "pages": pages.run,
    "storm": storm.run,
    "burst": burst.run,
    "growth": growth.run,
    "rebuild": rebuilding.run,
    "simulate": simulation.run,
    "check": checking.run,
    "sealing": sealing.run,
    "protection": sealing.protection,
}
LONG = ("burst", "growth")
"""Not among all: each takes longer than the rest together. `make burst`, `make growth`."""


def main(names: list[str]) -> int:
    """Run them; 1 when something that is asked is not met."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"There is no bench {', '.join(unknown)}. There are: {', '.join(BENCHES)}.")
        return 2
    os.environ["FOOTBRIDGE_SECRET_KEY"] = SECRET  # what this process writes, the servers it starts can open
    figures: list[Figure] = []
    for name in names or [name for name in BENCHES if name not in LONG]:
        print(f"Measuring {name} ...", flush=True)
        figures += BENCHES[name]()
    show(figures, Path("var/bench.json"))
    return 0 if all(figure.is_met is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
