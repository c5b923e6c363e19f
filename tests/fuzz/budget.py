"""How much is tried: a little with every run of the tests, as much as one likes with `make fuzz`."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings


def tries(few: int, **more: Any) -> settings:
    """So many examples, and `FUZZ` times as many when that is set."""
    return settings(
        max_examples=few * int(os.environ.get("FUZZ", "1")),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # what fails is printed as it is; making it smaller asks a changed world
        print_blob=True,
        **more,
    )
