"""`python -m tests.mutants [NAME …]`: plants each leak and bug in a copy of the project and runs its tests.

One that no test notices is a hole in the tests. Ends with 1 when there is one, or when the tests fail unbroken.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table

from tests.mutants.planted import Mutant, copy_project, is_caught, load, run_tests

AT_ONCE = max(1, min(4, os.cpu_count() or 1))


def main(names: Sequence[str]) -> int:
    """All of them, or those named."""
    mutants = [mutant for mutant in load() if not names or mutant.name in names]
    console = Console()
    if unknown := set(names) - {mutant.name for mutant in mutants}:
        console.print(f"There is no {', '.join(sorted(unknown))}.")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copy_project(Path(folder) / str(number))
            copies.put(Path(folder) / str(number))
        console.print("Nothing is broken yet …")
        done = run_tests(Path(folder) / "0", sorted({test for mutant in mutants for test in mutant.caught_by}))
        if done.returncode != 0:
            console.print(done.stdout[-4000:], markup=False)
            console.print("[bold red]The tests fail before anything is broken.")
            return 1
        missed = _plant_all(mutants, copies, console)
    for name in missed:
        console.print(f"[bold red]Nothing noticed {name}.")
    console.print(f"{len(mutants) - len(missed)} of {len(mutants)} were caught.")
    return 1 if missed else 0


def _plant_all(mutants: Sequence[Mutant], copies: SimpleQueue[Path], console: Console) -> list[str]:
    """Those that nothing noticed; each is tried in a copy of its own, several at once."""
    table = Table("planted", "what is so with it", "noticed", "seconds")
    missed: list[str] = []

    def plant(mutant: Mutant) -> tuple[bool, float]:
        copy, begun = copies.get(), time.monotonic()
        try:
            return is_caught(copy, mutant), time.monotonic() - begun
        finally:
            copies.put(copy)

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(AT_ONCE) as pool:
        bar = progress.add_task("", total=len(mutants))
        for mutant, (caught, seconds) in zip(mutants, pool.map(plant, mutants), strict=True):
            table.add_row(mutant.name, mutant.what, "yes" if caught else "[bold red]NO", f"{seconds:.0f}")
            if not caught:
                missed.append(mutant.name)
            progress.console.print(f"{mutant.name}: {'noticed' if caught else 'NOT NOTICED'} ({seconds:.0f} s)")
            progress.advance(bar)
    console.print(table)
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
