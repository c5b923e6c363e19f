"""The program with everybody who is in charge, and a stranger: what the tests of their pages share."""

from __future__ import annotations

from typing import Any

from domain.vocabulary import FacilityKind, Role, Setting, Subject
from records import engine
from records.access import system_actor
from records.commands import programs, staff
from records.tables import Escalation, Facility, Program, Staff
from tests.pages.bridging import Bridging, begin


def begin_in_charge() -> Bridging:
    """The program with an administrator and a jail too, and a manager of another program: `admin`, `stranger`."""
    town = begin()
    with engine.transaction() as session:
        program_id = session.get_one(Staff, town.staff["manager"]).program_id
        hand = system_actor(program_id)
        other = programs.create_program(session, "Another Program", accepts_at_once=True)
        for name, role, program in (("admin", Role.ADMIN, hand), ("stranger", Role.MANAGER, system_actor(other.id))):
            row = staff.add_staff(
                session, program, email=f"{name}@program.example", name=f"{name.title()} Pretend", roles=[role]
            )
            town.staff[name] = row.id
        programs.add_facility(session, hand, "Example County Jail", FacilityKind.JAIL, Setting.JAIL)
    return town


def facility_id(town: Bridging, name: str) -> str:
    """A facility by its name."""
    return str(town.rows(Facility, Facility.name == name)[0].id)


def answers_by_hand(town: Bridging) -> None:
    """The program answers each referral by hand from now on."""
    with engine.transaction() as session:
        program_id = session.get_one(Staff, town.staff["manager"]).program_id
        session.get_one(Program, program_id).accepts_at_once = False


def missed(town: Bridging, name: str = "Ada", **more: Any) -> tuple[str, Escalation]:
    """Somebody whose first contact nobody made in time; the referral and the call about it."""
    referral_id = town.refer(name, left=True, **more)
    town.time_passes(hours=25)
    calls = town.rows(Escalation, Escalation.referral_id == referral_id, Escalation.subject == Subject.CONTACT)
    return referral_id, next(c for c in calls if c.why.startswith("First contact"))


def call_address(call: Escalation) -> str:
    """Where the page of a call is."""
    return f"/referrals/{call.referral_id}/escalations/{call.id}"
