"""Zones and instants for the tests of the clocks, and the hours around which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",  # no daylight saving
    "Pacific/Honolulu",  # none either, and far west
    "Europe/London",
    "Australia/Lord_Howe",  # daylight saving of half an hour, and the seasons the other way round
)
zones = st.sampled_from(ZONES)

_CHANGES = (
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York springs forward
    datetime(2026, 3, 8, 10, tzinfo=UTC),  # Los Angeles
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # London
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe falls back
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # Lord Howe springs forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # London falls back
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York
    datetime(2026, 11, 1, 9, tzinfo=UTC),  # Los Angeles
)


def _near(change: datetime) -> st.SearchStrategy[datetime]:
    day = 86_400
    return st.integers(-8 * day, 2 * day).map(lambda s: datetime.fromtimestamp(change.timestamp() + s, UTC))


instants = st.one_of(
    st.sampled_from(_CHANGES).flatmap(_near),
    st.integers(1_750_000_000, 1_900_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
)
"""Any second from 2025 to 2030, half of them within days of a change of the clocks."""


def utc(text: str) -> datetime:
    """The instant written as `2026-03-07 18:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
