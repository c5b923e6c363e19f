"""A house whose secret key the test knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from records import clock
from records.settings import get_settings
from tests.api.house import NOW, House, build_house
from tests.sealed.planted import FIRST


@pytest.fixture
def use_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set the secret key, and former ones."""

    def use(key: str, *former: str) -> None:
        monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", key)
        monkeypatch.setenv("FOOTBRIDGE_FORMER_SECRET_KEYS", ",".join(former))
        get_settings.cache_clear()

    use(FIRST)
    yield use
    get_settings.cache_clear()


@pytest.fixture
def house(use_key: Callable[..., None], database: str) -> Iterator[House]:
    """A program whose secret key is the first."""
    with clock.stopped_at(NOW):
        yield build_house()
