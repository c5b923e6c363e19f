"""Versions of the code in folders of their own: an older one from git, today's, and today's with a mistake in it."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_GOOD = "        while not (ahead := await self._ask(referral_id)).is_over:\n"
MISTAKES = {
    "raises": (_GOOD, '        raise RuntimeError("a mistake")\n' + _GOOD),
    "breaks determinism": (_GOOD, "        await workflow.sleep(1)\n" + _GOOD),
}
"""What a bad deploy does to the code of a transition: it fails at once, or does not fit the histories there are."""


@dataclass(frozen=True)
class Deploy:
    """One version in a folder."""

    name: str
    folder: Path

    def argv(self, *words: str) -> list[str]:
        """A command of this version. -P: the folder that we stand in is not in its way."""
        return [sys.executable, "-P", "-m", "cli.main", *words]

    def env(self, env: Mapping[str, str]) -> dict[str, str]:
        """What this version's processes are told."""
        return {**env, "PYTHONPATH": str(self.folder)}

    def run(self, env: Mapping[str, str], *words: str) -> str:
        """What the command printed. Raises CalledProcessError."""
        done = subprocess.run(
            self.argv(*words),
            env=self.env(env),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode()


def checked_out(ref: str, folder: Path) -> Deploy:
    """A version as git has it."""
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", ref], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return Deploy(ref, folder)


def copied(folder: Path) -> Deploy:
    """What stands in this folder now."""
    return Deploy("now", _copy(ROOT, folder))


def with_mistake(good: Deploy, mistake: str, folder: Path) -> Deploy:
    """The same with a mistake in the code of a transition."""
    path = _copy(good.folder, folder) / "workflows" / "transition.py"
    before, after = MISTAKES[mistake]
    text = path.read_text(encoding="utf-8")
    assert before in text, "the mistake goes into a line that is not there any more"
    path.write_text(text.replace(before, after), encoding="utf-8")
    return Deploy(mistake, folder)


def before_newest_migration() -> str:
    """The latest version in git whose newest migration is the one before ours. Looked up in what each version holds: a
    merge may have renamed a migration, and no commit added it then."""
    before = sorted(path.name for path in (ROOT / "records/migrations/versions").glob("[0-9]*.py"))[-2]
    for ref in _git("rev-list", "HEAD"):
        names = _git("ls-tree", "--name-only", f"{ref}:records/migrations/versions")
        if max(name for name in names if name[:1].isdigit()) == before:
            return ref
    raise LookupError(f"no version in git ends with {before}")


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=True, text=True)
    return done.stdout.split()


def _copy(source: Path, folder: Path) -> Path:
    parts = ("api", "cli", "domain", "records", "templates", "workflows", "alembic.ini", "pyproject.toml")
    for part in parts:
        if (source / part).is_dir():
            shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / part, folder / part)
    return folder
