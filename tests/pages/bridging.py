"""A program in the midst of its work, and its staff at their browsers: what the tests of these pages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import FastAPI
from httpx import Response
from sqlalchemy import event
from sqlmodel import col, select

from api.app import create_app
from domain.vocabulary import (
    ConsentStatus,
    DateCertainty,
    Disposition,
    FacilityKind,
    OfferState,
    PhoneKind,
    PlaceKind,
    Role,
    Setting,
)
from records import clock, engine
from records.access import Actor, actor_of, system_actor
from records.commands import agenda, assignments, discharges, programs, referrals, sign_in, staff
from records.commands.people import PersonDetails, Phone, Place
from records.commands.referrals import ReferralDetails
from records.settings import get_settings
from records.tables import Attempt, Contact, Offer, Referral, Staff
from tests.pages.client import TestClient
from tests.pages.harness import Page, check_page

PHONES = (Phone("(212) 555-0123", PhoneKind.OWN, may_voicemail=True, may_text=True),)
NOW = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)  # a Tuesday, ten in the morning in New York
PASSWORD = "three quiet herons wade"
IDLE = timedelta(minutes=10)
PLACES = (Place(PlaceKind.SHELTER, "40 Example Avenue, Springfield", "after 6 pm"),)


@dataclass
class Browser:
    """Somebody's browser; they sign in again when they were idle. Every page it gets is checked by the harness."""

    client: TestClient
    email: str
    signed_in_at: datetime | None = None

    def wake(self) -> None:
        """Sign in, unless they did and were not idle since."""
        if self.signed_in_at is None or clock.now() - self.signed_in_at >= IDLE:
            self.client.cookies.set("footbridge-session", sign_in.sign_in(self.email, PASSWORD, "tests"))
        self.signed_in_at = clock.now()

    def fetch(self, path: str) -> Response:
        """What a GET answers, unchecked."""
        self.wake()
        response: Response = self.client.get(path, follow_redirects=False)
        return response

    def get(self, path: str, status: int = 200) -> Page:
        """One page, as every page must be."""
        response = self.fetch(path)
        assert response.status_code == status, f"{path}: {response.status_code} {response.text[:400]}"
        return check_page(response.text)

    def post(self, path: str, **fields: str) -> Response:
        """Send a form as our pages send it; redirects are not followed."""
        token = sign_in.csrf_token(self._token())
        response: Response = self.client.post(path, data={"csrf_token": token} | fields, follow_redirects=False)
        if response.headers.get("content-type", "").startswith("text/html") and response.text:
            check_page(response.text)
        return response

    def _token(self) -> str:
        self.wake()
        return str(self.client.cookies["footbridge-session"])

    def goes_to(self, path: str, **fields: str) -> str:
        """Send a form that must succeed; where it leads."""
        response = self.post(path, **fields)
        assert response.status_code == 303, f"{response.status_code} {words(response.text)[:600]}"
        return response.headers["location"]

    def follow(self, path: str, **fields: str) -> Page:
        """Send a form that must succeed, and the page it leads to."""
        return self.get(self.goes_to(path, **fields))


def words(html: str) -> str:
    """What a page says, as one line."""
    body = Page(html).all("body")
    return " ".join(body[0].text.split()) if body else " ".join(html.split())


def said(page: Page) -> str:
    """What the main part of a page says, as one line."""
    return " ".join(page.all("main")[0].text.split())


