"""An invented program, small enough to read: one ward, two bridgers, one of each who look after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    DateCertainty,
    Disposition,
    FacilityKind,
    Mode,
    OfferState,
    Outcome,
    Role,
    Setting,
)
from records import clock
from records.access import Actor, actor_of, system_actor
from records.commands.changes import move_expected_discharge
from records.commands.closing import close_referral
from records.commands.contacts import complete_task, log_attempt
from records.commands.discharges import record_discharge
from records.commands.offers import accept_offer
from records.commands.people import PersonDetails
from records.commands.programs import add_facility, create_program, set_people_in_charge
from records.commands.referrals import ReferralDetails, file_referral
from records.commands.staff import add_staff, set_profile
from records.engine import read_session, transaction
from records.tables import Contact, JournalEntry, Offer, Referral


@dataclass(frozen=True)
class SmallProgram:
    """Who acts in it."""

    planner: Actor
    bridgers: dict[str, Actor]
    supervisor: Actor
    clinician: Actor

    def file(self, family_name: str = "Placeholder", *, expected_on: date | None = None) -> str:
        """A planner files a referral of an invented person; returns its id."""
        with transaction() as session:
            referral = file_referral(
                session,
                self.planner,
                PersonDetails(given_name="Invented", family_name=family_name, birth_on=date(1980, 1, 2)),
                ReferralDetails(
                    setting=Setting.PSYCHIATRIC_INPATIENT,
                    expected_on=expected_on or (clock.now() + timedelta(days=3)).date(),
                    certainty=DateCertainty.CONFIRMED,
                    consent=ConsentStatus.GIVEN,
                ),
            )
            return referral.id

    def accept_open_offer(self, referral_id: str) -> None:
        """The bridger who is asked says yes."""
        with transaction() as session:
            offer = session.exec(
                select(Offer).where(Offer.referral_id == referral_id, Offer.state == OfferState.OPEN)
            ).one()
            accept_offer(session, self.bridgers[offer.bridger_id], offer.id)

    def discharge(self, referral_id: str, at: datetime | None = None) -> None:
        """The person goes home."""
        with transaction() as session:
            record_discharge(session, self.planner, referral_id, at or clock.now(), Disposition.HOME)

    def reach(self, referral_id: str) -> None:
        """Bridger and person meet and talk."""
        with transaction() as session:
            bridger = self._bridger_of(session, referral_id)
            log_attempt(session, bridger, referral_id, Mode.VISIT, Outcome.REACHED, minutes=20)

    def finish_task(self, referral_id: str, key: str) -> None:
        """The bridger has seen to what is no contact: the first appointment."""
        with transaction() as session:
            task = session.exec(select(Contact).where(Contact.referral_id == referral_id, Contact.key == key)).one()
            complete_task(session, self._bridger_of(session, referral_id), referral_id, task.id)

    def move_date(self, referral_id: str, to: date) -> None:
        """The ward expects another day."""
        with transaction() as session:
            move_expected_discharge(session, self.planner, referral_id, to)

    def close(self, referral_id: str) -> None:
        """The supervisor signs the closure."""
        with transaction() as session:
            close_referral(
                session, self.supervisor, referral_id, ClosureReason.SERVICES_RECEIVED, "The plan has run its course."
            )

    def _bridger_of(self, session: Session, referral_id: str) -> Actor:
        return self.bridgers[session.get_one(Referral, referral_id).bridger_id or ""]


def small_program() -> SmallProgram:
    """Set it up in the open database."""
    with transaction() as session:
        program = create_program(session, "Invented Peer Program", accepts_at_once=True)
        hand = system_actor(program.id)
        ward = add_facility(session, hand, "Invented Hospital", FacilityKind.HOSPITAL, Setting.PSYCHIATRIC_INPATIENT)

        def member(name: str, role: Role, facility_id: str | None = None, supervisor_id: str | None = None) -> Actor:
            staff = add_staff(
                session,
                hand,
                email=f"{name}@invented.example",
                name=f"{name.title()} Invented",
                roles=[role],
                facility_id=facility_id,
                supervisor_id=supervisor_id,
            )
            return actor_of(staff)

        manager = member("manager", Role.MANAGER)
        supervisor = member("supervisor", Role.SUPERVISOR)
        clinician = member("clinician", Role.CLINICIAN)
        planner = member("planner", Role.PLANNER, facility_id=ward.id)
        bridgers = [member(name, Role.BRIDGER, supervisor_id=supervisor.id) for name in ("first", "second")]
        for bridger in bridgers:
            set_profile(session, hand, bridger.id, languages=["en"], caseload_limit=40)
        set_people_in_charge(
            session, hand, supervisor_id=supervisor.id, clinician_id=clinician.id, manager_id=manager.id
        )
        return SmallProgram(planner, {bridger.id: bridger for bridger in bridgers}, supervisor, clinician)


def events(referral_id: str) -> list[str]:
    """What the journal says of a referral, in order."""
    with read_session() as session:
        rows = select(JournalEntry.event).where(JournalEntry.stream == referral_id)
        return list(session.exec(rows.order_by(col(JournalEntry.seq))))


def awaited(referral_id: str) -> list[Contact]:
    """The contacts that are still to be made, the soonest due first."""
    with read_session() as session:
        rows = session.exec(select(Contact).where(Contact.referral_id == referral_id).order_by(col(Contact.due_at)))
        return [contact for contact in rows if contact.state.is_awaited]


def is_told(referral_id: str) -> bool:
    """Whether the workflow knows of the latest change that concerns it."""
    with read_session() as session:
        return session.get_one(Referral, referral_id).untold_since is None
