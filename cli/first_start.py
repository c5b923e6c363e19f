"""What the console says when nobody signs in here yet: the address at which the first administrator is made."""

from __future__ import annotations

from records import engine
from records.commands import set_up
from records.settings import Settings


def set_up_address(settings: Settings) -> str | None:
    """The address, in production and as long as nobody is on the list; a demonstration brings its own people."""
    if settings.environment != "production":
        return None
    with engine.transaction() as session:
        token = set_up.set_up_token(session)
    return f"{settings.base_url()}{set_up.PATH}/{token}" if token is not None else None


def say_it(settings: Settings) -> None:
    """Print the address where whoever starts Footbridge reads it; not in a log that is kept for long."""
    address = set_up_address(settings)
    if address is not None:
        print("Nobody signs in here yet. Make the first administrator, within a day, once, at:", flush=True)
        print(f"  {address}", flush=True)
