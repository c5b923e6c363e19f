"""A terminal of its own for each test: settings from the test alone, records in its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from records import clock, engine
from records.settings import get_settings


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data folder of a fresh installation; nothing of this shell's settings."""
    for name in [name for name in os.environ if name.startswith(("FOOTBRIDGE_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FOOTBRIDGE_DATA_DIR", str(tmp_path / "data"))
    # The guard puts a secret there for the processes it starts; this takes it away again.
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "")
    get_settings.cache_clear()
    yield tmp_path / "data"
    engine.dispose()
    clock.run_real()
    get_settings.cache_clear()
