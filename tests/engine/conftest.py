"""One real Temporal server for the whole session; it dies with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.temporal_server import TemporalServer, temporal_server
from records import clock
from tests.engine.running import DYNAMIC_CONFIG


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    """On a free port, its data in a temporary folder, with time skipping for the workflows that ask for it."""
    with temporal_server(tmp_path_factory.mktemp("temporal"), dynamic_config=DYNAMIC_CONFIG) as running:
        yield running


@pytest.fixture(autouse=True)
def _the_clock_is_put_back() -> Iterator[None]:
    yield
    clock.run_real()
