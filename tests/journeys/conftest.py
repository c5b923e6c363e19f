"""The engine's own server and clock, for these journeys too."""

from tests.engine.conftest import _the_clock_is_put_back, server

__all__ = ["_the_clock_is_put_back", "server"]
