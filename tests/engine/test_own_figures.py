"""A worker tells its own figures where the setting says so: Temporal's SDK counts what fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from cli.processes import free_port
from cli.temporal_server import TemporalServer
from records import migrate


def test_a_worker_tells_prometheus_its_own_figures(server: TemporalServer, tmp_path: Path) -> None:
    url, port = f"sqlite:///{tmp_path / 'records.sqlite3'}", free_port()
    migrate.upgrade(url)
    worker = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "worker"],
        env={
            **os.environ,
            "FOOTBRIDGE_ENVIRONMENT": "test",
            "FOOTBRIDGE_DATABASE_URL": url,
            "FOOTBRIDGE_WORKER_METRICS": f"127.0.0.1:{port}",
            "TEMPORAL_ADDRESS": server.address,
        },
        stderr=subprocess.PIPE,
    )
    try:
        told, deadline = "", time.monotonic() + 30
        while "temporal_worker_start" not in told and time.monotonic() < deadline and worker.poll() is None:
            time.sleep(0.2)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    told = answer.read().decode()
            except urllib.error.URLError:
                continue
    finally:
        worker.terminate()
        said = worker.communicate(timeout=45)[1].decode()
    assert "temporal_worker_start" in told, said
    assert "temporal_num_pollers" in told
