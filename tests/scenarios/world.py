"""A small program in which scenarios happen: facilities, staff, people, and a clock that only the scenario moves.

Given who is there (`World`), when somebody acts (`world.refer`, `journey.discharge`, `world.time_passes`), then the
records are asked (`journey.contact`, `journey.calls`, `journey.events`, `world.told`). Every step goes through
the commands, and time goes from one appointment to the next exactly as the engine keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, SQLModel, col, func, select

from domain.vocabulary import (
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
    RiskFlag,
    Role,
    Setting,
    Subject,
)
from records import clock, engine, journal, tables
from records.access import Actor, actor_of, referral_for, system_actor
from records.commands import (
    absences,
    agenda,
    assignments,
    changes,
    contacts,
    discharges,
    holds,
    offers,
    programs,
    referrals,
    staff,
)
from records.commands.contacts import Logged
from records.commands.people import PersonDetails, Phone, Place
from records.commands.referrals import ReferralDetails
from records.queries.case import forget_cases, keep_cases
from records.queries.invariants import broken_invariants

NEW_YORK = "America/New_York"
MONDAY = "2026-11-02 08:00"
"""When scenarios begin unless they say otherwise, New York time: the Monday after the clocks went back."""

FACILITIES = {
    "Riverside": (FacilityKind.HOSPITAL, Setting.PSYCHIATRIC_INPATIENT, False),
    "Riverside ED": (FacilityKind.EMERGENCY_DEPARTMENT, Setting.EMERGENCY_DEPARTMENT, False),
    "General": (FacilityKind.HOSPITAL, Setting.GENERAL_HOSPITAL, False),
    "County Jail": (FacilityKind.JAIL, Setting.JAIL, False),
    "State Prison": (FacilityKind.PRISON, Setting.PRISON, True),
}
PEOPLE = ("Ada", "Bea", "Cal", "Dot", "Eli", "Fay", "Gus", "Hal")


def instant(wall: str, zone: str = NEW_YORK) -> datetime:
    """The instant at which a wall clock in `zone` shows this: `2026-11-02 09:00`."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone))


