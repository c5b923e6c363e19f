"""The next step of a case in one sentence: what, by when, and who by name is told."""

from __future__ import annotations

from collections.abc import Sequence

from domain import agenda
from domain.spoken import spoken_due
from domain.vocabulary import Ask
from records import clock
from records.queries.next_step import NextStep, Told


def sentence(step: NextStep, zone: str, reader_id: str, leaving: str) -> str:
    """`If nothing is logged by Thu Nov 26, 5 pm, Dana Example, supervisor on duty, is told.`

    `reader_id`: whoever reads it is “you”. `leaving`: the noun, discharge or release.
    """
    when, whom = spoken_due(step.at, zone, clock.now()), people(step.told, reader_id)
    if step.kind == agenda.CONTACT_MISSED:
        done = "this is not marked done" if step.is_task else "nothing is logged"
        if step.ask is Ask.LOCATE:
            return f"If {done} by {when}, {whom} asked to look for them again."
        return f"If {done} by {when}, {whom} told."
    if step.kind == agenda.UNACKNOWLEDGED:
        return f"If nobody takes it by {when}, {whom} told{' again' if step.is_again else ' too'}."
    if step.kind == agenda.UNRESOLVED:
        return f"If it is not settled by {when}, {whom} told{' again' if step.is_again else ' too'}."
    if step.kind == agenda.OFFER:
        return "The best match is asked to walk with this person."
    if step.kind == agenda.OFFER_EXPIRES:
        return f"A bridger is being asked and has until {when}. Then the next one is asked."
    if step.kind == agenda.REPORT:
        return "The referrer hears how it ended, as far as the person agreed."
    return _decisions(step.kind, when, whom, leaving)


def _decisions(kind: str, when: str, whom: str, leaving: str) -> str:
    sentences = {
        agenda.UNACCEPTED: f"If the referral is not answered by {when}, {whom} told.",
        agenda.UNASSIGNED: f"If nobody has this person by {when}, {whom} told.",
        agenda.DATE_CHECK: f"If no {leaving} is on record by {when}, {whom} asked what happened.",
        agenda.STREAK: f"Several in a row were missed: {whom} told.",
        agenda.REVIEW: f"On {when}, {whom} asked whether to keep waiting.",
        agenda.CANCEL_UNDECIDED: f"If the request to cancel is not decided by {when}, {whom} told.",
        agenda.CONSENT_PENDING: f"If consent is not on record by {when}, {whom} told.",
        agenda.CONSENT_EXPIRES: f"Consent ends soon: {whom} reminded on {when}.",
        agenda.CLOSE_LOST: f"The search ends {when}: {whom} asked to sign the closure or keep going.",
        agenda.FINISH: f"The plan has run its course {when}: {whom} asked to close or extend.",
    }
    return sentences[kind]


def people(told: Sequence[Told], reader_id: str) -> str:
    """Who, with the verb that fits: `Dana Example, supervisor on duty, is`, `you are`, `you and Kim Example are`."""
    if not told:
        return "nobody can be found to be"
    others = [f"{one.name}, {one.duty}," for one in told if one.staff_id != reader_id]
    named = (["you"] if len(others) < len(told) else []) + others
    verb = "are" if len(named) > 1 or named == ["you"] else "is"
    return f"{' and '.join(named)} {verb}"
