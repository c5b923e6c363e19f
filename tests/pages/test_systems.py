"""The pages for tokens of systems: made, shown once, what the list says, revoked; and the word before the end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from domain.vocabulary import Channel, SystemScope
from records import clock, engine
from records.commands import staff
from records.commands.systems import create_system_token, warn_of_ending
from records.tables import JournalEntry, Notification, SystemToken
from tests.pages.bridging import NOW, PASSWORD, Bridging, said, words
from tests.pages.charge import begin_in_charge, facility_id

pytestmark = pytest.mark.sqlite
HERE = "/systems"


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def hospital(town: Bridging) -> str:
    return facility_id(town, "Riverside Example")


def filled(town: Bridging, **changes: str) -> dict[str, str]:
    """The form as it is sent, with the `once` of a page that was opened for it."""
    page = town.browser("admin").get(f"{HERE}/new")
    once = next(one.attributes["value"] for one in page.all("input") if one.attributes.get("name") == "once")
    return {
        "once": str(once),
        "name": "Riverside EHR",
        "whose": hospital(town),
        "scopes": "referrals.read",
        "days": "90",
        "current": PASSWORD,
    } | changes


def made(town: Bridging, name: str = "Riverside EHR", days: int = 90, by: str = "admin") -> str:
    with engine.transaction() as session:
        row, _ = create_system_token(session, town.actor(by), name=name, scopes=[SystemScope.REFERRALS_READ], days=days)
        return row.id


def told(town: Bridging, template: str) -> set[str]:
    rows = town.rows(Notification, Notification.template == template, Notification.channel == Channel.IN_APP)
    return {row.staff_id for row in rows}


@pytest.mark.postgresql
def test_a_token_is_made_and_shown_once(town: Bridging) -> None:
    admin = town.browser("admin")
    assert "No system comes with a token." in said(admin.get(HERE))
    form = filled(town)
    answer = admin.post(f"{HERE}/new", **form)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    row = town.rows(SystemToken)[0]
    token = next(word for word in words(answer.text).split() if word.startswith("fbs_"))
    api = {"Authorization": f"Bearer {token}"}
    assert admin.client.get("/api/v1/referrals", headers=api).status_code == 200
    assert (row.name, row.facility_id, row.scopes) == ("Riverside EHR", hospital(town), ["referrals.read"])
    assert row.expires_at == NOW + timedelta(days=90)

    again = admin.post(f"{HERE}/new", **form)
    assert again.headers["location"] == HERE, "sent again, by reloading or going back, it is not shown again"
    listed = said(admin.get(HERE))
    assert "That token was made already" in listed
    assert len(town.rows(SystemToken)) == 1
    assert token not in listed
    for part in ("Riverside EHR", "Riverside Example", "Read referrals, and how they stand", "Last used just now",
                 "ends Mon Feb 1, 2027", "made by Admin Pretend"):  # fmt: skip
        assert part in listed, part
    entry = next(one for one in town.rows(JournalEntry) if one.event == "system_token.created")
    assert (entry.actor, entry.subject_id) == (town.staff["admin"], row.id)
    assert told(town, "system_token_made") == {town.staff["manager"]}, "whoever else manages systems"


def test_an_open_browser_is_no_way_to_a_key(town: Bridging) -> None:
    answer = town.browser("admin").post(f"{HERE}/new", **filled(town, current="not this one"))
    assert answer.status_code == 422
    assert 'id="current-error"' in answer.text
    assert town.rows(SystemToken) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"whose": ""}, "whose"),
        ({"scopes": ""}, "scopes"),
        ({"scopes": "measures.read"}, "scopes"),
        ({"days": "366"}, "days"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(town: Bridging, changes: dict[str, str], field: str) -> None:
    answer = town.browser("admin").post(f"{HERE}/new", **filled(town, **changes))
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert town.rows(SystemToken) == []


def test_it_is_revoked_after_a_second_look(town: Bridging) -> None:
    token_id, admin = made(town), town.browser("admin")
    page = admin.get(f"{HERE}/{token_id}/revoke")
    assert "From its next request on it opens nothing, for good." in said(page)
    assert admin.goes_to(f"{HERE}/{token_id}/revoke") == HERE
    assert town.rows(SystemToken)[0].revoked_by == town.staff["admin"]
    assert "No system comes with a token." in said(admin.get(HERE))
    shown = said(admin.get(f"{HERE}?show=all"))
    assert "Revoked" in shown
    assert admin.post(f"{HERE}/{token_id}/revoke").status_code == 409
    assert "opens nothing" in said(admin.get(f"{HERE}/{token_id}/revoke"))


def test_the_list_says_what_needs_somebodys_eye(town: Bridging) -> None:
    made(town, "Far off", days=200)
    made(town, "Ends soon", days=14, by="manager")
    with engine.transaction() as session:
        for row in session.exec(select(SystemToken)):
            row.used_at = NOW if row.name == "Ends soon" else None
    page = town.browser("admin").get(HERE)
    lines = [" ".join(line.text.split()) for line in page.all("li") if "made by" in line.text]
    assert lines[0].startswith("Ends soon Ends in 14 days "), "the first to end is on top"
    assert lines[1].startswith("Far off Never used ")
    with engine.transaction() as session:
        staff.disable_staff(session, town.actor("admin"), town.staff["manager"])
    assert "Its maker has left: is it still needed?" in said(town.browser("admin").get(HERE))
    clock.advance(timedelta(days=13, hours=12))
    assert "Ends today" in said(town.browser("admin").get(HERE))
    clock.advance(timedelta(hours=12))
    assert "Ends soon" not in said(town.browser("admin").get(HERE)), "it is over"


@pytest.mark.postgresql
def test_upkeep_tells_two_weeks_before_the_end_once(town: Bridging) -> None:
    made(town, days=30)
    for days, count in ((0, 0), (15, 0), (1, 1), (1, 0)):
        clock.advance(timedelta(days=days))
        with engine.transaction() as session:
            assert warn_of_ending(session) == count
    assert told(town, "system_token_ending") == {town.staff["admin"], town.staff["manager"]}


def test_nobody_is_told_of_the_end_of_what_was_revoked_or_is_over(town: Bridging) -> None:
    token_id, _ = made(town, days=5), made(town, days=1)
    town.browser("admin").goes_to(f"{HERE}/{token_id}/revoke")
    clock.advance(timedelta(days=2))
    with engine.transaction() as session:
        assert warn_of_ending(session) == 0


def test_only_who_manages_systems_comes_here(town: Bridging) -> None:
    token_id = made(town)
    for name in ("planner", "bridger", "supervisor", "clinician"):
        for path in (HERE, f"{HERE}/new", f"{HERE}/{token_id}/revoke"):
            assert town.browser(name).fetch(path).status_code == 403, (name, path)
    stranger = town.browser("stranger")
    assert "No system comes with a token." in said(stranger.get(HERE)), "another program's are not theirs to see"
    assert stranger.fetch(f"{HERE}/{token_id}/revoke").status_code == 404
    assert "Tokens of systems" in said(town.browser("manager").get("/staff"))
    assert town.browser("manager").fetch(HERE).status_code == 200
