"""A hospital and a jail that refer people, their planners, and the form as they send it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from api.app import create_app
from domain.vocabulary import FacilityKind, Mode, Outcome, Role, Setting
from records import engine
from records.access import system_actor
from records.commands import contacts, programs, sign_in, staff
from records.commands.inbound import receive_notification
from records.settings import get_settings
from records.tables import Program, Referral, Staff
from tests.pages.bridging import NOW, Bridging, Browser
from tests.pages.harness import Page
from tests.records.notices import notice

ADA: dict[str, Any] = {
    "leaving": "expected",
    "expected_on": "2026-11-05",
    "certainty": "likely",
    "given_name": "Ada",
    "family_name": "Sample",
    "birth_on_month": "1",
    "birth_on_day": "4",
    "birth_on_year": "1990",
    "language": "en",
    "setting": "psychiatric_inpatient",
    "phones.0.number": "(212) 555-0123",
    "phones.0.kind": "own",
    "phones.0.may_text": "yes",
    "places.0.kind": "shelter",
    "places.0.text": "40 Example Avenue",
    "consent": "given",
}
"""A form without mistakes: the person whom `Planning.refer("Ada")` files too."""


class Planning(Bridging):
    """The program of the bridgers' tests, and a jail; further staff: `jailer`, `colleague` (of `planner`)."""

    facilities: dict[str, str]

    def __post_init__(self) -> None:
        super().__post_init__()
        with engine.transaction() as session:
            planner = session.get_one(Staff, self.staff["planner"])
            hand = system_actor(planner.program_id)
            jail = programs.add_facility(session, hand, "Example County Jail", FacilityKind.JAIL, Setting.JAIL)
            self.facilities = {"hospital": str(planner.facility_id), "jail": jail.id}
            for name, place in (("jailer", "jail"), ("colleague", "hospital")):
                row = staff.add_staff(
                    session,
                    hand,
                    email=f"{name}@program.example",
                    name=f"{name.title()} Pretend",
                    roles=[Role.PLANNER],
                    facility_id=self.facilities[place],
                )
                self.staff[name] = row.id

    def program(self) -> Program:
        """The program, read afresh."""
        found: Program = self.rows(Program)[0]
        return found

    def waits_to_be_accepted(self) -> None:
        """From now on somebody at the program accepts by hand."""
        with engine.transaction() as session:
            session.get_one(Program, self.program().id).accepts_at_once = False

    def row(self, referral_id: str) -> Referral:
        """One referral, read afresh."""
        found: Referral = self.rows(Referral, Referral.id == referral_id)[0]
        return found

    def reached(self, referral_id: str, note: str = "") -> None:
        """The bridger talked with the person."""
        with engine.transaction() as session:
            contacts.log_attempt(session, self.actor("bridger"), referral_id, Mode.CALL, Outcome.REACHED, note=note)

    def draft_from_message(self) -> str:
        """A hospital tells of a discharge and nobody had referred the person; the id of the draft."""
        with engine.transaction() as session:
            message = notice("discharge", start=NOW - timedelta(days=4), end=NOW - timedelta(hours=3))
            return str(receive_notification(session, self.actor("planner"), message).referral_id)


def begin() -> Planning:
    """All of it, in the database that is open."""
    return Planning(create_app(get_settings()))


def opened(browser: Browser) -> str:
    """Open the form; its draft's id."""
    to = browser.fetch("/referrals/new").headers["location"]
    browser.get(to)
    return parse_qs(urlsplit(to).query)["draft"][0]


def press(browser: Browser, draft: str, do: str, **fields: Any) -> Any:
    """Send the form by one of its buttons."""
    return browser.post("/referrals/new", draft=draft, do=do, **fields)


def filed(browser: Browser, **changes: Any) -> str:
    """File Ada, or somebody else, from the form to the receipt; the referral's id."""
    draft = opened(browser)
    browser.get(press(browser, draft, "preview", **(ADA | changes)).headers["location"])
    return browser.goes_to("/referrals/new/send", draft=draft).split("/")[2]


def kept(browser: Browser, draft: str, **fields: Any) -> str:
    """What the page sends by itself while somebody types; the answer is a fragment."""
    token = sign_in.csrf_token(browser.client.cookies["footbridge-session"])
    response = browser.client.post("/referrals/new/keep", data={"csrf_token": token, "draft": draft} | fields)
    assert response.status_code == 200, response.text
    return str(response.text)


def upload(browser: Browser, data: bytes, **fields: str) -> Any:
    """Send a release list as the page does."""
    browser.wake()
    token = sign_in.csrf_token(browser.client.cookies["footbridge-session"])
    files = {"file": ("releases.csv", data, "text/csv")}
    return browser.client.post("/imports", data={"csrf_token": token} | fields, files=files, follow_redirects=False)


def value_of(page: Page, name: str) -> str:
    """What a field shows."""
    found = [e for e in page.all("input", "textarea") if e.attributes.get("name") == name]
    assert found, f"no field {name}"
    if found[0].tag == "textarea":
        return found[0].text.strip()
    if found[0].attributes.get("type") in ("radio", "checkbox"):
        return next((e.attributes["value"] for e in found if "checked" in e.attributes), "")
    return found[0].attributes.get("value", "")


def facts_of(page: Page) -> dict[str, str]:
    """The terms of a page's lists of facts, and what they say."""
    terms = [" ".join(e.text.split()) for e in page.all("dt")]
    return dict(zip(terms, (" ".join(e.text.split()) for e in page.all("dd")), strict=True))
