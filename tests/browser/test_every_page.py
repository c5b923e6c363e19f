"""Every main page of every face, at both sizes: it is there, it fits, and nothing grave is against it."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visit
from tests.browser.shots import FACES, go


@pytest.mark.parametrize("size", ["phone", "desk"])
@pytest.mark.parametrize("face", FACES)
def test_the_pages_of(visit: Visit, face: str, size: str) -> None:
    email, pages = FACES[face]
    with visit(email, size) as visitor:
        for _, where in pages:
            go(visitor.page, visitor.address, where)
            visitor.looks()
