"""A plugin of pytest for these runs: what runs on both databases runs on SQLite, since a leak shows on either."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the runs on PostgreSQL out."""
    items[:] = [one for one in items if _kind(one) != "postgresql"]


def _kind(item: pytest.Item) -> object:
    called = getattr(item, "callspec", None)
    return called.params.get("database_kind") if called is not None else None
