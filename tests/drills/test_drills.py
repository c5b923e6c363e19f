"""One drill each way, as `make drills` does sixty: the records older, Temporal older."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.__main__ import one


@pytest.mark.sqlite
@pytest.mark.parametrize("seed", [1002, 1003], ids=["records older", "temporal older"])
def test_both_sides_are_in_step_again(
    seed: int, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "SECRET_KEY", "EMAIL_GATEWAY", "SMTP_PORT", "SMTP_TLS"):
        monkeypatch.setenv(f"FOOTBRIDGE_{name}", "")  # put back at the end, whatever the drill sets
    reached = one(seed, tmp_path, database_url)
    assert reached.problems == []
    assert reached.referrals >= 4
    assert reached.lost_entries
    assert reached.sent_before
