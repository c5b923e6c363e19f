"""The one word for each task does what `make help` says, and says what is missing on a machine that lacks it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.longest import LONGEST

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Makefile").read_text()
TARGETS = set(re.search(r"^\.PHONY: (.+)$", TEXT, re.MULTILINE)[1].split())  # type: ignore[index]


def make(*words: str, folder: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Without the variables of a make that runs these tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    line = ["make", *words]
    return subprocess.run(line, cwd=folder, env=kept | env, capture_output=True, text=True, check=False)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A folder with nothing installed."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (1_000_000_000,) * 2)
    return tmp_path


def python_that(folder: Path, *, version: str, can_make_environments: bool) -> str:
    """A stand-in for a Python that is too old, or that a distribution has taken apart."""
    stand_in = folder / "python-here"
    new_enough = "exit 0" if version >= "3.11" else "exit 1"
    stand_in.write_text(
        f'#!/bin/sh\ncase "$*" in\n*version_info*) {new_enough};;\n--version) echo "Python {version}";;\n'
        f"*ensurepip*) exit {0 if can_make_environments else 1};;\n*) exit 9;;\nesac\n"
    )
    stand_in.chmod(0o755)
    return str(stand_in)


def test_help_has_a_line_for_every_task() -> None:
    said = make("help")
    assert set(re.findall(r"^  make ([a-z-]+) +\S", said.stdout, re.MULTILINE)) == TARGETS


def test_what_it_starts_exists() -> None:
    for module in re.findall(r"python -m ([a-z_.]+)$", TEXT, re.MULTILINE):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


def test_an_old_python_is_refused_in_a_sentence(fresh: Path) -> None:
    said = make(f"PYTHON={python_that(fresh, version='3.10.4', can_make_environments=True)}", "run", folder=fresh)
    assert said.returncode != 0
    assert "needs Python 3.11 or newer" in said.stdout
    assert "Python 3.10.4" in said.stdout


def test_a_python_without_venv_is_refused_with_what_to_install(fresh: Path) -> None:
    said = make(f"PYTHON={python_that(fresh, version='3.11.2', can_make_environments=False)}", "run", folder=fresh)
    assert said.returncode != 0
    assert "apt-get install python3-venv" in said.stdout
    assert not (fresh / ".venv").exists()


def test_no_python_at_all_is_said(fresh: Path) -> None:
    said = make("PYTHON=", "run", folder=fresh)
    assert said.returncode != 0
    assert "needs Python 3.11 or newer" in said.stdout


def installed(fresh: Path) -> Path:
    """As after an installation: whatever would install again fails instead."""
    environment = fresh / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").write_text("#!/bin/sh\necho would install >&2\nexit 7\n")
    footbridge = environment / "bin" / "footbridge"
    footbridge.write_text('#!/bin/sh\necho "footbridge $* in ${FOOTBRIDGE_DATA_DIR:-var}"\n')
    for program in (environment / "bin" / "python", footbridge):
        program.chmod(0o755)
    for at, stamp in enumerate((".locked", ".installed", ".installed-dev"), 1):
        (environment / stamp).touch()
        os.utime(environment / stamp, (1_100_000_000 + at,) * 2)
    return environment


def test_run_starts_it_without_installing_again(fresh: Path) -> None:
    installed(fresh)
    said = make("run", folder=fresh)
    assert (said.returncode, said.stdout, said.stderr) == (0, "footbridge up in var\n", "")


def test_a_changed_lock_is_installed(fresh: Path) -> None:
    installed(fresh)
    os.utime(fresh / "requirements.lock")
    said = make("run", folder=fresh)
    assert "would install" in said.stderr
    assert "footbridge up" not in said.stdout


def test_the_demonstration_has_data_of_its_own(fresh: Path) -> None:
    installed(fresh)
    assert make("demo", folder=fresh).stdout == "footbridge up in var/demo\n"


def test_the_files_that_are_begun_first_are_there() -> None:
    assert "--no-loadscope-reorder" in TEXT, "xdist would put them last"
    assert [path.name for path in LONGEST if not path.is_file()] == []
