"""The test client, imported without the one warning it always gives.

Starlette prefers a fork of httpx; ours is fixed. Tests import it from here, so that every other warning stays an error.
"""

from __future__ import annotations

import warnings

from starlette.exceptions import StarletteDeprecationWarning

with warnings.catch_warnings():
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from fastapi.testclient import TestClient

__all__ = ["TestClient"]
