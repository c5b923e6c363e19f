"""What `.ci/run` says about known faults: nothing is claimed of what nobody was asked about."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parents[1] / ".ci" / "known_faults.py"
AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SOUND = {"name": "sound", "version": "1", "vulns": []}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def faulty(*fixed: str) -> dict[str, Any]:
    return {"name": "faulty", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": list(fixed)}]}


def summary(found: Any) -> tuple[str, int]:
    spec = importlib.util.spec_from_file_location("known_faults", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines, status = module.summary(found, AT)
    return "\n".join(lines), status


@pytest.mark.parametrize("found", [None, {"dependencies": [UNKNOWN, UNKNOWN]}])
def test_where_nobody_could_be_asked_nothing_is_claimed(found: Any) -> None:
    said, status = summary(found)
    assert "nothing is claimed" in said
    assert "2026-11-28 12:00 UTC" in said
    assert status == 0


def test_what_is_known_is_said_with_its_date() -> None:
    said, status = summary({"dependencies": [SOUND, UNKNOWN]})
    assert said.startswith(
        "Known faults: PyPI was asked about 1 of 2 packages, as it knew them at 2026-11-28 12:00 UTC."
    )
    assert (said.endswith("It knew of none."), status) == (True, 0)


def test_a_fault_that_a_newer_version_mends_stops_the_run() -> None:
    said, status = summary({"dependencies": [SOUND, faulty("1.1")]})
    assert (status, "faulty 1: PYSEC-1, mended in 1.1" in said) == (1, True)
    said, status = summary({"dependencies": [faulty()]})
    assert (status, "not mended yet" in said) == (0, True)
