"""The program that is put through crashes: invented people, and protocols of which one is in a hurry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from domain.vocabulary import FacilityKind, Role, Setting
from records import engine
from records.access import system_actor
from records.commands.programs import add_facility, create_program, publish_protocol_text, set_people_in_charge
from records.commands.sign_in import create_token
from records.commands.staff import add_staff, set_profile
from records.tables import Staff

PATIENT, HASTY, REMINDING = Setting.PSYCHIATRIC_INPATIENT, Setting.EMERGENCY_DEPARTMENT, Setting.GENERAL_HOSPITAL
"""Nothing falls due for hours; everything within seconds; a reminder within seconds."""

_COMMON = """
key = "{key}"
title = "{title}"
settings = ["{setting}"]
date_check = "PT12H"
date_review = "P7D"
finish = "P90D"

[assignment]
accept = "P1BD"
offer_answer = {{ standard = "PT2S", high_risk = "PT2S" }}
deadline = "P1BD"
retry = "P1D"

[[contacts]]
key = "first-contact"
title = "First contact"
due = {{ after = "discharge", within = "{within}" }}
remind = {remind}
ladder = "contact-missed"

[[ladders.contact-missed]]
tell = ["peer_supervisor"]
answer = {{ standard = "PT3S" }}

[[ladders.contact-missed]]
tell = ["program_manager"]
answer = {{ standard = "P1D" }}

[[ladders.supervisor]]
tell = ["peer_supervisor"]
answer = {{ standard = "P1D" }}

[[ladders.safety]]
tell = ["on_call_clinician"]
answer = {{ standard = "PT15M" }}
"""


@dataclass
class Cast:
    """Who acts: tokens and ids by a short name."""

    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def bridger_of(self, staff_id: str) -> str:
        """The short name of the bridger with this id."""
        return next(name for name, an_id in self.ids.items() if an_id == staff_id)


def set_up() -> Cast:
    """Write it into the open database."""
    cast = Cast()
    with engine.transaction() as session:
        program = create_program(session, "Invented Peers", phone="+12025550100")
        program.caseload_limit = 1000
        hand = system_actor(program.id)
        hasty = {"key": "emergency", "title": "In a hurry", "within": "PT2S", "remind": "[]"}
        publish_protocol_text(session, program.id, _COMMON.format(**hasty, setting=HASTY.value), by=None)
        reminding = {"key": "general-hospital", "title": "With a reminder", "within": "PT40S", "remind": "[0.05]"}
        publish_protocol_text(session, program.id, _COMMON.format(**reminding, setting=REMINDING.value), by=None)
        ward = add_facility(session, hand, "Invented Hospital", FacilityKind.HOSPITAL, PATIENT)
        jail = add_facility(session, hand, "Invented Jail", FacilityKind.JAIL, Setting.JAIL)

        def member(name: str, role: Role, **more: Any) -> str:
            row = add_staff(
                session, hand, email=f"{name}@invented.example", name=f"{name.title()} Invented", roles=[role], **more
            )
            cast.ids[name], cast.tokens[name] = row.id, create_token(session, row, "crash", 30)
            return row.id

        supervisor = member("supervisor", Role.SUPERVISOR, phone="+12025550101")
        manager = member("manager", Role.MANAGER)
        clinician = member("clinician", Role.CLINICIAN)
        member("planner", Role.PLANNER, facility_id=ward.id)
        member("jailer", Role.PLANNER, facility_id=jail.id)
        for name in ("first", "second", "third"):
            set_profile(session, hand, member(name, Role.BRIDGER, supervisor_id=supervisor), languages=["en"])
        set_people_in_charge(session, hand, supervisor_id=supervisor, clinician_id=clinician, manager_id=manager)
        session.get_one(Staff, supervisor).wants_sms = True
    return cast