@dataclass
class Bridging:
    """A small program, people on their way, and time that passes with every appointment kept.

    Staff by name: `planner`, `bridger`, `second` (a bridger too), `supervisor`, `clinician`, `manager`.
    """

    app: FastAPI
    staff: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with engine.transaction() as session:
            program = programs.create_program(session, "Example Bridges", accepts_at_once=True)
            hand = system_actor(program.id)
            hospital = programs.add_facility(
                session, hand, "Riverside Example", FacilityKind.HOSPITAL, Setting.PSYCHIATRIC_INPATIENT
            )

            def add(name: str, role: Role, **more: Any) -> str:
                email, full_name = f"{name}@program.example", f"{name.title()} Pretend"
                row = staff.add_staff(session, hand, email=email, name=full_name, roles=[role], **more)
                self.staff[name] = row.id
                return row.id

            supervisor = add("supervisor", Role.SUPERVISOR, phone="+12125550198")
            clinician = add("clinician", Role.CLINICIAN, phone="+12125550199")
            manager = add("manager", Role.MANAGER)
            add("planner", Role.PLANNER, facility_id=hospital.id)
            add("bridger", Role.BRIDGER, supervisor_id=supervisor)
            add("second", Role.BRIDGER, supervisor_id=supervisor)
            programs.set_people_in_charge(
                session, hand, supervisor_id=supervisor, clinician_id=clinician, manager_id=manager
            )

    def actor(self, name: str) -> Actor:
        """A member of staff by name, as commands know them."""
        with engine.read_session() as session:
            return actor_of(session.get_one(Staff, self.staff[name]))

    def browser(self, name: str) -> Browser:
        """The browser of a member of staff, signed in."""
        if name not in self.browsers:
            with engine.transaction() as session:
                sign_in.set_password(session, self.staff[name], PASSWORD)
            self.browsers[name] = Browser(TestClient(self.app), f"{name}@program.example")
        self.browsers[name].wake()
        return self.browsers[name]

    def refer(
        self, given_name: str = "Ada", *, bridger: str | None = "bridger", left: bool = False, **more: Any
    ) -> str:
        """Somebody is referred; with `bridger` that one walks with them; with `left` they leave now. Returns the id."""
        person = {
            "given_name": given_name,
            "family_name": "Sample",
            "birth_on": date(1990, 1, 1 + len(given_name)),
            "phones": PHONES,
            "places": PLACES,
        } | more.pop("person", {})
        details: dict[str, Any] = {
            "setting": Setting.PSYCHIATRIC_INPATIENT,
            "expected_on": (clock.now() + timedelta(days=2)).date(),
            "certainty": DateCertainty.LIKELY,
            "consent": ConsentStatus.GIVEN,
        } | more
        with engine.transaction() as session:
            row = referrals.file_referral(
                session, self.actor("planner"), PersonDetails(**person), ReferralDetails(**details)
            )
            if bridger is not None:
                assignments.assign(session, self.actor("supervisor"), row.id, self.staff[bridger])
            if left:
                discharges.record_discharge(session, self.actor("planner"), row.id, clock.now(), Disposition.HOME)
        return row.id

    def offer(self, given_name: str = "Ada", **more: Any) -> tuple[str, str, str]:
        """Somebody is referred and offered; the referral, the offer and the name of the bridger who is asked."""
        referral_id = self.refer(given_name, bridger=None, **more)
        self.keep_appointments()
        offer = self.rows(Offer, Offer.referral_id == referral_id, Offer.state == OfferState.OPEN)[0]
        name = next(n for n, staff_id in self.staff.items() if staff_id == offer.bridger_id)
        return referral_id, offer.id, name

    def rows(self, table: Any, *conditions: Any) -> list[Any]:
        """Rows, read afresh."""
        with engine.read_session() as session:
            return list(session.exec(select(table).where(*conditions)))

    def time_passes(self, **span: float) -> None:
        """Time passes, and what falls due meanwhile is carried out when it does."""
        until = clock.now() + timedelta(**span)
        while (soonest := self._soonest()) is not None and soonest <= until:
            clock.set_to(max(soonest, clock.now()))
            self.keep_appointments()
        clock.set_to(until)

    def keep_appointments(self) -> None:
        """Carry out what is due, as the engine does."""
        due = self.rows(Referral, col(Referral.next_at) <= clock.now())
        for row in due:
            with engine.transaction() as session:
                agenda.carry_out(session, row.id)

    def _soonest(self) -> datetime | None:
        with engine.read_session() as session:
            query = select(Referral.next_at).where(col(Referral.next_at).is_not(None))
            return session.exec(query.order_by(col(Referral.next_at)).limit(1)).first()


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Every statement that the database is asked within the block."""
    asked: list[str] = []
    database = engine.database()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            asked.append(statement)

    event.listen(database.read, "before_cursor_execute", note)  # the engine for writing is the same with options
    try:
        yield asked
    finally:
        event.remove(database.read, "before_cursor_execute", note)


def begin() -> Bridging:
    """The program in the database that is open, and the application over it."""
    return Bridging(create_app(get_settings()))


def attempts(town: Bridging, referral_id: str) -> list[Attempt]:
    """The entries of a person, taken back or not."""
    return town.rows(Attempt, Attempt.referral_id == referral_id)


def contact(town: Bridging, referral_id: str, key: str) -> Contact:
    """The first contact of this rule on a person's plan."""
    found: Contact = town.rows(Contact, Contact.referral_id == referral_id, Contact.key == key)[0]
    return found
