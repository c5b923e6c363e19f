"""One web server of ours for a bench: as `footbridge api`, without a Temporal to tell (it is caught up by upkeep)."""

from __future__ import annotations

import os

import uvicorn

from bench.unprotected import take_away
from cli.slow_clients import PatientProtocol
from records import engine, sealing
from records.settings import get_settings


def main() -> None:
    """Serve what the environment says."""
    settings = get_settings()
    if os.environ.get("BENCH_IN_CLEAR"):
        sealing.leave_in_clear()
    if os.environ.get("BENCH_UNPROTECTED"):
        take_away()
    from api.app import create_app  # now: it takes the functions that stand there by then

    engine.configure(settings.sqlalchemy_url())
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        http=PatientProtocol,
    )


if __name__ == "__main__":
    main()
