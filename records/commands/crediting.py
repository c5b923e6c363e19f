"""What an attempt meets, written down: at once when it is logged, or later when a contact is planned that it fits.

Word of a discharge comes late: the bridger who was at the gate has logged the meeting before the plan knew of it.
"""

from __future__ import annotations

from collections.abc import Collection

from domain.contact import met_by
from domain.vocabulary import ContactState, Resolution, Subject
from records.commands.escalations import settle_ladder
from records.commands.work import Work
from records.tables import Attempt, Contact


def meet(work: Work, attempt: Attempt, met: dict[str, ContactState]) -> tuple[list[Contact], list[Contact]]:
    """Write down the contacts that this attempt met, by id; returns those met in time and those met late."""
    in_time: list[Contact] = []
    late: list[Contact] = []
    for contact_id, state in met.items():
        contact = work.rows.contact(contact_id)
        was_missed = contact.state is ContactState.MISSED
        contact.state, contact.met_at, contact.met_by = state, attempt.at, attempt.id
        (in_time if state is ContactState.MET else late).append(contact)
        work.record(
            f"contact.{state.value}",
            at=attempt.at,
            subject_id=contact.id,
            key=contact.key,
            seq=contact.seq,
            cycle=contact.cycle,
            due_at=contact.due_at,
            attempt=attempt.id,
            was_missed=was_missed or None,
        )
        settle_ladder(
            work,
            Resolution.REACHED,
            subject=Subject.CONTACT,
            subject_id=contact.id,
            note="The contact was logged late as made in time." if was_missed and state is ContactState.MET else "",
        )
    return in_time, late


def credit(work: Work, contact_ids: Collection[str]) -> None:
    """Attempts that are on record may meet these contacts, which are planned, moved or awaited again since."""
    for attempt in work.rows.attempts:
        case = work.rows.facts()
        met = met_by(case, attempt.mode, attempt.outcome, attempt.at)
        if met := {contact_id: state for contact_id, state in met.items() if contact_id in contact_ids}:
            meet(work, attempt, met)
            attempt.met = sorted({*attempt.met, *met})
