"""What is folded away under an event: the words that people typed, as they typed them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.timeline import Names, details

NAMES = Names(staff={}, contacts={}, zone="America/Chicago", now=datetime(2026, 11, 3, tzinfo=UTC))


@pytest.mark.parametrize("event", ["cancel.requested", "contact.waived", "rhythm.changed", "welfare.decided"])
@pytest.mark.parametrize("typed", ["other", "no_show", "declined", "away", "moved"])
def test_a_reason_that_somebody_typed_stays_as_it_was_typed(event: str, typed: str) -> None:
    assert {"term": "Reason", "text": typed} in details(event, {"reason": typed}, NAMES)


def test_a_reason_that_was_chosen_is_told_by_its_label() -> None:
    assert details("hold.outdated", {"reason": "in_custody"}, NAMES) == [{"term": "Reason", "text": "In custody"}]
    assert {"term": "Reason", "text": "No capacity"} in details("referral.rejected", {"reason": "no_capacity"}, NAMES)
