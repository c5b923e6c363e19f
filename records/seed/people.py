"""Who works in the demonstration: facilities, planners, bridgers and those who look after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlmodel import Session

from domain.vocabulary import FacilityKind, Gender, Role, Setting
from records.access import Actor, actor_of, system_actor
from records.commands.programs import add_facility, create_program, set_people_in_charge
from records.commands.sign_in import set_password
from records.commands.staff import add_staff, set_profile
from records.tables import Program

PASSWORD = "across-the-river"
"""Of every demonstration user. Production refuses to start with them."""

ZONE = "America/New_York"
P, E, G, J = Setting.PSYCHIATRIC_INPATIENT, Setting.EMERGENCY_DEPARTMENT, Setting.GENERAL_HOSPITAL, Setting.JAIL


@dataclass(frozen=True)
class Profile:
    """One bridger, as matching knows them. `jail`: they may enter it for so many days from today."""

    name: str
    gender: Gender
    languages: tuple[str, ...]
    areas: tuple[str, ...]
    lived: tuple[Setting, ...]
    jail: int = 0
    limit: int | None = None


BRIDGERS = (
    Profile("Rosa Ejemplo", Gender.WOMAN, ("en", "es"), ("0001", "0002"), (P, E), jail=200),
    Profile("Marcus Specimen", Gender.MAN, ("en",), ("0001", "0003"), (J, G), jail=400),
    Profile("Lin Yangben", Gender.WOMAN, ("en", "zh"), ("0001", "0002"), (P,)),
    Profile("Dana Beispiel", Gender.NONBINARY, ("en", "de"), ("0002", "0003"), (E, P), jail=300),
    Profile("Yusuf Mithal", Gender.MAN, ("en", "ar"), ("0003", "0004"), (J,), jail=25),
    Profile("Nadia Primer", Gender.WOMAN, ("en", "ru"), ("0002", "0004"), (P, G)),
    Profile("Theo Exemple", Gender.MAN, ("en", "fr", "ht"), (), (J, E), jail=180, limit=8),
    Profile("Keahi Laana", Gender.WOMAN, ("en", "es"), ("0004",), (G, E), jail=90, limit=6),
)


@dataclass
class Staffed:
    """Everybody who acts in the demonstration, by the word before the @ of their address."""

    program: Program
    by: dict[str, Actor] = field(default_factory=dict)

    @property
    def hand(self) -> Actor:
        """The program's own hand."""
        return system_actor(self.program.id)


def staff_the_program(session: Session, today: date) -> Staffed:
    """Set the program up: three facilities, eight bridgers, four who look after them, three planners.

    Clearances to enter the jail end so many days after `today`, the day on which the demonstration ends.
    """
    program = create_program(
        session, "River Crossing Peers", neutral_name="River Crossing", zone=ZONE, phone="+12125550100"
    )
    made = Staffed(program)
    hand = made.hand
    riverside = add_facility(
        session, hand, "Riverside General", FacilityKind.HOSPITAL, P, phone="+12125550110",
        address="1 Example Quay, 00010", identifiers=[{"system": "urn:oid:2.999.1", "value": "riverside"}],
    )  # fmt: skip
    lakeside = add_facility(
        session, hand, "Lakeside Hospital", FacilityKind.HOSPITAL, G, phone="+12125550120",
        address="20 Sample Shore, 00030", identifiers=[{"system": "urn:oid:2.999.1", "value": "lakeside"}],
    )  # fmt: skip
    jail = add_facility(
        session, hand, "Example County Jail", FacilityKind.JAIL, J, phone="+12125550130",
        address="300 Placeholder Road, 00040", needs_clearance=True,
    )  # fmt: skip

    def member(key: str, address: str, name: str, role: Role, facility_id: str = "", under: str = "") -> Actor:
        row = add_staff(
            session, hand, email=address, name=name, roles=[role], is_demonstration=True,
            facility_id=facility_id or None, supervisor_id=made.by[under].id if under else None,
        )  # fmt: skip
        set_password(session, row.id, PASSWORD)
        made.by[key] = actor_of(row)
        return made.by[key]

    for key, name, role in (
        ("supervisor", "Sam Sample", Role.SUPERVISOR),
        ("clinician", "Kit Placeholder", Role.CLINICIAN),
        ("manager", "Morgan Model", Role.MANAGER),
        ("admin", "Alex Template", Role.ADMIN),
        ("privacy", "Robin Facsimile", Role.PRIVACY),
    ):
        member(key, f"{key}@footbridge.example", name, role)
    member("riverside", "planner@riverside.example", "Pat Pattern", Role.PLANNER, riverside.id)
    member("lakeside", "planner@lakeside.example", "Lou Outline", Role.PLANNER, lakeside.id)
    member("jail", "planner@countyjail.example", "Jamie Draft", Role.PLANNER, jail.id)
    set_people_in_charge(
        session, hand, supervisor_id=made.by["supervisor"].id, clinician_id=made.by["clinician"].id,
        manager_id=made.by["manager"].id,
    )  # fmt: skip
    for number, profile in enumerate(BRIDGERS, 1):
        bridger = member(
            f"bridger{number}", f"bridger{number}@footbridge.example", profile.name, Role.BRIDGER, under="supervisor"
        )
        set_profile(
            session, hand, bridger.id, languages=profile.languages, gender=profile.gender,
            lived_experience=profile.lived, areas=profile.areas, caseload_limit=profile.limit,
            clearances=[(jail.id, today + timedelta(days=profile.jail))] if profile.jail else [],
        )  # fmt: skip
    return made
