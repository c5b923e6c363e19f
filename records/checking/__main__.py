"""`python -m records.checking`: the check in a process of its own, so that the one that asks goes on with its work.

Reads one JSON document (`url` of the database, the `clock` to follow) from its input and prints what was found as
another. Not for people: they have `footbridge check`.
"""

from __future__ import annotations

import json
import sys

from records.checking.run import check, open_elsewhere

if __name__ == "__main__":
    asked = json.load(sys.stdin)
    open_elsewhere(asked["url"], asked["clock"])
    sys.stdout.write(json.dumps(check().as_data()))
