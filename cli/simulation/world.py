"""The invented program in which lives are simulated, made by the real commands."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sqlmodel import Session, select

from domain.vocabulary import FacilityKind, Gender, Role, Setting
from records.access import Actor, actor_of, system_actor
from records.commands.programs import add_facility, create_program, set_people_in_charge
from records.commands.staff import add_staff, set_profile
from records.tables import Bridger, Facility, Staff

FACILITY_ZONE = "America/New_York"
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles")
PLACES = (
    (Setting.PSYCHIATRIC_INPATIENT, FacilityKind.HOSPITAL),
    (Setting.EMERGENCY_DEPARTMENT, FacilityKind.EMERGENCY_DEPARTMENT),
    (Setting.GENERAL_HOSPITAL, FacilityKind.HOSPITAL),
    (Setting.JAIL, FacilityKind.JAIL),
    (Setting.PRISON, FacilityKind.PRISON),
)


@dataclass(frozen=True, slots=True)
class World:
    """Who there is: a planner for each setting, the bridgers by id, a supervisor, a clinician, a manager."""

    program_id: str
    planners: dict[Setting, Actor]
    bridgers: dict[str, Actor]
    supervisor: Actor
    clinician: Actor
    manager: Actor
    rows: list[object]
    """The rows of staff and program, held so that the session keeps them."""


def build_world(session: Session, chance: random.Random, *, bridgers: int = 8) -> World:
    """Set the program up."""
    program = create_program(session, "Simulated Peers", accepts_at_once=True)
    hand = system_actor(program.id)
    supervisor = add_staff(
        session, hand, email="supervisor@simulated.example", name="Supervisor", roles=[Role.SUPERVISOR]
    )
    clinician = add_staff(session, hand, email="clinician@simulated.example", name="Clinician", roles=[Role.CLINICIAN])
    manager = add_staff(session, hand, email="manager@simulated.example", name="Manager", roles=[Role.MANAGER])
    set_people_in_charge(session, hand, supervisor_id=supervisor.id, clinician_id=clinician.id, manager_id=manager.id)
    planners = {}
    for setting, kind in PLACES:
        facility = add_facility(session, hand, f"Simulated {setting.label}", kind, setting)
        staff = add_staff(
            session,
            hand,
            email=f"{setting.value}@simulated.example",
            name="Planner",
            roles=[Role.PLANNER],
            facility_id=facility.id,
        )
        planners[setting] = actor_of(staff)
    team = {}
    for number in range(bridgers):
        staff = add_staff(
            session,
            hand,
            email=f"bridger{number}@simulated.example",
            name=f"Bridger {number}",
            roles=[Role.BRIDGER],
            supervisor_id=supervisor.id,
        )
        set_profile(
            session,
            hand,
            staff.id,
            languages=["en", "es"] if number % 2 else ["en"],
            gender=chance.choice(list(Gender)),
            lived_experience=[chance.choice(list(Setting))],
        )
        team[staff.id] = actor_of(staff)
    rows = [program, *session.exec(select(Staff)), *session.exec(select(Bridger)), *session.exec(select(Facility))]
    return World(program.id, planners, team, actor_of(supervisor), actor_of(clinician), actor_of(manager), rows)
