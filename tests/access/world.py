"""A world with somebody on each side of every gate: the same things of each kind, mine, theirs and nobody's.

Whose a thing is, is said from where the hospital's planner, one bridger, their supervisor and a clinician stand:

    own            the planner filed it, the bridger walks with them, supervisor and clinician were called about it
    offered        the same hospital's; it is offered to the bridger, who has not answered
    unassigned     the same hospital's; nobody walks with the person, and another bridger is asked
    elsewhere      another facility's, with another bridger, supervisor and clinician
    stranger       another program's
    transferred    was the bridger's; another bridger has the person for good
    handed         the same an hour ago: the grace has not ended
    closed         was the bridger's, and is over; the clinician was called about it
    revoked        as own, and the person took the consent back
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlmodel import Session, col, select

from domain.access import FACILITY_SCOPES
from domain.consent import Recipient
from domain.vocabulary import (
    AgreedHow,
    Category,
    ClosureReason,
    ConsentStatus,
    DateCertainty,
    Disposition,
    FacilityKind,
    Gender,
    Mode,
    OfferState,
    Outcome,
    Purpose,
    RecipientKind,
    Role,
    Setting,
    SystemScope,
    TellingWay,
)
from records import clock, engine
from records.access import Actor, actor_of, system_actor
from records.commands import (
    absences,
    agenda,
    assignments,
    changes,
    closing,
    contacts,
    discharges,
    drafts,
    escalations,
    glass,
    merging,
    offers,
    people,
    programs,
    referrals,
    replies,
    sign_in,
    staff,
    systems,
    telling,
    texting,
)
from records.commands.imports import import_releases
from records.commands.passwords import hash_password
from records.commands.protocols import move_cases
from records.commands.replies import IncomingText
from records.marks import is_phone
from records.queries.protocol_moves import preview_move
from records.tables import (
    ApiToken,
    ConsentVersion,
    Contact,
    Incident,
    Offer,
    Person,
    ProtocolVersion,
    Referral,
    Staff,
    StaffSession,
    SystemToken,
    TextReply,
)

BEGAN = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)  # a Tuesday, ten in the morning in New York
PASSWORD = "three quiet herons wade"

WHOSE = ("own", "offered", "unassigned", "elsewhere", "stranger", "transferred", "handed", "closed", "revoked")
ROLES = tuple(role.value for role in Role)
SYSTEMS = {"hospital system": ("planner",), "program system": ("manager", "admin")}
"""The systems with a token that is good for all it can be good for, and the roles whose rights it has."""
SEEING = (*ROLES, *SYSTEMS)
"""Everybody who sees something of somebody's."""
FAMILY = {whose: f"{whose.title()}person" for whose in WHOSE}
"""The family name of the person behind each: a word that stands nowhere else."""

HALF = frozenset({SystemScope.REFERRALS_READ, SystemScope.FHIR_RECEIVE, SystemScope.EVENTS_READ})
"""The scopes of one of two tokens, of which the other has all the others."""

Things = dict[str, str]
"""The ids of one side's things, by the name that routes give them."""


@dataclass
class World:
    """Whose things are which, and the keys of everybody who may come."""

    things: dict[str, Things] = field(default_factory=dict)
    staff: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    halves: dict[bool, str] = field(default_factory=dict)
    """Two tokens of the program's systems: of which the first (False) has the scopes of `HALF`, the other all else."""
    now: datetime = BEGAN

    def numbers(self) -> dict[str, str]:
        """The number of each side's referral, as people say it on the phone."""
        with engine.read_session() as session:
            return {
                whose: session.get_one(Referral, things["referral_id"]).number for whose, things in self.things.items()
            }

    def consents(self) -> dict[str, str]:
        """The first version of what each person answered, by referral."""
        with engine.read_session() as session:
            rows = session.exec(select(ConsentVersion).order_by(ConsentVersion.id.desc()))  # type: ignore[attr-defined]
            return {row.referral_id: row.id for row in rows}


@cache
def _password_hash() -> str:
    return hash_password(PASSWORD)


@dataclass
class _Program:
    """One program while it is being set up."""

    session: Session
    id: str
    hand: Actor
    facilities: dict[str, str]
    actors: dict[str, Actor] = field(default_factory=dict)

    def add(self, name: str, role: Role, **more: Any) -> Actor:
        row = staff.add_staff(
            self.session, self.hand, email=f"{name}@{self.id}.example", name=f"{name.title()} Pretend",
            roles=[role], **more,
        )  # fmt: skip
        row.password_hash = _password_hash()
        self.session.flush()
        self.actors[name] = actor_of(row)
        return self.actors[name]

    def on_duty(self, clinician: str) -> None:
        programs.set_people_in_charge(
            self.session,
            self.hand,
            supervisor_id=self.actors["supervisor2"].id,
            clinician_id=self.actors[clinician].id,
            manager_id=self.actors["manager"].id,
        )

    def taking(self, *names: str) -> None:
        """Only these bridgers are asked from now on."""
        for name in ("bridger", "bridger2"):
            staff.set_profile(
                self.session, self.hand, self.actors[name].id, languages=["en"], gender=Gender.UNSTATED,
                lived_experience=[], areas=[], clearances=[], caseload_limit=50, is_taking_people=name in names,
            )  # fmt: skip


