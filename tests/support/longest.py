"""Which files of tests take longest."""

from __future__ import annotations

from pathlib import Path

_TESTS = Path(__file__).parents[1]
LONGEST = [
    _TESTS / name
    for name in (
        "access/test_matrix.py",
        "simulation/test_troubled.py",
        "journeys/test_whole_journey.py",
        "crash/test_small.py",
        "canary/test_canary.py",
        "engine/test_conformance.py",
        "engine/test_storm.py",
        "drills/test_drills.py",
    )
]
"""By few tests each: with them last, one process would be at work and the others done. The longest first."""
