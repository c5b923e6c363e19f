"""Asks PyPI's list of known faults about every locked package, and says when it was asked and how much it knew.

    python3 .ci/known_faults.py requirements.lock

Exit status 1: a package has a known fault that a newer version mends. Where the source cannot be reached, or does not
know the packages, that is said plainly and nothing else is claimed. pip-audit is installed for the moment.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PIP_AUDIT = "pip-audit==2.10.1"
SECONDS = 300


def main(locks: list[str]) -> int:
    """One line or more, and the exit status."""
    asked_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        found = ask(locks, Path(folder))
    lines, status = summary(found, asked_at)
    print("\n".join(lines))
    return status


def ask(locks: list[str], folder: Path) -> dict[str, Any] | None:
    """What pip-audit found, or None when it could not be had or could not ask."""
    out = folder / "found.json"
    try:
        venv.create(folder / "venv", with_pip=True)
        python = str(folder / "venv" / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIP_AUDIT]
        subprocess.run(install, check=True, capture_output=True, timeout=SECONDS)
        audit = [python, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
        audit += ["--format", "json", "--output", str(out)]
        for lock in locks:
            audit += ["--requirement", lock]
        subprocess.run(audit, check=False, capture_output=True, timeout=SECONDS)
        return json.loads(out.read_text(encoding="utf-8"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def summary(found: dict[str, Any] | None, asked_at: datetime) -> tuple[list[str], int]:
    """What is said, and whether something must be mended."""
    when = asked_at.strftime("%Y-%m-%d %H:%M UTC")
    if found is None:
        return [
            f"Known faults: not asked ({when}). pip-audit or its source could not be reached; nothing is claimed."
        ], 0
    packages = found.get("dependencies", [])
    known = [one for one in packages if "skip_reason" not in one]
    if not known:
        why = f"the source knew none of the {len(packages)} packages"
        return [f"Known faults: not asked ({when}): {why}; nothing is claimed."], 0
    said = [f"Known faults: PyPI was asked about {len(known)} of {len(packages)} packages, as it knew them at {when}."]
    status = 0
    for one in known:
        for fault in one.get("vulns", []):
            mended = ", ".join(fault.get("fix_versions", []))
            said.append(
                f"  {one['name']} {one['version']}: {fault['id']}, "
                + (f"mended in {mended}" if mended else "not mended yet")
            )
            status = 1 if mended else status
    if len(said) == 1:
        said.append("  It knew of none.")
    return said, status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
