"""A small program whose people live through everything at random, by the real commands: what the measures must hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert
from sqlalchemy import select as sqlalchemy_select
from sqlmodel import Session, SQLModel, col, select

from domain.errors import Refusal
from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    ContactState,
    DateCertainty,
    Disposition,
    EscalationState,
    FacilityKind,
    HoldReason,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    Resolution,
    Role,
    Setting,
)
from records import clock, engine
from records.access import Actor, actor_of, system_actor
from records.commands import (
    agenda,
    closing,
    contacts,
    discharges,
    escalations,
    holds,
    offers,
    programs,
    referrals,
    staff,
)
from records.commands.people import PersonDetails, Phone
from records.commands.referrals import ReferralDetails
from records.queries.case import keep_cases
from records.tables import Attempt, Contact, Escalation, Hold, Offer, Referral, Staff

BEGINS = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
DAYS = 100
"""For so many days after it begins referrals come in, and it is looked at when they are over."""
ASKED_AT = BEGINS + timedelta(days=DAYS)

SETTINGS = (
    ("Riverside", FacilityKind.HOSPITAL, Setting.PSYCHIATRIC_INPATIENT),
    ("Riverside ED", FacilityKind.EMERGENCY_DEPARTMENT, Setting.EMERGENCY_DEPARTMENT),
    ("General", FacilityKind.HOSPITAL, Setting.GENERAL_HOSPITAL),
    ("County Jail", FacilityKind.JAIL, Setting.JAIL),
)
OUTCOMES = (
    [Outcome.REACHED] * 12
    + [Outcome.NO_ANSWER] * 8
    + [Outcome.LEFT_MESSAGE] * 3
    + [Outcome.IN_HOSPITAL, Outcome.IN_CUSTODY, Outcome.DECLINED, Outcome.DIED]
)
CLOSURES = (
    ClosureReason.SERVICES_RECEIVED,
    ClosureReason.UNABLE_TO_REACH,
    ClosureReason.TRANSFERRED,
    ClosureReason.ENTERED_IN_ERROR,
    ClosureReason.NO_CAPACITY,
)


@dataclass
class MeasuredProgram:
    """The program, and the dice. The same seed gives the same lives."""

    seed: int = 7
    program_id: str = ""
    facilities: list[tuple[str, Setting]] = field(default_factory=list)
    planners: dict[str, Actor] = field(default_factory=dict)
    supervisor: Actor = field(init=False)
    clinician: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        clock.set_to(BEGINS)
        with engine.transaction() as session:
            program = programs.create_program(session, "Example Bridges")
            self.program_id = program.id
            system = system_actor(program.id)
            for name, kind, setting in SETTINGS:
                facility = programs.add_facility(session, system, name, kind, setting)
                self.facilities.append((facility.id, setting))
                self.planners[facility.id] = self._hire(session, Role.PLANNER, facility_id=facility.id)
            self.supervisor = self._hire(session, Role.SUPERVISOR)
            self.clinician = self._hire(session, Role.CLINICIAN)
            manager = self._hire(session, Role.MANAGER)
            for _ in range(6):
                self._hire(session, Role.BRIDGER, supervisor_id=self.supervisor.id)
            program.caseload_limit = 100
            programs.set_people_in_charge(
                session, system, supervisor_id=self.supervisor.id, clinician_id=self.clinician.id, manager_id=manager.id
            )

    def _hire(self, session: Session, role: Role, **more: Any) -> Actor:
        number = self.dice.randrange(10**9)
        row = staff.add_staff(
            session,
            system_actor(self.program_id),
            email=f"{role.value}{number}@peers.example",
            name=f"{role.label.split()[-1].capitalize()} Example",
            roles=[role],
            **more,
        )
        return actor_of(row)

    def live(self, people: int) -> None:
        """Let so many people be referred, each at a time of their own, and live until the program is looked at."""
        with engine.lasting_session() as self.session:
            for number in range(people):
                keep_cases(self.session)
                clock.set_to(BEGINS + timedelta(days=DAYS * 0.85 * number / people, minutes=self.dice.randrange(2000)))
                self._live_one()
        clock.set_to(ASKED_AT)

    def _live_one(self) -> None:
        dice = self.dice
        facility_id, setting = dice.choice(self.facilities)
        planner, now = self.planners[facility_id], clock.now()
        has_left = dice.random() < 0.15
        details = ReferralDetails(
            setting=setting,
            expected_on=None if has_left else (now + timedelta(days=dice.randrange(1, 6))).date(),
            certainty=DateCertainty.LIKELY,
            discharged_at=now - timedelta(hours=dice.randrange(1, 60)) if has_left else None,
            disposition=Disposition.HOME if has_left else None,
            consent=dice.choice([ConsentStatus.GIVEN, ConsentStatus.GIVEN, ConsentStatus.PENDING]),
        )
        person = PersonDetails(
            given_name="Ada",
            family_name=f"Sample{dice.randrange(10**6)}",
            birth_on=date(1990, 1, 1),
            phones=[Phone("212-555-0123")],
            language=dice.choice(["en", "es"]),
        )
        row = referrals.file_referral(self.session, planner, person, details)
        engine.commit(self.session)
        while self._time_passes(row.id):
            act = self._choose(row.id, planner)
            if act is None:
                continue
            try:
                act(self.session)
                engine.commit(self.session)
            except Refusal:  # what is not possible now is not done, and leaves nothing
                self.session.rollback()
                keep_cases(self.session)

    def _time_passes(self, referral_id: str) -> bool:
        """Some time passes, and what fell due is carried out, late at times. False when nothing is left to happen."""
        row = self.session.get_one(Referral, referral_id)
        if row.next_at is None and (not row.status.is_over or self.dice.random() > 0.3):
            return False
        moment = clock.now() + timedelta(minutes=self.dice.choice([20, 120, 600, 1400, 4000, 8000]))
        if moment > ASKED_AT:
            clock.set_to(ASKED_AT)
            agenda.carry_out(self.session, referral_id)
            engine.commit(self.session)
            return False
        clock.set_to(moment)
        agenda.carry_out(self.session, referral_id)
        engine.commit(self.session)
        return True

    def _choose(self, referral_id: str, planner: Actor) -> Callable[[Session], object] | None:
        dice, now, session = self.dice, clock.now(), self.session
        row = session.get_one(Referral, referral_id)
        bridger = session.get(Staff, row.bridger_id) if row.bridger_id else None
        worker = actor_of(bridger) if bridger is not None else self.supervisor
        is_open = (Escalation.referral_id == referral_id, Escalation.state != EscalationState.RESOLVED)
        calls = session.exec(select(Escalation).where(*is_open)).all()
        asked = session.exec(
            select(Offer).where(Offer.referral_id == referral_id, Offer.state == OfferState.OPEN)
        ).first()
        asked_bridger = actor_of(session.get_one(Staff, asked.bridger_id)) if asked is not None else None
        roll = dice.random()
        if row.status.is_over:
            return lambda s: closing.undo_end(s, self.supervisor, referral_id, "entered by mistake")
        if row.status is ReferralStatus.SUBMITTED:
            if roll < 0.1:
                return lambda s: referrals.reject_referral(
                    s, self.supervisor, referral_id, ClosureReason.OUT_OF_AREA, "ask the other county"
                )
            return (lambda s: referrals.accept_referral(s, self.supervisor, referral_id)) if roll < 0.8 else None
        if asked is not None and asked_bridger is not None and roll < 0.6:
            offer_id, who = asked.id, asked_bridger
            return lambda s: offers.accept_offer(s, who, offer_id)
        if row.status is ReferralStatus.ON_HOLD:
            if roll < 0.25:
                return lambda s: holds.undo_hold(s, self.supervisor, referral_id, "it was somebody else")
            return (
                (lambda s: discharges.record_discharge(s, planner, referral_id, now, Disposition.HOME))
                if roll < 0.6
                else None
            )
        if row.discharged_at is None and roll < 0.4:
            left_at = now - timedelta(hours=dice.randrange(0, 20))
            how = dice.choice([Disposition.HOME, Disposition.SHELTER, Disposition.AGAINST_ADVICE])
            return lambda s: discharges.record_discharge(s, planner, referral_id, left_at, how)
        if calls and roll < 0.35:
            call = dice.choice(calls)
            who = self.clinician if dice.random() < 0.3 else self.supervisor
            if dice.random() < 0.6:
                return lambda s: escalations.acknowledge(s, who, referral_id, call.id)
            return lambda s: escalations.resolve(s, who, referral_id, call.id, Resolution.ARRANGED, "done")
        if roll < 0.75:
            mode, outcome = dice.choice([Mode.CALL, Mode.CALL, Mode.VISIT, Mode.TEXT]), dice.choice(OUTCOMES)
            at = now - timedelta(hours=dice.choice([0, 0, 0, 30]))
            return lambda s: contacts.log_attempt(s, worker, referral_id, mode, outcome, at=at, minutes=10)
        if roll < 0.80:
            stands = (Attempt.referral_id == referral_id, col(Attempt.is_retracted).is_(False))
            tries = session.exec(select(Attempt).where(*stands)).all()
            if not tries:
                return None
            attempt = dice.choice(tries)
            return lambda s: contacts.take_back_attempt(s, self.supervisor, referral_id, attempt.id, "wrong person")
        if roll < 0.86:
            waits = (Contact.referral_id == referral_id, Contact.state == ContactState.PLANNED)
            planned = session.exec(select(Contact).where(*waits)).all()
            if not planned:
                return None
            contact = dice.choice(planned)
            if dice.random() < 0.5:
                return lambda s: contacts.complete_task(s, worker, referral_id, contact.id)
            return lambda s: contacts.waive_contact(s, self.supervisor, referral_id, contact.id, "asked for fewer")
        if roll < 0.88:
            return lambda s: discharges.cancel_discharge(s, planner, referral_id, "still there")
        if roll < 0.91 and row.discharged_at is not None:
            corrected = row.discharged_at + timedelta(hours=dice.randrange(-8, 8))
            return lambda s: discharges.record_discharge(s, planner, referral_id, corrected, Disposition.HOME)
        if roll < 0.94:
            reason = dice.choice(list(HoldReason))
            return lambda s: holds.put_on_hold(s, planner, referral_id, reason, since=now - timedelta(hours=6))
        if roll < 0.96:
            why = dice.choice(CLOSURES)
            return lambda s: closing.close_referral(s, self.supervisor, referral_id, why, "closed")
        return None


def copy_rows(source: Engine, target: Engine) -> None:
    """Every row of one database into another that has the tables and nothing else."""
    with source.connect() as old, target.begin() as new:
        for table in SQLModel.metadata.sorted_tables:
            if rows := [dict(row._mapping) for row in old.execute(sqlalchemy_select(table))]:
                new.execute(insert(table), rows)


def holds_of(session: Session) -> dict[str, list[Hold]]:
    """Every hold by referral."""
    found: dict[str, list[Hold]] = {}
    for row in session.exec(select(Hold)):
        found.setdefault(row.referral_id, []).append(row)
    return found
