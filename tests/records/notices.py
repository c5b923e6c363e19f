"""The published example notifications, with the times, ids and visits that a test is about."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
RECORD_NUMBER = "06e1f0dd-5fbe-4480-9bb4-6b54ec02d31b"
"""The medical record number of the person in the examples, as their hospital's system writes it."""


def notice(
    event: str,
    *,
    message_id: str = "",
    visit: str = "",
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[str, Any]:
    """One example (admit, transfer, discharge) with what is given changed, and everything else as it was published."""
    made: dict[str, Any] = json.loads((DATA / f"{event}-notification-message-bundle-01.json").read_text())
    header, encounter = (_of(made, kind) for kind in ("MessageHeader", "Encounter"))
    if message_id:
        made.pop("identifier", None)
        header["id"] = message_id
    if visit:
        encounter["identifier"] = [{"system": "http://example.org", "value": visit}]
    if start is not None:
        encounter["period"] = {"start": start.isoformat()}
    if end is not None:
        encounter["period"] = encounter.get("period", {}) | {"end": end.isoformat()}
    return made


def disposed(message: dict[str, Any], code: str) -> dict[str, Any]:
    """The same with another discharge disposition (UB-04 code)."""
    _of(message, "Encounter")["hospitalization"] = {"dischargeDisposition": {"coding": [{"code": code}]}}
    return message


def undisposed(message: dict[str, Any]) -> dict[str, Any]:
    """The same, in which nobody says how the person left."""
    del _of(message, "Encounter")["hospitalization"]
    return message


def _of(message: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(e["resource"] for e in message["entry"] if e["resource"]["resourceType"] == kind)
