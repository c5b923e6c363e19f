"""A small program to call the API of: a hospital and a jail, one of each role, all invented."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from unittest.mock import patch

from fastapi import FastAPI
from httpx import Response

import api.app
from api.pages import ROUTERS
from domain.vocabulary import FacilityKind, Role, Setting
from records import engine
from records.access import system_actor
from records.commands import agenda, programs, sign_in, staff
from records.commands.passwords import hash_password
from records.settings import get_settings
from tests.api import probe
from tests.pages.client import TestClient

NOW = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)  # a Tuesday, ten in the morning in New York
PASSWORD = "three quiet herons wade"
ADA: dict[str, Any] = {
    "given_name": "Ada",
    "family_name": "Sample",
    "birth_on": "1990-01-01",
    "phones": [{"number": "(212) 555-0123", "may_text": True}],
}
REFERRAL: dict[str, Any] = {
    "setting": "psychiatric_inpatient",
    "person": ADA,
    "expected_on": "2026-11-06",
    "certainty": "likely",
    "consent": "given",
}


@dataclass
class House:
    """A program with its staff, and a client that speaks for each of them by name: `planner`, `bridger` …"""

    app: FastAPI
    client: TestClient
    program_id: str = ""
    facilities: dict[str, str] = field(default_factory=dict)
    staff: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """One request to the API. Header names are written with underscores."""
        sent = {"Authorization": f"Bearer {self.tokens[who]}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        response: Response = self.client.request(method, f"/api/v1{path}", json=body, headers=sent)
        return response

    def get(self, who: str, path: str) -> Any:
        """What a GET answers; it must succeed."""
        response = self.call(who, "GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, who: str, path: str, body: Any = None, **headers: str) -> Any:
        """What a POST answers; it must succeed."""
        response = self.call(who, "POST", path, body, **headers)
        assert response.status_code in (200, 201), response.text
        return response.json()

    def file(self, who: str = "planner", **changes: Any) -> str:
        """File a referral and return its id."""
        return str(self.post(who, "/referrals", REFERRAL | changes)["id"])

    def carry_out(self, referral_id: str) -> None:
        """What the workflow does when an item is due."""
        with engine.transaction() as session:
            agenda.carry_out(session, referral_id)

    def offer_of(self, referral_id: str, who: str = "bridger") -> str:
        """The id of the open offer of this person to a bridger."""
        return str(next(o["id"] for o in self.get(who, "/offers")["items"] if o["referral_id"] == referral_id))

    def accepted(self, **changes: Any) -> str:
        """A referral whose bridger has accepted."""
        referral_id = self.file(**changes)
        self.carry_out(referral_id)
        self.post("bridger", f"/offers/{self.offer_of(referral_id)}/accept")
        return referral_id


@cache
def _password_hash() -> str:
    """Hashing is slow on purpose; once is enough here."""
    return hash_password(PASSWORD)


def build_house() -> House:
    """The program in the database that is open, and the application over it."""
    with patch.object(api.app, "ROUTERS", (*ROUTERS, probe.router)):
        app = api.app.create_app(get_settings())
    house = House(app, TestClient(app, follow_redirects=False))
    with engine.transaction() as session:
        program = programs.create_program(session, "Example Bridges", accepts_at_once=True)
        hand = system_actor(program.id)
        hospital = programs.add_facility(
            session, hand, "Riverside Example", FacilityKind.HOSPITAL, Setting.PSYCHIATRIC_INPATIENT
        )
        jail = programs.add_facility(session, hand, "Example County Jail", FacilityKind.JAIL, Setting.JAIL)
        house.program_id, house.facilities = program.id, {"hospital": hospital.id, "jail": jail.id}

        def add(name: str, role: Role, **more: Any) -> str:
            row = staff.add_staff(
                session, hand, email=f"{name}@program.example", name=f"{name.title()} Pretend", roles=[role], **more
            )
            row.password_hash = _password_hash()
            house.staff[name] = row.id
            house.tokens[name] = sign_in.create_token(session, row, "tests", 30)
            return row.id

        supervisor = add("supervisor", Role.SUPERVISOR)
        clinician, manager = add("clinician", Role.CLINICIAN), add("manager", Role.MANAGER)
        add("admin", Role.ADMIN)
        add("privacy", Role.PRIVACY)
        add("planner", Role.PLANNER, facility_id=hospital.id)
        add("jailer", Role.PLANNER, facility_id=jail.id)
        add("bridger", Role.BRIDGER, supervisor_id=supervisor)
        programs.set_people_in_charge(
            session, hand, supervisor_id=supervisor, clinician_id=clinician, manager_id=manager
        )
        other = programs.create_program(session, "Another Program", accepts_at_once=True)
        stranger = staff.add_staff(
            session,
            system_actor(other.id),
            email="stranger@other.example",
            name="Stranger Pretend",
            roles=[Role.MANAGER],
        )
        house.staff["stranger"] = stranger.id
        house.tokens["stranger"] = sign_in.create_token(session, stranger, "tests", 30)
    return house
