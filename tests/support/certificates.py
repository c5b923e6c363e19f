"""The composition's certificates, made by its own script."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "deploy" / "make-certificates.sh"
SERVICES = ("footbridge", "postgres", "temporal", "temporal-ui")


def make(folder: Path) -> str:
    """Run the script; what it said."""
    done = subprocess.run([str(SCRIPT), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_for_us(folder: Path) -> Path:
    """The same, where every service runs as whoever runs the test."""
    make(folder)
    for service in SERVICES:
        for file in (folder / service).iterdir():
            os.chown(file, os.geteuid(), os.getegid())
    return folder
