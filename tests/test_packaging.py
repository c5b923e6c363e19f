"""What `pip install .` installs works by itself: nothing that the code opens is left behind in the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("api", "cli", "domain", "records", "templates", "workflows")
NOT_OURS = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
USE = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
import api.app, domain.protocol, records.migrate
from records import engine
from records.settings import Settings
here = Path(sys.argv[1])
assert Path(api.app.__file__).is_relative_to(here), api.app.__file__
assert list(domain.protocol.FOLDER.glob("*.toml")), "no protocols"
url = f"sqlite:///{here / 'installed.sqlite3'}"
records.migrate.upgrade(url)
engine.configure(url)
answer = TestClient(api.app.create_app(Settings(environment="test", database_url=url, data_dir=here))).get("/sign-in")
assert answer.status_code == 200, answer.status_code
print("It works.")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from a copy: building leaves its traces beside the sources."""
    sources, built = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("built")
    for name in PARTS:
        shutil.copytree(ROOT / name, sources / name, ignore=NOT_OURS)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(built)], cwd=sources, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(built.glob("*.whl")))


def test_the_wheel_holds_every_file_of_every_part(wheel: zipfile.ZipFile) -> None:
    wanted = {
        path.relative_to(ROOT).as_posix()
        for part in PARTS
        for path in (ROOT / part).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {"templates/base.html", "records/migrations/env.py"} <= wanted, "the test must see what it looks for"
    assert wanted - set(wheel.namelist()) == set()


def test_what_was_installed_works_away_from_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    env = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path)], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout == "It works.\n", done.stderr
