"""What each event about an offer means for the story: one at a time, to be answered when the protocol says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from records.checking.clocks import later
from records.checking.dossier import parsed
from records.checking.protocol import of_risk
from records.checking.story import Story


def offered(s: Story, e: Any) -> None:
    """Somebody was asked."""
    k = s.known
    s.timer_ran = True
    if any(offer["state"] == "open" for offer in s.offers.values()):
        s.wrong(4, "a second offer was made while one was open")
    if s.bridger_id is not None or k.status not in ("accepted", "in_progress"):
        s.wrong(3, f"an offer was made while somebody had the person or it was {k.status}")
    answer_by = parsed(e.data["answer_by"])
    if k.where is not None:
        due = later(s.now, of_risk(k.protocol.raw["assignment"]["offer_answer"], k.is_high), k.where)
        if due != answer_by:
            s.wrong(2, "an offer must be answered at another time than the protocol says")
    s.offers[e.subject_id] = {"state": "open", "answer_by": answer_by}


def offer_becomes(state: str) -> Callable[[Story, Any], None]:
    """It was answered, or its time passed."""

    def become(s: Story, e: Any) -> None:
        offer = s.offers.get(e.subject_id)
        if offer is None or offer["state"] != "open":
            s.wrong(4, f"an offer was {state} that was not open")
            return
        offer["state"] = state
        if state == "expired":
            s.timer_ran = True
            s.was_kept(e.subject_id, offer["answer_by"], s.now)

    return become