@dataclass
class World:
    """A program with its staff, and everything that happens in it."""

    bridger_names: Sequence[str] = ("Ben", "Ines", "Omar")
    starts: str = MONDAY
    accepts_at_once: bool = True
    program_id: str = ""
    facilities: dict[str, str] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    journeys: list[Journey] = field(default_factory=list)
    kept: Session | None = None

    def __post_init__(self) -> None:
        clock.set_to(instant(self.starts))
        SQLModel.metadata.create_all(engine.configure("sqlite://"))
        with engine.transaction() as session:
            program = programs.create_program(session, "Example Bridges", accepts_at_once=self.accepts_at_once)
            self.program_id = program.id
            system = system_actor(program.id)
            for name, (kind, setting, needs_clearance) in FACILITIES.items():
                row = programs.add_facility(session, system, name, kind, setting, needs_clearance=needs_clearance)
                self.facilities[name] = row.id
                self._hire(session, f"planner at {name}", Role.PLANNER, facility_id=row.id)
            for label in ("supervisor", "clinician", "manager"):
                self._hire(session, label, Role(label))
            self._hire(session, "admin", Role.ADMIN)
            for name in self.bridger_names:
                self._hire(session, name, Role.BRIDGER, supervisor_id=self.actors["supervisor"].id)
            programs.set_people_in_charge(
                session,
                system,
                supervisor_id=self.actors["supervisor"].id,
                clinician_id=self.actors["clinician"].id,
                manager_id=self.actors["manager"].id,
            )

    # --- given

    def _hire(self, session: Session, label: str, role: Role, **more: Any) -> None:
        address = label.replace(" ", ".").lower() + "@example.org"
        name = f"{label.split()[0].capitalize()} Example"
        row = staff.add_staff(session, system_actor(self.program_id), email=address, name=name, roles=[role], **more)
        self.actors[label] = actor_of(row)

    def hire_bridger(self, name: str, **profile: Any) -> Actor:
        """One more bridger of the supervisor's, with a profile for matching when given."""
        with engine.transaction() as session:
            self._hire(session, name, Role.BRIDGER, supervisor_id=self.actors["supervisor"].id)
        if profile:
            self.profile(name, **profile)
        return self.actors[name]

    def profile(self, name: str, **profile: Any) -> None:
        """What matching knows of a bridger."""
        self.do("manager", staff.set_profile, self.actors[name].id, **{"languages": ["en"], **profile})

    # --- when

    def do(self, who: str | Actor, command: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Somebody gives a command: one transaction, as at the edge of the product."""
        actor = who if isinstance(who, Actor) else self.actors[who]
        with self.transaction() as session:
            return command(session, actor, *args, **kwargs)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: in a session of its own, or in the one that a journey keeps with the cases it loaded."""
        if self.kept is None:
            with engine.transaction() as session:
                yield session
            return
        try:
            yield self.kept
            engine.commit(self.kept)
        except BaseException:
            self.kept.rollback()
            forget_cases(self.kept)
            raise

    def keep_one_session(self) -> None:
        """From now on one session for everything, as the simulator has it."""
        self.kept = engine.lasting_session()
        keep_cases(self.kept)

    def refer(
        self,
        name: str = "Ada Sample",
        *,
        facility: str = "Riverside",
        birth_on: date | None = date(1990, 1, 1),
        phones: Sequence[str] = ("212-555-0123",),
        places: Sequence[Place] = (),
        person: dict[str, Any] | None = None,
        person_id: str | None = None,
        risks: Sequence[RiskFlag] = (),
        consent: ConsentStatus = ConsentStatus.GIVEN,
        leaves_in_days: int | None = 3,
        left_at: datetime | None = None,
        bridger: str | None = None,
        **details: Any,
    ) -> Journey:
        """The planner of a facility files a referral; with `bridger`, that one takes the person at once."""
        given, family = name.split()
        who = PersonDetails(
            **{
                "given_name": given,
                "family_name": family,
                "birth_on": birth_on,
                "phones": [Phone(number) for number in phones],
                "places": places,
                **(person or {}),
            }
        )
        if left_at is None and leaves_in_days is not None:
            day = clock.now().astimezone(ZoneInfo(NEW_YORK)).date() + timedelta(days=leaves_in_days)
            details = {"expected_on": day, "certainty": DateCertainty.LIKELY, **details}
        if left_at is not None:
            details = {"disposition": Disposition.HOME, **details}
        row = self.do(
            f"planner at {facility}",
            referrals.file_referral,
            None if person_id else who,
            ReferralDetails(
                setting=FACILITIES[facility][1], risks=risks, consent=consent, discharged_at=left_at, **details
            ),
            person_id=person_id,
        )
        journey = Journey(self, row.id, f"planner at {facility}")
        self.journeys.append(journey)
        if bridger is not None:
            self.do("supervisor", assignments.assign, row.id, self.actors[bridger].id)
        return journey

    def follow(self, name: str = "Ada Sample", *, facility: str = "Riverside", **more: Any) -> Journey:
        """Somebody who leaves now, an hour after Ben, their bridger, met them on the unit: the clocks begin."""
        journey = self.refer(name, facility=facility, bridger=more.pop("bridger", "Ben"), **more)
        journey.log(Mode.VISIT, Outcome.REACHED, minutes=30)
        journey.finish_tasks()
        self.time_passes(hours=1)
        journey.discharge()
        return journey

    def time_passes(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> None:
        """Let time pass, every appointment kept when it comes."""
        self.time_is(clock.now() + timedelta(days=days, hours=hours, minutes=minutes))

    def time_is(self, at: datetime | str) -> None:
        """Let time pass until then, every appointment kept when it comes, and the invariants with it."""
        until = instant(at) if isinstance(at, str) else at
        assert until >= clock.now(), "time runs forward"
        while (soonest := min(filter(None, (self._next_item(), self._next_absence())), default=until)) < until:
            clock.set_to(max(soonest, clock.now()))
            self.keep_appointments()
        clock.set_to(until)
        self.keep_appointments()
        self.check()

    def nobody_works(self, *, hours: float) -> None:
        """The engine is down for so long: time passes and no appointment is kept."""
        clock.advance(timedelta(hours=hours))

    def keep_appointments(self) -> None:
        """What the engine does when it wakes: absences, and what is due for whoever has something due."""
        if (away := self._next_absence()) is not None and away <= clock.now():
            with self.transaction() as session:
                absences.keep_absences(session)
        with engine.read_session() as session:
            due = select(tables.Referral.id).where(col(tables.Referral.next_at) <= clock.now())
            waiting = list(session.exec(due.order_by(col(tables.Referral.next_at))))
        for referral_id in waiting:
            with self.transaction() as session:
                agenda.carry_out(session, referral_id)

    def _next_item(self) -> datetime | None:
        with engine.read_session() as session:
            return session.exec(select(func.min(tables.Referral.next_at))).one()

    def _next_absence(self) -> datetime | None:
        """When the next absence begins or ends."""
        away, is_not_over = tables.Absence, col(tables.Absence.ended_at).is_(None)
        queries = (
            select(func.min(away.from_at)).where(is_not_over, col(away.begun_at).is_(None)),
            select(func.min(away.until_at)).where(is_not_over),
        )
        with engine.read_session() as session:
            return min((at for query in queries if (at := session.exec(query).one()) is not None), default=None)

    # --- then

    @property
    def now(self) -> datetime:
        """The present moment."""
        return clock.now()

    def wall(self, at: datetime | None, zone: str = NEW_YORK) -> str:
        """An instant as people there read it: `Mon 2026-11-02 09:00`."""
        return "" if at is None else at.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M")

    def look(self, query: Any) -> list[Any]:
        """Rows, read afresh."""
        with engine.read_session() as session:
            return list(session.exec(query))

    def told(self, who: str, template: str | None = None) -> list[tables.Notification]:
        """What somebody was told in the app, oldest first."""
        query = select(tables.Notification).where(
            tables.Notification.staff_id == self.actors[who].id, tables.Notification.channel == "in_app"
        )
        rows = self.look(query.order_by(col(tables.Notification.created_at), col(tables.Notification.id)))
        return [row for row in rows if template is None or row.template == template]

    def check(self) -> None:
        """Nothing of what must always hold is broken (design §5)."""
        for journey in self.journeys:
            with engine.read_session() as session:
                assert broken_invariants(session, journey.id, clock.now()) == []


@dataclass
class Journey:
    """One person's transition, as the scenario acts on it and asks about it."""

    world: World
    id: str
    planner: str

    # --- when

    def discharge(
        self, at: datetime | None = None, disposition: Disposition = Disposition.HOME, *, by: str | None = None
    ) -> None:
        """The facility records that the person left, now or then."""
        self.world.do(by or self.planner, discharges.record_discharge, self.id, at or clock.now(), disposition)

    def cancel_discharge(self) -> None:
        """The person did not leave after all."""
        self.world.do(self.planner, discharges.cancel_discharge, self.id)

    def moves_to(self, day: date | None) -> None:
        """The expected date moves, or is withdrawn."""
        self.world.do(self.planner, changes.move_expected_discharge, self.id, day)

    def hold(self, reason: HoldReason = HoldReason.READMITTED, *, since: datetime | None = None) -> None:
        """The facility says that the person is inside again."""
        self.world.do(self.planner, holds.put_on_hold, self.id, reason, since=since)

    def log(
        self,
        mode: Mode = Mode.CALL,
        outcome: Outcome = Outcome.REACHED,
        *,
        by: str | None = None,
        **entry: Any,
    ) -> Logged:
        """The bridger logs one try."""
        actor = by or self.bridger or "supervisor"
        logged: Logged = self.world.do(actor, contacts.log_attempt, self.id, mode, outcome, **entry)
        return logged

    def finish_tasks(self) -> None:
        """Whatever is a task on the plan before leaving is done."""
        for contact in self.awaited():
            if contact.key in ("appointment-check", "release-packet", "release-packet-ready"):
                self.world.do("supervisor", contacts.complete_task, self.id, contact.id)

    def accept_offer(self) -> str:
        """Whoever is asked now says yes; returns the bridger's name."""
        offer = next(o for o in self.offers() if o.state is OfferState.OPEN)
        name = self.world_name(offer.bridger_id)
        self.world.do(name, offers.accept_offer, offer.id)
        return name

    def answer(self, call: tables.Escalation, by: str) -> None:
        """Somebody takes a call."""
        from records.commands.escalations import acknowledge

        self.world.do(by, acknowledge, self.id, call.id)

    # --- then

    @property
    def row(self) -> tables.Referral:
        """The referral as it stands."""
        with engine.read_session() as session:
            return session.get_one(tables.Referral, self.id)

    @property
    def person(self) -> tables.Person:
        """The person as they are on record."""
        with engine.read_session() as session:
            return session.get_one(tables.Person, self.row.person_id)

    @property
    def bridger(self) -> str | None:
        """The name of the bridger, if there is one."""
        bridger_id = self.row.bridger_id
        return self.world_name(bridger_id) if bridger_id else None

    def world_name(self, staff_id: str) -> str:
        """What the scenario calls a member of staff."""
        return next(label for label, actor in self.world.actors.items() if actor.id == staff_id)

    def contacts(self, key: str | None = None) -> list[tables.Contact]:
        """The contacts on record, in order of due time and age."""
        query = select(tables.Contact).where(tables.Contact.referral_id == self.id)
        rows = self.world.look(query.order_by(col(tables.Contact.due_at), col(tables.Contact.revision)))
        return [row for row in rows if key is None or row.key == key]

    def contact(self, key: str, seq: int = 1) -> tables.Contact:
        """The newest contact of this key: the one that counts."""
        found = [c for c in self.contacts(key) if c.seq == seq]
        assert found, f"there is no contact {key} {seq}"
        return max(found, key=lambda c: (c.cycle, c.revision))

    def awaited(self) -> list[tables.Contact]:
        """The contacts that are still to happen."""
        return [c for c in self.contacts() if c.state is ContactState.PLANNED]

    def offers(self) -> list[tables.Offer]:
        """Every offer, oldest first."""
        query = select(tables.Offer).where(tables.Offer.referral_id == self.id)
        return self.world.look(query.order_by(col(tables.Offer.made_at), col(tables.Offer.id)))

    def calls(
        self, subject: Subject | None = None, *, about: str | None = None, is_open: bool | None = None
    ) -> list[tables.Escalation]:
        """The escalations, oldest first."""
        query = select(tables.Escalation).where(tables.Escalation.referral_id == self.id)
        rows = self.world.look(
            query.order_by(
                col(tables.Escalation.raised_at), col(tables.Escalation.occurrence), col(tables.Escalation.rung)
            )
        )
        return [
            row
            for row in rows
            if (subject is None or row.subject is subject)
            and (about is None or row.subject_id == about)
            and (is_open is None or (row.state is not EscalationState.RESOLVED) is is_open)
        ]

    def events(self, name: str | None = None) -> list[tables.JournalEntry]:
        """The journal, in order."""
        query = select(tables.JournalEntry).where(tables.JournalEntry.stream == self.id)
        rows = self.world.look(query.order_by(col(tables.JournalEntry.seq)))
        return [row for row in rows if name is None or row.event == name]

    def disclosures(self) -> list[tables.Disclosure]:
        """What was told to others about the person, or held back."""
        return self.world.look(select(tables.Disclosure).where(tables.Disclosure.referral_id == self.id))

    def messages(self) -> list[tables.Notification]:
        """Every message about this referral, over every channel."""
        return self.world.look(select(tables.Notification).where(tables.Notification.referral_id == self.id))

    def journal_is_whole(self) -> bool:
        """The hash chain verifies up to the head kept on the referral."""
        return journal.verify(self.events(), head=self.row.journal_head) == []

    def is_seen_by(self, who: str) -> bool:
        """Whether this member of staff may open the person's page."""
        from domain.errors import NotAllowed, NotFound

        with engine.read_session() as session:
            try:
                referral_for(session, self.world.actors[who], self.id)
            except (NotAllowed, NotFound):
                return False
        return True