def build_world() -> World:
    """Everything, in the database that is open. The clock stands where the world ends."""
    world = World()
    clock.set_to(BEGAN)
    with engine.transaction() as session:
        ours = _program(session, "Example Bridges")
        theirs = _program(session, "Another Program")
    for whose in WHOSE:
        world.things[whose] = _side(theirs if whose == "stranger" else ours, whose)
    clock.set_to(BEGAN + timedelta(days=6))
    _later(ours, world)
    _around(ours, world, {"own": ("planner", "bridger"), "elsewhere": ("planner2", "bridger2")})
    _around(theirs, world, {"stranger": ("planner", "bridger")})
    clock.set_to(BEGAN + timedelta(days=11, hours=23))
    _hand_over(ours, world.things["handed"]["referral_id"])
    numbers, consents = world.numbers(), world.consents()
    for whose, things in world.things.items():
        things["family"] = FAMILY[whose]
        things["number"] = numbers[whose]
        things["consent_id"] = consents[things["referral_id"]]
        things.setdefault("first_id", things["person_id"])
        things.setdefault("second_id", world.things["own"]["second_id"])
    clock.set_to(BEGAN + timedelta(days=12))
    _keys(ours, world)
    _tokens_of_systems(ours, theirs, world)
    world.now = clock.now()
    return world


def _program(session: Session, name: str) -> _Program:
    row = programs.create_program(session, name, accepts_at_once=True)
    hand = system_actor(row.id)
    hospital = programs.add_facility(
        session, hand, f"Riverside of {name}", FacilityKind.HOSPITAL, Setting.PSYCHIATRIC_INPATIENT
    )
    jail = programs.add_facility(session, hand, f"County Jail of {name}", FacilityKind.JAIL, Setting.JAIL)
    made = _Program(session, row.id, hand, {"hospital": hospital.id, "jail": jail.id})
    made.add("planner", Role.PLANNER, facility_id=hospital.id)
    made.add("planner2", Role.PLANNER, facility_id=jail.id)
    for number in ("", "2"):
        supervisor = made.add(f"supervisor{number}", Role.SUPERVISOR)
        made.add(f"bridger{number}", Role.BRIDGER, supervisor_id=supervisor.id)
        made.add(f"clinician{number}", Role.CLINICIAN)
    for role in Role:
        if role.value not in made.actors:
            made.add(role.value, role)
    made.add("clinician3", Role.CLINICIAN)
    made.on_duty("clinician")
    return made


def _side(program: _Program, whose: str) -> Things:
    """One person's referral with everything that hangs on it, through the commands as people use them."""
    elsewhere = whose == "elsewhere"
    planner = program.actors["planner2" if elsewhere else "planner"]
    bridger = program.actors["bridger2" if elsewhere else "bridger"]
    asked = "bridger2" if whose in ("elsewhere", "unassigned") else "bridger"
    called = "clinician" if whose in ("own", "revoked", "stranger", "closed") else "clinician2"
    things: Things = {}
    with _step(program) as session:
        program.on_duty(called)
        program.taking(asked)
        row = referrals.file_referral(
            session,
            planner,
            people.PersonDetails(
                given_name="Ada", family_name=FAMILY[whose], birth_on=date(1990, 1, 1 + WHOSE.index(whose)),
                phones=[people.Phone(f"(212) 555-01{ten + WHOSE.index(whose)}", may_text=True) for ten in (10, 50)],
                safety_note=f"note about {FAMILY[whose]}",
            ),
            referrals.ReferralDetails(
                setting=Setting.JAIL if elsewhere else Setting.PSYCHIATRIC_INPATIENT,
                expected_on=date(2026, 11, 6), certainty=DateCertainty.LIKELY, consent=ConsentStatus.GIVEN,
            ),
        )  # fmt: skip
        things["referral_id"], things["person_id"] = row.id, row.person_id
    with _step(program) as session:
        agenda.carry_out(session, things["referral_id"])
    with _step(program) as session:
        offer = session.exec(select(Offer).where(Offer.referral_id == things["referral_id"])).one()
        assert (offer.state, offer.bridger_id) == (OfferState.OPEN, program.actors[asked].id), whose
        things["offer_id"] = offer.id
        if whose not in ("offered", "unassigned"):
            offers.accept_offer(session, bridger, offer.id)
    worker = program.actors["manager"] if whose in ("offered", "unassigned") else bridger
    if worker is bridger:
        with _step(program) as session:
            discharges.record_discharge(session, planner, things["referral_id"], clock.now(), Disposition.HOME)
    with _step(program) as session:
        call = escalations.raise_concern(session, worker, things["referral_id"], f"worried about {FAMILY[whose]}")
        things["escalation_id"] = call.id
        assert any(person["staff_id"] == program.actors[called].id for person in call.told), whose
    with _step(program) as session:
        attempt = contacts.log_attempt(
            session, worker, things["referral_id"], mode=Mode.CALL, outcome=Outcome.NO_ANSWER,
            note=f"tried {FAMILY[whose]}",
        )  # fmt: skip
        things["attempt_id"] = attempt.attempt.id
        planned = session.exec(
            select(Contact).where(Contact.referral_id == things["referral_id"]).order_by(Contact.due_at, Contact.id)  # type: ignore[arg-type]
        ).all()
        things["contact_id"] = planned[-1].id
        officer = Recipient(RecipientKind.JUSTICE, f"officer of {FAMILY[whose]}")
        things["telling_id"] = telling.tell_outside(
            session, worker, things["referral_id"], officer, [Category.ATTENDANCE], Purpose.MONITORING, TellingWay.PHONE
        )[0]
    with _step(program) as session:
        _text(session, program, things, whose)
    return things


