"""An invented program, small enough to read: one ward, one bridger, one supervisor, one clinician, one manager."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, select

from domain.vocabulary import (
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
from records.commands.contacts import log_attempt
from records.commands.discharges import record_discharge
from records.commands.offers import accept_offer
from records.commands.people import PersonDetails
from records.commands.programs import add_facility, create_program, set_people_in_charge
from records.commands.referrals import ReferralDetails, file_referral
from records.commands.staff import add_staff, set_profile
from records.engine import read_session, transaction
from records.tables import JournalEntry, Offer


@dataclass(frozen=True)
class SmallProgram:
    """Who acts in it."""

    planner: Actor
    bridger: Actor
    supervisor: Actor
    manager: Actor

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
        """The bridger says yes."""
        with transaction() as session:
            offer = session.exec(
                select(Offer).where(Offer.referral_id == referral_id, Offer.state == OfferState.OPEN)
            ).one()
            accept_offer(session, self.bridger, offer.id)

    def discharge(self, referral_id: str, at: datetime | None = None) -> None:
        """The person goes home."""
        with transaction() as session:
            record_discharge(session, self.planner, referral_id, at or clock.now(), Disposition.HOME)

    def reach(self, referral_id: str, mode: Mode = Mode.VISIT) -> None:
        """The bridger and the person talk."""
        with transaction() as session:
            log_attempt(session, self.bridger, referral_id, mode, Outcome.REACHED, minutes=20)


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
        bridger = member("bridger", Role.BRIDGER, supervisor_id=supervisor.id)
        set_profile(session, hand, bridger.id, languages=["en"], caseload_limit=40)
        set_people_in_charge(
            session, hand, supervisor_id=supervisor.id, clinician_id=clinician.id, manager_id=manager.id
        )
        return SmallProgram(planner, bridger, supervisor, manager)


def events(referral_id: str) -> list[str]:
    """What the journal says of a referral, in order."""
    with read_session() as session:
        return _events(session, referral_id)


def _events(session: Session, referral_id: str) -> list[str]:
    rows = select(JournalEntry.event).where(JournalEntry.stream == referral_id).order_by(JournalEntry.seq)
    return list(session.exec(rows))
