"""What a planted leak or bug is, the lists of them, and how one is planted in a copy and looked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LISTS = {"leak": Path(__file__).with_name("leaks.toml"), "bug": Path(__file__).with_name("bugs.toml")}
"""What takes a gate or check of privacy away, and what breaks a promise of the engine."""
FAILED = 1
"""pytest's own status for tests that failed: anything else means that they did not run."""
LONGEST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Mutant:
    """One of them: in `file`, the text `before`, which stands there once, becomes `after`."""

    name: str
    what: str
    file: str
    before: str
    after: str
    caught_by: tuple[str, ...]

    def planted_in(self, whole: str) -> str:
        """The file with the leak. Raises ValueError when the text does not stand there exactly once."""
        if whole.count(self.before) != 1:
            raise ValueError(f"{self.name}: its text stands {whole.count(self.before)} times in {self.file}")
        return whole.replace(self.before, self.after)


def load() -> list[Mutant]:
    """Every planted leak and bug, in the order of the lists."""
    found = []
    for kind, path in LISTS.items():
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found += [Mutant(**{**one, "caught_by": tuple(one["caught_by"])}) for one in raw[kind]]
    return found


def copy_project(to: Path) -> None:
    """What git knows of, as it stands in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def is_caught(copy: Path, mutant: Mutant) -> bool:
    """Whether its tests fail with it in the copy, which is whole again afterwards.

    Tests that do not end have not failed: somebody must look.
    """
    path = copy / mutant.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutant.planted_in(whole), encoding="utf-8")
    try:
        return run_tests(copy, mutant.caught_by).returncode == FAILED
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(whole, encoding="utf-8")


def run_tests(copy: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run these tests with the code of the copy, up to the first that fails; on SQLite where on both."""
    own = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "tests.mutants.one_database"]
    command = [sys.executable, "-m", "pytest", "-q", "-x", *plugins, *tests]
    return subprocess.run(
        command, cwd=copy, env=os.environ | own, capture_output=True, text=True, timeout=LONGEST_SECONDS
    )
