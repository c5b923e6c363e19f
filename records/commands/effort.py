"""Whether everything was tried that the protocol asks for, before somebody may say that a person cannot be reached."""

from __future__ import annotations

from domain.errors import Conflict
from domain.plan import attempts_missing
from domain.vocabulary import Subject
from records.commands.work import Work
from records.queries.case import contact_facts
from records.tables import Escalation


def require_full_effort(work: Work, call: Escalation) -> None:
    """Raise Conflict while attempts are missing for the contact that this call is about (acceptance scenario 39)."""
    if call.subject is not Subject.CONTACT:
        return
    contact, case = work.rows.contact(call.subject_id), work.rows.facts(with_attempts=True)
    rule = case.rule(contact.key)
    missing = attempts_missing(rule, case, contact_facts(contact)) if rule is not None else []
    if missing:
        raise Conflict("effort_incomplete", f"Before this counts as “unable to reach”: {', '.join(missing)}.")
