"""Footbridge without what protects people, to measure what that costs: no journal, no gate, nothing sealed.

Only for a bench, and before the pages are loaded: they take the functions that are put in place of the real ones here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlmodel import Session

from records import journal, sealing
from records.commands import readings
from records.queries import consents
from records.tables import JournalEntry, Referral


def take_away() -> None:
    """Take it away for the life of this process. Raises RuntimeError in production."""
    sealing.leave_in_clear()
    journal.append = _append  # type: ignore[assignment]
    journal.append_for_program = _append_for_program
    readings.note_looks = _note_looks
    consents.withheld_of = _withheld_of  # type: ignore[assignment]
    consents.is_withheld = _is_withheld
    consents.told_about = _told_about  # type: ignore[assignment]


def _append(_session: Session, referral: Referral, _event: str, **_data: Any) -> None:
    referral.journal_seq += 1


def _append_for_program(_session: Session, program_id: str, event: str, **_data: Any) -> JournalEntry:
    return JournalEntry(program_id=program_id, event=event)


def _note_looks(_looks: Iterable[readings.Look]) -> None:
    return None


def _withheld_of(*_asked: object) -> set[str]:
    return set()


def _is_withheld(*_asked: object) -> bool:
    return False


def _told_about(_session: Session, referral_ids: Iterable[str], _now: object) -> set[str]:
    return set(referral_ids)
