"""What the processes that a bench started use, read from /proc: only on Linux."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

NAMES = {"start-dev": "Temporal", "cli.main worker": "the worker", "bench.ours": "the web server"}
"""By what stands in their command lines."""
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> dict[str, float]:
    """Of each, since it began."""
    used: dict[str, float] = {}
    for who, place in _children():
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        used[who] = (int(fields[11]) + int(fields[12])) / _TICKS
    return used


def memory() -> dict[str, float]:
    """What each holds now, in MB."""
    held: dict[str, float] = {}
    for who, place in _children():
        lines = (place / "status").read_text().splitlines()
        held[who] = int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024
    return held


def _children() -> Iterator[tuple[str, Path]]:
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended
            continue
        who = next((name for word, name in NAMES.items() if word in line), None)
        if who is not None and int(parent) == os.getpid():
            yield who, place
