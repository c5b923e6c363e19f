"""A small program with a hospital and a jail, on a stopped clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.pace import Paces
from records import clock
from records.settings import get_settings
from tests.api.house import NOW, House, build_house


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with clock.stopped_at(NOW):
        built = build_house()
        # A thousand races file a thousand people within a minute: more than one account may.
        built.app.state.paces = Paces(get_settings().model_copy(update={"person_requests_a_minute": 1_000_000}))
        yield built
