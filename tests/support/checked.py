"""The independent check over the open database, as tests ask it at their end."""

from __future__ import annotations

from records.checking.run import check


def assert_every_promise_holds() -> None:
    """Every promise holds for every referral of the open database (design §5), by the check's own reading."""
    found = check(ask_again_after=0)
    assert found.violations == 0, "\n" + "\n".join(f"{one.name}: {one.sentence}" for one in found.findings)
