"""The guide's example notices, to be read as they are or changed by a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from domain.interop.fhir_notifications import Notification, read_notification

DATA = Path(__file__).parents[2] / "data"
EASTERN = "America/New_York"
PACIFIC = "America/Los_Angeles"

HEADER, ENCOUNTER, PATIENT, ORGANIZATION = 0, 1, 2, 5

Message = dict[str, Any]


def message(event: str = "discharge") -> Message:
    """A fresh copy of one of the guide's examples."""
    loaded: Message = json.loads((DATA / f"{event}-notification-message-bundle-01.json").read_text())
    return loaded


def resource(bundle: Message, index: int) -> Message:
    found: Message = bundle["entry"][index]["resource"]
    return found


def read(bundle: object) -> Notification:
    return read_notification(bundle, EASTERN)
