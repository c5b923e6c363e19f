"""The privacy officer's pages: who looked at whom, what is unusual, and records opened with a reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.vocabulary import Channel, Role, SystemScope
from records import clock, engine
from records.access import actor_of, system_actor
from records.commands import links, staff
from records.commands.passwords import hash_password
from records.commands.readings import Look, note_looks
from records.commands.systems import create_system_token
from records.tables import BrokenGlass, Notification, Person, Reading, Referral, Staff
from tests.pages.bridging import NOW, PASSWORD, Bridging, Browser, said
from tests.pages.charge import begin_in_charge


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    """A program with a privacy officer and a second clinician, whom nobody called yet."""
    with clock.stopped_at(NOW):
        town = begin_in_charge()
        with engine.transaction() as session:
            hand = system_actor(session.get_one(Staff, town.staff["manager"]).program_id)
            for name, role, given in (("privacy", Role.PRIVACY, "Privacy"), ("kit", Role.CLINICIAN, "=Kit")):
                row = staff.add_staff(
                    session, hand, email=f"{name}@program.example", name=f"{given} Pretend", roles=[role]
                )
                row.password_hash = hash_password(PASSWORD)
                town.staff[name] = row.id
        yield town


def test_who_looked_at_this_person_and_what_did_this_user_look_at(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    town.browser("bridger").get(f"/referrals/{referral_id}")
    privacy = town.browser("privacy")
    found = privacy.post("/privacy", search="sample")
    assert found.status_code == 200
    person_id = town.rows(Person)[0].id
    assert f"/privacy/people/{person_id}" in found.text
    assert "at night (10 pm to 5 am)" in said(privacy.get("/privacy")), "times as everywhere else"
    text = said(privacy.get(f"/privacy/people/{person_id}"))
    assert "Who looked at Ada Sample" in text
    assert "Bridger Pretend" in text
    assert "GET /referrals/{referral_id}" in text
    assert "Bridger Pretend" in said(privacy.get(f"/privacy/staff/{town.staff['bridger']}"))
    assert town.rows(Reading, Reading.staff_id == town.staff["privacy"]), "a search for a name is written down too"


def test_a_number_leads_to_the_person_as_well(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    number = town.rows(Referral, Referral.id == referral_id)[0].number
    assert "Ada Sample" in town.browser("privacy").post("/privacy", search=number.lower()).text
    assert "Nobody of this name" in town.browser("privacy").post("/privacy", search="Nobody").text


def test_the_privacy_officer_sees_no_record(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    town.browser("privacy").get(f"/referrals/{referral_id}", status=403)
    assert town.browser("privacy").fetch("/").headers["location"] == "/privacy"


def test_nobody_else_sees_who_looked(town: Bridging) -> None:
    for who in ("manager", "admin", "supervisor", "clinician", "bridger", "planner"):
        town.browser(who).get("/privacy", status=403)


def test_a_record_opened_with_a_reason_is_shown_until_it_is_noted(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    number = town.rows(Referral, Referral.id == referral_id)[0].number
    kit, privacy = town.browser("kit"), town.browser("privacy")
    kit.get(f"/referrals/{referral_id}", status=404)
    assert "stay on record" in said(kit.get("/break-glass"))
    assert kit.goes_to("/break-glass", number=number, reason="She called me, not you") == f"/referrals/{referral_id}"
    page = kit.get(f"/referrals/{referral_id}")
    assert "and nothing more" in said(page)
    text = said(privacy.get("/privacy"))
    assert f"=Kit Pretend opened no. {number} New" in text
    assert "“She called me, not you”" in text
    assert "Somebody they do not work with" in text
    row = town.rows(BrokenGlass)[0]
    assert privacy.goes_to(f"/privacy/glass/{row.id}/noted") == "/privacy"
    assert f"opened no. {number} New" not in said(privacy.get("/privacy"))
    clock.advance(timedelta(hours=5))
    kit.get(f"/referrals/{referral_id}", status=404)


def test_a_link_for_a_colleagues_password_is_shown_and_a_first_invitation_is_not(town: Bridging) -> None:
    admin, privacy, _ = town.browser("admin"), town.browser("privacy"), town.browser("bridger")
    admin.post(f"/staff/{town.staff['second']}/link", how="show")
    assert "Made a link" not in said(privacy.get("/privacy"))
    admin.post(f"/staff/{town.staff['bridger']}/link", how="show")
    assert made(privacy) == [["Admin Pretend", "For Bridger Pretend"]]
    with engine.transaction() as session:
        links.invite(session, system_actor(session.get_one(Staff, town.staff["kit"]).program_id, "system:terminal"),
                     town.staff["kit"], by_email=False)  # fmt: skip
    assert ["The terminal", "For =Kit Pretend"] in made(privacy)


@pytest.mark.sqlite
@pytest.mark.parametrize("before", [0, 40], ids=["days ago", "long ago"])
def test_a_system_that_comes_from_elsewhere_is_shown(town: Bridging, before: int) -> None:
    referral_id = town.refer("Ada")
    with engine.transaction() as session:
        token, _ = create_system_token(
            session, actor_of(session.get_one(Staff, town.staff["admin"])), name="Reports",
            scopes=[SystemScope.REFERRALS_READ],
        )  # fmt: skip
        looks = [
            Look(token.program_id, token.id, "GET /api/v1/referrals", address, "key", referral_id=record, at=NOW - ago)
            for address, record, ago in (
                ("10.0.0.1", referral_id, timedelta(days=8 + before)),
                ("203.0.113.9", referral_id, timedelta(hours=2)), ("203.0.113.9", "", timedelta(hours=1)),
            )
        ]  # fmt: skip
    note_looks(looks)
    shown = town.browser("privacy").get("/privacy")
    line = "Reports (system) A system, from an address it had not used before 2 looks"
    assert (line.replace(" ", "") in said(shown).replace(" ", "")) is (before == 0)


def test_who_must_know_is_told_at_once_that_a_record_was_opened_and_nothing_of_it(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    number = town.rows(Referral, Referral.id == referral_id)[0].number
    town.browser("kit").goes_to("/break-glass", number=number, reason="She called me, not you")
    told = town.rows(Notification, Notification.template == "glass_broken", Notification.channel == Channel.IN_APP)
    assert {row.staff_id for row in told} == {town.staff["privacy"], town.staff["supervisor"]}
    assert [row.params for row in town.rows(Notification, Notification.template == "glass_broken") if row.params] == []
    privacy = town.browser("privacy").get("/notifications")
    assert "Somebody opened a record that is not theirs, with a reason" in said(privacy)
    assert "/privacy" in [a.attributes["href"] for a in privacy.all("a") if "opened a record" in a.text]
    for never in ("Ada", "Kit", "She called"):
        assert never not in said(privacy)


def test_the_hours_are_set_on_a_page(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    number = town.rows(Referral, Referral.id == referral_id)[0].number
    manager, kit = town.browser("manager"), town.browser("kit")
    assert "Access and consent" in said(manager.get("/staff"))
    refused = manager.post("/staff/access", grace="337", glass="0", minors="")
    assert "Enter a whole number between 0 and 336." in refused.text
    assert "Enter a whole number between 1 and 72." in refused.text
    manager.goes_to("/staff/access", grace="0", glass="2", minors="both")
    kit.goes_to("/break-glass", number=number, reason="words")
    clock.advance(timedelta(hours=1, minutes=59))
    kit.get(f"/referrals/{referral_id}")
    clock.advance(timedelta(minutes=2))
    kit.get(f"/referrals/{referral_id}", status=404)
    kit.get("/staff/access", status=403)


def made(privacy: Browser) -> list[list[str]]:
    """Who made a link, and for whom."""
    page = privacy.get("/privacy")
    cells = [
        [" ".join(cell.text.split()) for cell in page.inside(row) if cell.tag in ("td", "th")] for row in page.all("tr")
    ]
    return [[row[0], row[2]] for row in cells if row[1:2] == ["Made a link for somebody else's password"]]


def test_without_a_reason_or_with_a_wrong_number_nothing_opens(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    number = town.rows(Referral, Referral.id == referral_id)[0].number
    kit = town.browser("kit")
    assert kit.post("/break-glass", number=number, reason="").status_code == 422
    assert kit.post("/break-glass", number="FB-00000", reason="words").status_code == 404
    assert kit.post("/break-glass", number=number, reason="x" * 501).status_code == 422
    assert town.rows(BrokenGlass) == []
    assert town.browser("manager").post("/break-glass", number=number, reason="words").status_code == 409


def test_the_file_holds_the_same_and_no_formula(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    number = town.rows(Referral, Referral.id == referral_id)[0].number
    kit = town.browser("kit")
    kit.get(kit.goes_to("/break-glass", number=number, reason="words"))
    answer = town.browser("privacy").fetch(f"/privacy/staff/{town.staff['kit']}/looks.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert [(row["who"], row["referral"], row["broken glass"]) for row in rows] == [("'=Kit Pretend", number, "yes")]
