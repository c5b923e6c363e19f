"""The invented program that drills and benches fill: one hospital, one in charge of everything, a few bridgers."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from domain.vocabulary import FacilityKind, Role, Setting
from records.access import system_actor
from records.commands.programs import add_facility, create_program, set_people_in_charge
from records.commands.staff import add_staff
from records.tables import Facility, Program, Staff


@dataclass(frozen=True, slots=True)
class DrillProgram:
    """Its rows, within the transaction that made them."""

    program: Program
    facility: Facility
    boss: Staff
    planner: Staff
    team: list[Staff]


def make_program(session: Session, *, bridgers: int = 0, accepts_at_once: bool = False) -> DrillProgram:
    """Write it down, with so many bridgers."""
    program = create_program(session, "Drill Peers", accepts_at_once=accepts_at_once)
    program.supervisor_limit = 100_000
    hand = system_actor(program.id)
    facility = add_facility(session, hand, "Bench Hospital", FacilityKind.HOSPITAL, Setting.PSYCHIATRIC_INPATIENT)
    roles = [Role.SUPERVISOR, Role.CLINICIAN, Role.MANAGER]
    boss = add_staff(session, hand, email="boss@bench.example", name="Boss", roles=roles)
    set_people_in_charge(session, hand, supervisor_id=boss.id, clinician_id=boss.id, manager_id=boss.id)
    planner = add_staff(
        session, hand, email="planner@bench.example", name="Planner", roles=[Role.PLANNER], facility_id=facility.id
    )
    team = [
        add_staff(
            session,
            hand,
            email=f"bridger{number}@bench.example",
            name=f"Bridger {number}",
            roles=[Role.BRIDGER],
            supervisor_id=boss.id,
        )
        for number in range(bridgers)
    ]
    return DrillProgram(program, facility, boss, planner, team)
