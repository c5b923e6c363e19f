"""What a victim is told, and how it says that it has come to the point."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

BEFORE, WRITTEN, ANSWERED = "before the write", "written, not answered", "answered"
POINTS = (BEFORE, WRITTEN, ANSWERED)
ORDER, SOCKET = "order.json", "reached"
GO, LOST = "go", "lost"
"""What a process at a point is answered: go on; or: what you wrote is there, and you never hear of it."""


@dataclass(frozen=True)
class Order:
    """Stand still at a point of a step: of the role that carries it out, when it records `event` (of one `referral`,
    if it is named). `key` is the Idempotency-Key of the request. `torn`: the log of SQLite is to be cut within what
    this step wrote, as by a power failure."""

    role: str
    at: str
    event: str
    referral: str = ""
    key: str = ""
    torn: bool = False

    def is_about(self, events: set[tuple[str, str]]) -> bool:
        """Whether one of these is what is waited for."""
        return any(event == self.event and self.referral in ("", referral) for event, referral in events)

    def leave(self, folder: Path) -> None:
        """Put it where the processes look, in whole."""
        made = folder / "order.new"
        made.write_text(json.dumps(asdict(self)))
        os.replace(made, folder / ORDER)

    @classmethod
    def read(cls, path: Path) -> Order:
        """What lies there. Raises FileNotFoundError."""
        return cls(**json.loads(path.read_text()))
