"""`make upgrade`: new code and a new schema under running transitions, then bad deploys, noticed and rolled back.

`python -m tests.upgrade --transitions 200 --before REF`. The previous version is taken from git, the parent of the
commit that added the newest migration unless one is named, and runs with the same libraries.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.upgrade.deploys import before_newest_migration, checked_out, copied
from tests.upgrade.drill import Failed, drill


def main() -> int:
    """Run the drill; the exit code says whether everything held."""
    asked = argparse.ArgumentParser(prog="python -m tests.upgrade", description=__doc__)
    asked.add_argument("--transitions", type=int, default=200, help="how many run while the code changes")
    asked.add_argument("--before", default="", help="the previous version, as git knows it")
    told = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="footbridge-upgrade-") as kept:
        folder = Path(kept)
        try:
            ref = told.before or before_newest_migration()
            old = checked_out(ref, folder / "old")
            drill(folder, old, copied(folder / "new"), told.transitions)
        except Failed as failed:
            print(f"It does not hold: {failed}", file=sys.stderr)
            return 1
        except subprocess.CalledProcessError as failed:
            print(f"{failed}\n{(failed.stderr or b'').decode(errors='replace')[-3000:]}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