def _text(session: Session, program: _Program, things: Things, whose: str) -> None:
    """The person said yes to texts on two numbers, wrote from one, and at the other somebody else answered."""
    referral = session.get_one(Referral, things["referral_id"])
    person = session.get_one(Person, referral.person_id)
    mine, other = (str(phone["number"]) for phone in person.phones)
    hand = program.actors["manager"]
    for number, body in ((mine, f"It is {FAMILY[whose]}"), (other, "wrong number")):
        texting.allow_texts(session, hand, referral.id, number, AgreedHow.IN_PERSON)
        replies.take_reply(session, IncomingText(f"SM{number[1:]}", number, body))
    things["reply_id"] = session.exec(select(TextReply.id).where(is_phone(col(TextReply.number_mark), mine))).one()
    things["incident_id"] = session.exec(select(Incident.id).where(is_phone(col(Incident.number_mark), other))).one()
    things |= {"phone": mine, "wrong_phone": other}


def _later(program: _Program, world: World) -> None:
    """What ends access: handing over for good, closing; and the consent that was taken back."""
    with _step(program) as session:
        program.on_duty("clinician2")
        program.taking("bridger", "bridger2")
    _hand_over(program, world.things["transferred"]["referral_id"])
    with _step(program) as session:
        closing.close_referral(
            session, program.actors["manager"], world.things["closed"]["referral_id"], ClosureReason.SERVICES_RECEIVED
        )
        changes.record_consent(
            session, program.actors["planner"], world.things["revoked"]["referral_id"], ConsentStatus.REVOKED
        )


def _hand_over(program: _Program, referral_id: str) -> None:
    with _step(program) as session:
        assignments.assign(session, program.actors["manager"], referral_id, program.actors["bridger2"].id)


