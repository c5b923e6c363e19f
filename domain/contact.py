"""What an attempt counts for: which contacts it meets, and how."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.case import Case, Contact
from domain.plan import LOST_KEY
from domain.vocabulary import ContactState, Counts, Mode, Outcome

LIVE_MODES = frozenset({Mode.CALL, Mode.VISIT, Mode.VIDEO, Mode.TEXT})


def is_contact(mode: Mode, outcome: Outcome) -> bool:
    """Whether this was a live two-way exchange with the person: not voicemail, not a letter, not somebody else."""
    return outcome.is_two_way and mode in LIVE_MODES


def met_by(case: Case, mode: Mode, outcome: Outcome, at: datetime) -> dict[str, ContactState]:
    """The contacts that this attempt meets, by id, and how: in its window, or late.

    One exchange meets every contact whose window holds it and whose modes include it. Late counts for what was missed
    and is not one of a series: there the next of the series takes over.
    """
    found: dict[str, ContactState] = {}
    for contact in case.contacts:
        if contact.state not in (ContactState.PLANNED, ContactState.MISSED):
            continue
        if contact.cycle != case.cycle and not contact.state.is_awaited:
            continue  # what is still awaited from before this discharge outlives it: an introduction
        if at < contact.opens_at or not _fits(case, contact, mode, outcome):
            continue
        if at <= contact.due_at:
            found[contact.id] = ContactState.MET
        elif (
            contact.state is ContactState.MISSED and not _is_series(case, contact)
        ) or contact.state is ContactState.PLANNED:
            found[contact.id] = ContactState.MET_LATE
    return found


def _fits(case: Case, contact: Contact, mode: Mode, outcome: Outcome) -> bool:
    rule = case.rule(contact.key)
    if rule is None:
        return contact.key == LOST_KEY and (is_contact(mode, outcome) or outcome.counts_as_attempt)
    if rule.counts is Counts.TASK:
        return False
    if mode not in rule.modes:
        return False
    if rule.counts is Counts.ATTEMPT:
        return outcome.counts_as_attempt and mode in LIVE_MODES
    return is_contact(mode, outcome)


def _is_series(case: Case, contact: Contact) -> bool:
    rule = case.rule(contact.key)
    return rule is not None and rule.is_series


LATE_ENTRY = timedelta(hours=12)
"""An entry later than this after the contact is marked as late (project choice: within the same day)."""


def soonest(contacts: Iterable[Contact], at: datetime) -> Contact | None:
    """The awaited contact whose due time comes first among those open at this instant."""
    waiting = [c for c in contacts if c.state is ContactState.PLANNED and c.opens_at <= at]
    return min(waiting, key=lambda c: (c.due_at, c.id), default=None)
