"""A whole journey on the real engine, told as a supervisor would tell it: from filed to the referrer told.

It is lived three times: with time skipped on SQLite and on PostgreSQL, and with a fast clock on a server in real time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select
from temporalio.client import WorkflowExecutionStatus

from cli.temporal_server import TemporalServer
from domain.vocabulary import ContactState, EscalationState, OfferState, ReferralStatus, Subject
from records import clock, journal
from records.engine import read_session
from records.tables import Contact, Escalation, JournalEntry, Notification, Offer, Referral
from tests.engine.program import SmallProgram, awaited, events, small_program
from tests.engine.running import Engine, until
from tests.journeys.passing import MINUTE, Passing, Times, fast, skipped
from tests.support.checked import assert_every_promise_holds

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Journey:
    """One person's transition while it is lived."""

    program: SmallProgram
    engine: Engine
    time: Passing
    id: str

    def offers(self) -> list[Offer]:
        """Whom it was offered to, in order."""
        with read_session() as session:
            rows = select(Offer).where(Offer.referral_id == self.id).order_by(col(Offer.made_at))
            return list(session.exec(rows))

    def left_at(self) -> datetime:
        """When the person really left."""
        with read_session() as session:
            at = session.get_one(Referral, self.id).discharged_at
        assert at is not None
        return at

    def contact(self, key: str) -> Contact:
        """The one contact of that kind as it stands."""
        with read_session() as session:
            rows = select(Contact).where(Contact.referral_id == self.id, Contact.key == key)
            return session.exec(rows.where(Contact.state != ContactState.SUPERSEDED)).one()

    def calls_about(self, contact: Contact) -> list[Escalation]:
        """The rungs that were climbed for it, in order."""
        with read_session() as session:
            rows = select(Escalation).where(Escalation.subject == Subject.CONTACT)
            rows = rows.where(Escalation.subject_id == contact.id).order_by(col(Escalation.rung))
            return list(session.exec(rows))

    async def every_contact_until(self, end: datetime) -> int:
        """The bridger meets the person at every contact; returns how often."""
        meetings = 0
        while (ahead := awaited(self.id)) and ahead[0].opens_at < end:
            contact = ahead[0]
            await self.time.to(max(contact.opens_at + (contact.due_at - contact.opens_at) / 5, clock.now() + MINUTE))
            self.program.reach(self.id)
            meetings += 1
        return meetings


async def lived(journey: Journey) -> None:
    """The story."""
    program, id = journey.program, journey.id

    # Given a referral that the engine offered to the bridger who fits best
    await until(lambda: "offer.made" in events(id))
    (asked,) = journey.offers()

    # When that bridger does not answer in four hours
    await journey.time.to(asked.answer_by + MINUTE)

    # Then the offer has expired at its own time, and the next one is asked
    first, second = journey.offers()
    assert (first.state, second.state) == (OfferState.EXPIRED, OfferState.OPEN)
    assert first.bridger_id != second.bridger_id

    # When the second says yes, they meet on the ward, and the ward moves the date
    program.accept_open_offer(id)
    program.reach(id)
    program.finish_task(id, "appointment-check")
    expected_on = (clock.now() + 5 * DAY).date()
    program.move_date(id, expected_on)

    # Then nothing is late on the way to the new date
    await journey.time.to(clock.now() + 5 * DAY)
    assert "contact.missed" not in events(id)

    # When the person goes home, and nobody reaches them in 24 hours, and nobody answers the first call for four
    program.discharge(id)
    left = journey.left_at()
    await journey.time.to(left + DAY - 5 * HOUR)
    await journey.time.to(left + DAY + MINUTE)  # a short way: the faster the clock, the later it hears of a due time
    missed = journey.contact("first-contact")
    (called,) = journey.calls_about(missed)
    await journey.time.to(called.answer_by + 2 * MINUTE)

    # Then the contact is missed at its real time, two rungs are climbed, each told once, each at its real time
    assert (missed.state, missed.due_at) == (ContactState.MISSED, left + DAY)
    climbed = journey.calls_about(missed)
    assert len(climbed) == 2
    assert [call.state for call in climbed] == [EscalationState.RAISED] * 2
    assert climbed[0].due_at == left + DAY
    assert climbed[0].told[0]["staff_id"] == program.supervisor.id
    assert program.clinician.id in {told["staff_id"] for told in climbed[1].told}

    # When the bridger finds the person
    program.reach(id)

    # Then it is met, late, and stays late; and whoever was called is called no more
    found = journey.contact("first-contact")
    assert (found.state, found.due_at) == (ContactState.MET_LATE, left + DAY)
    assert all(call.state is EscalationState.RESOLVED for call in journey.calls_about(missed))

    # When every contact of ninety days is kept, and the supervisor signs the end
    meetings = await journey.every_contact_until(left + 90 * DAY)
    assert meetings >= 12, "a week apart, one meeting counting for all that it meets"
    await journey.time.to(max(left + 90 * DAY, clock.now()) + HOUR)
    program.close(id)
    await asyncio.wait_for(journey.engine.transition(id).result(), 20)

    # Then the referrer is told, and nothing waits any more
    assert events(id)[-1] == "report.sent"
    assert (await journey.engine.transition(id).describe()).status is WorkflowExecutionStatus.COMPLETED


def what_is_on_record(id: str) -> None:
    """What must be so after any such journey."""
    with read_session() as session:
        referral = session.get_one(Referral, id)
        entries = list(
            session.exec(select(JournalEntry).where(JournalEntry.stream == id).order_by(col(JournalEntry.seq)))
        )
        messages = list(session.exec(select(Notification).where(Notification.referral_id == id)))
        calls = list(session.exec(select(Escalation).where(Escalation.referral_id == id)))
        contacts = list(session.exec(select(Contact).where(Contact.referral_id == id)))
    assert (referral.status, referral.next_at, referral.untold_since) == (ReferralStatus.COMPLETED, None, None)
    assert journal.verify(entries) == []
    told = Counter(entry.event for entry in entries)
    assert (told["offer.made"], told["offer.expired"], told["offer.accepted"]) == (2, 1, 1)
    assert (told["referral.submitted"], told["referral.closed"], told["report.sent"]) == (1, 1, 1)
    assert not [call for call in calls if call.state.is_open]
    assert not [contact for contact in contacts if contact.state.is_awaited]
    raised = Counter((m.staff_id, m.channel, m.subject_id) for m in messages if m.template == "escalation_raised")
    assert raised
    assert set(raised.values()) == {1}, "each call is told to each person once over each channel"
    assert_every_promise_holds()


@pytest.fixture
def program(database: str) -> SmallProgram:
    return small_program()


def live(server: TemporalServer, program: SmallProgram, times: Times) -> None:
    async def scenario() -> str:
        async with times(server.address) as (engine, time_for):
            referral_id = program.file()
            await lived(Journey(program, engine, time_for(referral_id), referral_id))
            return referral_id

    what_is_on_record(asyncio.run(scenario()))


def test_with_time_skipped(server: TemporalServer, program: SmallProgram) -> None:
    live(server, program, skipped)


@pytest.mark.sqlite
def test_with_a_fast_clock_on_a_server_in_real_time(server: TemporalServer, program: SmallProgram) -> None:
    live(server, program, fast)
