"""Whether the search for somebody can begin: what the page offers, and what it says when it cannot."""

from __future__ import annotations

from domain.errors import NotFound
from domain.plan import attempts_missing
from domain.vocabulary import Subject
from records.queries.case import CaseRows, contact_facts

_ABOUT_MISSES = (Subject.CONTACT, Subject.STREAK)


def against_search(rows: CaseRows) -> str:
    """What stands against beginning the search, as a sentence; empty when it can begin."""
    referral, called = rows.referral, rows.person.called
    if referral.lost_at is not None:
        return f"The search for {called} is on already."
    if referral.discharged_at is None:
        return "The search begins after the person has left."
    if not _is_missed(rows):
        return f"{called} is not missed: nobody was called about a contact since somebody last spoke with them."
    missing = _missing(rows)
    return f"Not yet. Still to be tried: {', '.join(missing)}." if missing else ""


def _is_missed(rows: CaseRows) -> bool:
    """Whether somebody was called about a missed contact after leaving, and nobody reached the person since."""
    left_at = rows.referral.discharged_at
    raised = [e.raised_at for e in rows.escalations if e.subject in _ABOUT_MISSES and left_at and e.raised_at > left_at]
    reached = [a.at for a in rows.attempts if a.outcome.is_two_way]
    return bool(raised) and (not reached or max(raised) > max(reached))


def _missing(rows: CaseRows) -> list[str]:
    case, found = rows.facts(with_attempts=True), []
    for call in rows.escalations:
        if call.state.is_open and call.subject is Subject.CONTACT:
            try:
                contact = rows.contact(call.subject_id)
            except NotFound:
                continue
            rule = case.rule(contact.key)
            found += attempts_missing(rule, case, contact_facts(contact)) if rule is not None else []
    return list(dict.fromkeys(found))