def _around(program: _Program, world: World, who: dict[str, tuple[str, str]]) -> None:
    """What belongs to staff and facilities rather than to one person's way."""
    for whose, (planner, bridger) in who.items():
        things = world.things[whose]
        glazier = "clinician2" if whose != "elsewhere" else "clinician3"
        with _step(program) as session:
            away = absences.set_absence(
                session, program.actors["manager"], program.actors[bridger].id,
                from_at=clock.now() + timedelta(days=60), until_at=clock.now() + timedelta(days=61),
            )  # fmt: skip
            things |= {"absence_id": away.id, "staff_id": away.bridger_id, "bridger_id": away.bridger_id}
            others = {"bridger": "bridger2", "bridger2": "bridger"}
            things["cover_id"] = program.actors[others[bridger]].id
            things["supervisor_id"] = program.actors[bridger.replace("bridger", "supervisor")].id
            number = session.get_one(Referral, things["referral_id"]).number
            things["glass_id"] = glass.break_glass(session, program.actors[glazier], number, "words").id
            things["draft"] = f"drf_{whose}0123456789abcdef"
            drafts.keep_draft(session, program.actors[planner], things["draft"], {"family_name": [FAMILY[whose]]})
            report = import_releases(
                session, program.actors[planner], RELEASES.format(name=f"{whose.title()}import").encode()
            )
            assert report.id, report.problems
            things["import_id"] = report.id
            version = session.exec(select(ProtocolVersion).where(ProtocolVersion.program_id == program.id)).all()[0]
            things["protocol_id"], things["facility_id"] = version.id, program.actors[planner].facility_id or ""
            text = next(row.text for row in session.exec(select(ProtocolVersion)) if row.key == "psychiatric-inpatient")
            newer = programs.publish_protocol(session, program.actors["manager"], f"{text}\n# for {whose}\n")
            shown = preview_move(session, program.actors["manager"], newer.id, [things["referral_id"]])
            if shown.seen:
                things["move_id"] = move_cases(session, program.actors["manager"], newer.id, shown.seen).id
            twin = referrals.file_referral(
                session, program.actors[planner],
                people.PersonDetails(given_name="Adah", family_name=f"{whose.title()}twin", birth_on=date(1991, 2, 3)),
                referrals.ReferralDetails(setting=Setting.PSYCHIATRIC_INPATIENT, consent=ConsentStatus.GIVEN,
                                          expected_on=date(2026, 12, 1)),
            )  # fmt: skip
            things |= {"first_id": things["person_id"], "second_id": twin.person_id}
            double = referrals.file_referral(
                session, program.actors[planner],
                people.PersonDetails(given_name="Aida", family_name=f"{whose.title()}double",
                                     birth_on=date(1992, 2, 3)),
                referrals.ReferralDetails(setting=Setting.PSYCHIATRIC_INPATIENT, consent=ConsentStatus.GIVEN,
                                          expected_on=date(2026, 12, 2)),
            )  # fmt: skip
            things["merged_id"] = double.person_id
            closing.close_referral(session, program.actors["manager"], double.id, ClosureReason.ENTERED_IN_ERROR)
            merging.merge_people(session, program.actors["manager"], things["person_id"], things["merged_id"])


RELEASES = """booking_number,first_name,last_name,birth_date,release_date,release_status,phone,where_to_find
SAMPLE-{name},Imported,{name},1980-05-05,2026-12-05,planned,555-010-0101,Example Street shelter
"""


def _keys(program: _Program, world: World) -> None:
    """A session and a token for each role; for somebody who was suspended, and for sessions that are over."""
    with _step(program) as session:
        for name in ("suspended", "expired"):
            program.add(name, Role.MANAGER)
    for name in (*ROLES, "suspended", "expired"):
        actor = program.actors[name]
        world.staff[name] = actor.id
        world.sessions[name] = sign_in.sign_in(f"{name}@{program.id}.example", PASSWORD)
        with _step(program) as session:
            world.tokens[name] = sign_in.create_token(session, session.get_one(Staff, actor.id), "tests", 30)
    with _step(program) as session:
        # `disable_staff` ends the sessions as well; here they stay, so that the account alone must be enough.
        session.get_one(Staff, world.staff["suspended"]).is_active = False
        for kept in session.exec(select(StaffSession).where(StaffSession.staff_id == world.staff["expired"])):
            kept.ends_at = clock.now()
        for token in session.exec(select(ApiToken).where(ApiToken.staff_id == world.staff["expired"])):
            token.expires_at = clock.now()


def _tokens_of_systems(ours: _Program, theirs: _Program, world: World) -> None:
    """One that is good for everything and one for half of it, one that was revoked, one that is over."""

    def made(program: _Program, name: str, scopes: Iterable[SystemScope], facility: str = "") -> tuple[str, str]:
        with _step(program) as session:
            row, token = systems.create_system_token(
                session, program.hand, name=name, scopes=scopes, facility_id=program.facilities.get(facility)
            )
            row.used_at = clock.now()  # noted a moment ago: noting it again with each request would be forgotten too
            return row.id, token

    everything = frozenset(SystemScope)
    _, world.tokens["hospital system"] = made(ours, "Riverside EHR", FACILITY_SCOPES, "hospital")
    own, world.tokens["program system"] = made(ours, "Reports", everything)
    for is_first, scopes in ((False, HALF), (True, everything - HALF)):
        _, world.halves[is_first] = made(ours, "Half", scopes)
    revoked, world.tokens["revoked token"] = made(ours, "Revoked", everything)
    over, world.tokens["expired token"] = made(ours, "Over", everything)
    with _step(ours) as session:
        systems.revoke_system_token(session, ours.actors["manager"], revoked)
        session.get_one(SystemToken, over).expires_at = clock.now()
    world.things["own"]["system_id"] = own
    world.things["stranger"]["system_id"], _ = made(theirs, "Strangersystem", everything)


@contextmanager
def _step(program: _Program) -> Iterator[Session]:
    with engine.transaction() as session:
        program.session = session
        yield session
