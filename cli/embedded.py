"""`footbridge up`: everything on one machine. The Temporal server that the package ships, the worker, the web server.

Temporal's maker calls that server a development server. Footbridge's promise does not rest on it: the records hold
every fact, and upkeep restores every appointment from them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from cli.processes import Child, Supervisor, free_port, is_answering, only_one
from cli.temporal_server import TemporalServer, TemporalServerError, temporal_server
from records.settings import Settings

__all__ = ["Addresses", "CannotStart", "temporal_server", "up"]

_LOOK_SECONDS = 0.5
_API_SECONDS = 60.0
_WORKER_GRACE_SECONDS = 35.0  # the worker gives its activities 30


class CannotStart(Exception):
    """Why the embedded run does not start, in a sentence for the person at the keyboard."""


@dataclass(frozen=True)
class Addresses:
    """Where everything is, once it runs."""

    pages: str
    temporal: str
    temporal_pages: str
    logs: Path


def up(
    settings: Settings,
    *,
    prepare: Callable[[], None] = lambda: None,
    announce: Callable[[Addresses], None] = lambda _: None,
    temporal_port: int = 0,
    temporal_ui_port: int = 0,
    worker: Sequence[str] = (sys.executable, "-m", "cli.main", "worker"),
    api: Sequence[str] = (sys.executable, "-m", "cli.main", "api"),
) -> None:
    """Run everything until Ctrl-C or SIGTERM; what crashes is started again. Call from the main thread.

    `prepare` runs while the Temporal server starts: migrations, the demonstration's people. `announce` prints what is
    worth knowing before the last line. Ports of zero are free ones. Raises CannotStart.
    """
    data_dir = settings.data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    with only_one(data_dir / "lock") as alone:
        if not alone:
            raise CannotStart(f"Footbridge already runs on {data_dir}. Choose another with FOOTBRIDGE_DATA_DIR.")
        if is_answering(settings.host, settings.port):
            raise CannotStart(f"Port {settings.port} is in use. Choose another with FOOTBRIDGE_PORT.")
        server = TemporalServer(data_dir, temporal_port or free_port(), temporal_ui_port or free_port())
        addresses = Addresses(
            pages=f"http://{settings.host}:{settings.port}",
            temporal=server.address,
            temporal_pages=f"http://127.0.0.1:{server.ui_port}",
            logs=data_dir,
        )
        stopping = _on_stop_signals()
        supervisor = Supervisor()
        try:
            temporal = supervisor.add(Child("Temporal server", server.argv(), server.log, dict(os.environ)))
            prepare()
            server.wait_until_serving(temporal.process)
            env = _environment(settings, server)
            supervisor.add(Child("worker", worker, data_dir / "worker.log", env, stop_seconds=_WORKER_GRACE_SECONDS))
            web = supervisor.add(Child("web server", api, data_dir / "api.log", env))
            if _is_up(web, settings, stopping):
                announce(addresses)
                print(f"Footbridge is ready at {addresses.pages}", flush=True)
            while not stopping.wait(_LOOK_SECONDS):
                for said in supervisor.look_after_all():
                    print(said, file=sys.stderr, flush=True)
        except TemporalServerError as error:
            raise CannotStart(str(error)) from error
        finally:
            supervisor.end_all()


def _is_up(web: Child, settings: Settings, stopping: threading.Event) -> bool:
    """Wait until the web server answers; False when told to stop first. Raises CannotStart when it does not come up."""
    deadline = time.monotonic() + _API_SECONDS
    while not is_answering(settings.host, settings.port):
        if web.process is None or web.process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(f"The web server did not start. See {web.log}")
        if stopping.wait(0.05):
            return False
    return True


def _environment(settings: Settings, server: TemporalServer) -> dict[str, str]:
    """What the children are told: our Temporal server, whatever a profile of this user says, and one data folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return env | {
        "TEMPORAL_ADDRESS": server.address,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "FOOTBRIDGE_DATA_DIR": str(server.data_dir),
        "FOOTBRIDGE_PORT": str(settings.port),
        "FOOTBRIDGE_HOST": settings.host,
    }


def _on_stop_signals() -> threading.Event:
    """An event that the first SIGINT or SIGTERM sets."""
    stopping = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    return stopping
