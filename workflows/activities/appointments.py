"""What is next for a referral, and the carrying out of what is due.

A cancelled activity finishes its transaction (`no_thread_cancel_exception`): an exception thrown into the thread in
the middle of a statement would leave the connection unusable.
"""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session
from temporalio import activity

from records import clock
from records.commands import agenda
from records.engine import read_session
from records.queries.next_item import NextItem, find_next_item
from records.tables import Referral
from records.turns import in_turn
from workflows import names
from workflows.herd import Herd, sleep_on
from workflows.names import Appointment

herd = Herd()
"""Of this process."""


@activity.defn(name=names.NEXT_ITEM, no_thread_cancel_exception=True)
def next_item(referral_id: str) -> Appointment:
    """The referral's next appointment; what is due by now is carried out first, since another call costs events.

    When a herd is due it is carried out in the herd's order, and the workflow asks again a little later.
    """
    with read_session() as session:
        ahead = _appointment(session, referral_id, find_next_item(session, referral_id))
        if ahead.is_due and herd.takes(session, referral_id):
            return replace(ahead, seconds=sleep_on(session, referral_id))
    return carry_out(referral_id) if ahead.is_due else ahead


@activity.defn(name=names.CARRY_OUT, no_thread_cancel_exception=True)
def carry_out(referral_id: str) -> Appointment:
    """Everything that is due now, carried out under the referral's lock; the appointment that follows.

    Late, doubled or stale calls find nothing due and change nothing.
    """
    return in_turn(lambda session: _appointment(session, referral_id, agenda.carry_out(session, referral_id)))


def _appointment(session: Session, referral_id: str, item: NextItem | None) -> Appointment:
    if item is None:
        return Appointment(is_over=True)
    referral = session.get_one(Referral, referral_id)
    return Appointment(
        is_over=False,
        kind=item.kind,
        at=item.at,
        seconds=clock.real_seconds_until(item.at),
        program_id=referral.program_id,
        setting=referral.setting.value,
    )
