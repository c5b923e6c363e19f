"""What ninety days cost the engine. The whole story, on both databases, is in `tests/journeys`."""

from __future__ import annotations

from bench.cost import USUAL, measure
from cli.temporal_server import TemporalServer


def test_ninety_days_with_every_contact_made_cost_at_most_200_events(server: TemporalServer) -> None:
    cost = measure(server.address, USUAL)
    assert cost.contacts >= 20
    assert cost.events <= 8 * cost.contacts
    assert cost.events <= 200
    assert cost.actions < cost.events / 2, "a wake-up is a timer, a local activity and a search attribute"
    assert cost.size < 64 * 1024
