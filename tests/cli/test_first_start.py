"""A web server that starts in production with nobody on the list says where the first administrator is made."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

import pytest

from cli.processes import free_port
from tests.cli.test_processes_of_the_terminal import footbridge, lines_until, running

pytestmark = pytest.mark.sqlite


def test_the_console_says_where_and_the_page_is_there(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "FOOTBRIDGE_ENVIRONMENT": "production",
        "FOOTBRIDGE_SECRET_KEY": "0123456789abcdef" * 4,
        "FOOTBRIDGE_DATABASE_URL": f"sqlite:///{tmp_path / 'production.sqlite3'}",
        "FOOTBRIDGE_PORT": str(port),
        "FOOTBRIDGE_PUBLIC_URL": "https://bridges.example",
        "TEMPORAL_ADDRESS": "127.0.0.1:9",
    }
    assert footbridge(tmp_path, "migrate", **settings).returncode == 0
    with running(tmp_path, "api", **settings) as process:
        said = lines_until(process, "/set-up/")
        lines_until(process, "Uvicorn running")
        address = re.search(r"https://bridges\.example(/set-up/\S+)", said[-1])
        assert address is not None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{address[1]}", timeout=20) as page:
            assert "Set up Footbridge" in page.read().decode()
