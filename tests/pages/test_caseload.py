"""Caseloads, absences and handovers; staff, the outbox, notices, duplicates: each for those whom it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from api.filters import local
from domain.vocabulary import Channel, NotificationState
from records import clock, engine
from records.commands import messages, staff
from records.tables import Absence, Bridger, Notification, Person, Program, Referral, Staff
from tests.pages.bridging import NOW, Bridging, counted_queries, said, words
from tests.pages.charge import begin_in_charge, missed
from tests.pages.harness import Element, Page

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def bridger_of(town: Bridging, referral_id: str) -> str | None:
    found: str | None = town.rows(Referral, Referral.id == referral_id)[0].bridger_id
    return found


# --- caseloads


@pytest.mark.postgresql
def test_the_caseload_shows_people_limit_due_and_overdue(town: Bridging) -> None:
    missed(town)
    town.refer("Bo")
    page = town.browser("supervisor").get("/bridgers")
    rows = {row.text.split()[0]: " ".join(row.text.split()) for row in page.all("tr")}
    assert any("2 of 15" in row for row in rows.values()), rows
    assert "2 people with 2 bridgers, 1 overdue" in said(page)


def test_the_caseload_asks_the_same_questions_for_one_and_for_many(town: Bridging) -> None:
    town.refer("Ada")
    supervisor = town.browser("supervisor")
    with counted_queries() as few:
        supervisor.get("/bridgers")
    for name in ("Bo", "Cyd", "Dinah"):
        town.refer(name, bridger="second")
    with counted_queries() as many:
        supervisor.get("/bridgers")
    assert len(many) == len(few) <= 25


def test_a_bridger_page_is_for_those_who_supervise_them(town: Bridging) -> None:
    town.refer("Ada")
    here = f"/bridgers/{town.staff['bridger']}"
    assert "Ada Sample" in said(town.browser("supervisor").get(here))
    assert "Ada Sample" in said(town.browser("manager").get(here))
    town.browser("stranger").get(here, 404)
    town.browser("bridger").get(here, 403)
    with engine.transaction() as session:
        session.get_one(Staff, town.staff["bridger"]).supervisor_id = town.staff["manager"]
    town.browser("supervisor").get(here, 404)


def test_an_absence_shows_who_moves_before_it_counts_and_they_come_back(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    supervisor, here = town.browser("supervisor"), f"/bridgers/{town.staff['bridger']}"
    form = {"first": "2026-11-03", "last": "2026-11-05", "cover_id": town.staff["second"], "once": "a"}
    preview = supervisor.post(here + "/absence", **form)
    assert preview.status_code == 200
    assert "1 person moves to Second Pretend" in words(preview.text)
    assert town.rows(Absence) == []
    for _ in range(2):
        supervisor.goes_to(here + "/absence", **form, confirmed="yes")
    assert len(town.rows(Absence)) == 1
    assert bridger_of(town, referral_id) == town.staff["second"]
    assert "Second Pretend covers." in said(supervisor.get(here))
    assert "until Thu Nov 5, 2026" in said(supervisor.get("/bridgers"))
    absence = town.rows(Absence)[0]
    for _ in range(2):
        supervisor.goes_to(f"{here}/absences/{absence.id}/end")
    assert bridger_of(town, referral_id) == town.staff["bridger"]


def test_an_absence_says_due_times_as_everywhere_and_who_is_told_when_nobody_covers(town: Bridging) -> None:
    town.refer("Ada", left=True)
    supervisor, here = town.browser("supervisor"), f"/bridgers/{town.staff['bridger']}"
    days = {"first": "2026-11-03", "last": "2026-11-05", "once": "a"}
    for text in (
        supervisor.post(here + "/absence", **days, cover_id="").text,
        town.browser("bridger").post("/absence", **days).text,
    ):
        assert "Ada Sample: Warm handoff on the day end of Tue Nov 3" in words(text)
    supervisor.goes_to(here + "/absence", **days, cover_id="", confirmed="yes")
    assert "Nobody covers: you are told when it begins" in said(supervisor.get(here))


def test_an_absence_says_who_cannot_be_covered_and_keeps_private_reasons(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    with engine.transaction() as session:
        person_id = session.get_one(Referral, referral_id).person_id
        staff.remember_conflict(session, town.staff["second"], person_id, "owes her money")
    preview = town.browser("supervisor").post(
        f"/bridgers/{town.staff['bridger']}/absence",
        first="2026-11-03", last="", cover_id=town.staff["second"], once="a",
    )  # fmt: skip
    text = words(preview.text)
    assert "Ada Sample: not available for this person." in text
    assert "money" not in text


def test_days_in_the_past_and_turned_round_are_said_beside_the_field(town: Bridging) -> None:
    supervisor, here = town.browser("supervisor"), f"/bridgers/{town.staff['bridger']}/absence"
    past = supervisor.post(here, first="2026-11-01", last="", cover_id="", once="a")
    assert "Choose today or a later day." in past.text
    turned = supervisor.post(here, first="2026-11-05", last="2026-11-04", cover_id="", once="a")
    assert "The last day is on or after the first." in turned.text


@pytest.mark.postgresql
def test_everybody_is_handed_over_at_once(town: Bridging) -> None:
    first, second, third = (town.refer(name) for name in ("Ada", "Bo", "Cyd"))
    supervisor, here = town.browser("supervisor"), f"/bridgers/{town.staff['bridger']}/hand-over"
    page = supervisor.get(f"{here}?to={town.staff['second']}")
    chosen = [o.attributes["value"] for o in page.all("option") if "selected" in o.attributes]
    assert chosen.count(town.staff["second"]) == 4, "one for all, and each of the three"
    fields = {f"to_{first}": town.staff["second"], f"to_{second}": town.staff["second"], f"to_{third}": ""}
    for _ in range(2):
        supervisor.goes_to(here, **fields, once="a")
    assert [bridger_of(town, one) for one in (first, second, third)] == [
        town.staff["second"], town.staff["second"], town.staff["bridger"],
    ]  # fmt: skip


def test_nobody_is_handed_over_when_a_rule_stands_against_one(town: Bridging) -> None:
    first, second = town.refer("Ada"), town.refer("Bo")
    with engine.transaction() as session:
        staff.remember_conflict(session, town.staff["second"], session.get_one(Referral, second).person_id)
    answer = town.browser("supervisor").post(
        f"/bridgers/{town.staff['bridger']}/hand-over", once="a",
        **{f"to_{first}": town.staff["second"], f"to_{second}": town.staff["second"]},
    )  # fmt: skip
    assert answer.status_code == 409
    assert {bridger_of(town, first), bridger_of(town, second)} == {town.staff["bridger"]}, "all or none"


# --- staff


def new_member(**changes: str) -> dict[str, str]:
    return {"name": "New Pretend", "first_name": "", "email": "new@program.example", "phone": "", "roles": "supervisor",
            "facility_id": "", "supervisor_id": ""} | changes  # fmt: skip


def test_somebody_new_is_on_the_list_once(town: Bridging) -> None:
    admin = town.browser("admin")
    assert admin.post("/staff/new", **new_member()).status_code == 200
    assert admin.post("/staff/new", **new_member()).status_code == 409
    assert len([s for s in town.rows(Staff) if s.email == "new@program.example"]) == 1
    assert "Has no password yet" in said(admin.get("/staff"))


def test_what_is_wrong_with_somebody_new_is_said_beside_the_field(town: Bridging) -> None:
    answer = town.browser("admin").post("/staff/new", **new_member(email="nobody", phone="letters"))
    assert answer.status_code == 422
    assert 'id="phone-error"' in answer.text or 'id="email-error"' in answer.text
    planner = town.browser("admin").post("/staff/new", **new_member(roles="planner"))
    assert 'id="facility_id-error"' in planner.text


@pytest.mark.postgresql
def test_whoever_leaves_is_out_at_once_and_nobody_is_left_alone(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    leaving = town.browser("bridger")
    admin, here = town.browser("admin"), f"/staff/{town.staff['bridger']}"
    text = said(admin.get(here))
    assert "1 person goes on with somebody else" in text
    assert "Ada" not in text, "administrators see no case records"
    for _ in range(2):
        admin.goes_to(here + "/disable", hand_over_to=town.staff["second"])
    assert bridger_of(town, referral_id) == town.staff["second"]
    assert leaving.client.get("/today", follow_redirects=False).status_code == 303
    assert "Has left" in said(admin.get("/staff?show=all"))


def test_a_profile_is_kept_for_matching(town: Bridging) -> None:
    manager, here = town.browser("manager"), f"/staff/{town.staff['bridger']}/profile"
    assert manager.post(here, gender="woman", areas="", caseload_limit="7").status_code == 422, "a language"
    manager.goes_to(here, languages="vi", gender="woman", areas="100, 112", caseload_limit="7", is_taking_people="yes")
    row = town.rows(Bridger, Bridger.staff_id == town.staff["bridger"])[0]
    assert (row.languages, row.areas, row.caseload_limit) == (["vi"], ["100", "112"], 7)
    manager.get(f"/staff/{town.staff['supervisor']}/profile", 404)


def test_who_is_on_duty_is_named_by_role(town: Bridging) -> None:
    manager = town.browser("manager")
    wrong = manager.post("/staff/on-duty", supervisor_id=town.staff["bridger"], clinician_id="", manager_id="")
    assert wrong.status_code == 422
    manager.goes_to("/staff/on-duty", supervisor_id=town.staff["supervisor"], clinician_id="", manager_id="")
    program = next(p for p in town.rows(Program) if p.supervisor_id)
    assert program.clinician_id == town.staff["clinician"], "what is left empty stays"


def test_a_manager_finds_staff_and_what_was_sent(town: Bridging) -> None:
    page = town.browser("manager").get("/board")
    places = [a.attributes["href"] for a in page.all("a") if a.attributes.get("class") == "fb-nav__link"]
    assert places == ["/board", "/escalations", "/bridgers", "/measures", "/staff"]
    staff = town.browser("manager").get("/staff")
    assert "/outbox" in [a.attributes["href"] for a in staff.all("a")]


def test_staff_is_for_managers_and_administrators_of_the_program(town: Bridging) -> None:
    for name in ("supervisor", "clinician", "bridger", "planner"):
        town.browser(name).get("/staff", 403)
    town.browser("stranger").get(f"/staff/{town.staff['bridger']}", 404)
    assert town.browser("stranger").post(f"/staff/{town.staff['bridger']}/password").status_code == 404


# --- messages and notices


@pytest.mark.postgresql
def test_the_outbox_shows_what_went_wrong_and_names_nobody(town: Bridging) -> None:
    missed(town)
    waiting = town.rows(Notification, Notification.channel == Channel.EMAIL)
    with engine.transaction() as session:
        messages.mark_failed(session, waiting[0].id, "550 no such mailbox")
        messages.mark_unconfirmed(session, waiting[1].id, "the gateway did not answer")
    text = said(town.browser("admin").get("/outbox"))
    assert "2 were not sent, or nobody knows" in text
    assert "550 no such mailbox" in text
    assert "Ada" not in text
    failed = said(town.browser("manager").get(f"/outbox?state={NotificationState.FAILED}"))
    assert "550 no such mailbox" in failed
    assert "the gateway did not answer" not in failed
    assert "550" not in said(town.browser("stranger").get("/outbox"))
    town.browser("supervisor").get("/outbox", 403)


def test_notices_are_mine_and_seen_when_i_say_so(town: Bridging) -> None:
    missed(town)
    supervisor = town.browser("supervisor")
    page = supervisor.get("/notifications")
    assert "Something needs you" in said(page)
    assert "Ada Sample" in said(page)
    until = next(i.attributes["value"] for i in page.all("input") if i.attributes.get("name") == "until")
    clock.advance(timedelta(minutes=1))
    town.refer("Bo", bridger=None)
    before = len([n for n in town.rows(Notification) if n.seen_at is None])
    for _ in range(2):
        supervisor.goes_to("/notifications/seen", until=until)
    after = [n for n in town.rows(Notification) if n.seen_at is None]
    assert len(after) < before
    assert "Something needs you" not in said(town.browser("planner").get("/notifications"))


def lines_of(page: Page) -> list[Element]:
    """The notices on a page."""
    return [item for item in page.all("li") if "fb-line" in item.attributes.get("class", "").split()]


def neglected(town: Bridging) -> tuple[str, str]:
    """Somebody has left and somebody waits for a bridger, nobody takes anybody, and nobody does anything for a week."""
    ada = town.refer("Ada", left=True)
    with engine.transaction() as session:
        for bridger in session.exec(select(Bridger)):
            bridger.is_taking_people = False
    bo = town.refer("Bo", bridger=None)
    town.time_passes(days=7)
    return ada, bo


@pytest.mark.postgresql
def test_what_i_was_told_again_and_again_is_one_line(town: Bridging) -> None:
    neglected(town)
    manager = town.browser("manager")
    mine = [
        row for row in town.rows(Notification, Notification.staff_id == town.staff["manager"])
        if row.channel is Channel.IN_APP
    ]  # fmt: skip
    kinds = Counter((row.template, row.referral_id, row.subject_id) for row in mine)
    assert len(mine) > 2 * len(kinds), "the test must see some"
    page = manager.get("/notifications")
    assert len(lines_of(page)) == len(kinds)
    assert f"{len(kinds)} new" in said(page)
    badge = next(a for a in page.all("a") if a.attributes.get("href") == "/notifications")
    assert str(len(kinds)) in badge.text
    assert str(len(mine)) not in badge.text
    (key, times), text = kinds.most_common(1)[0], said(page)
    first = min(row.created_at for row in mine if (row.template, row.referral_id, row.subject_id) == key)
    assert f"Told {times} times, first {local(first, 'America/New_York')}" in text
    last_times = [time.attributes["datetime"] for time in page.all("time")]
    assert last_times == sorted(last_times, reverse=True), "what was said last stands first"
    manager.goes_to("/notifications/seen", until=clock.now().isoformat())
    assert "new" not in [tag.text.lower() for tag in manager.get("/notifications").all("strong")]
    assert len(town.rows(Notification, Notification.staff_id == town.staff["manager"])) >= len(mine), "nothing is gone"
    clock.advance(timedelta(minutes=1))
    town.time_passes(days=1)
    latest = lines_of(manager.get("/notifications"))[0].text
    assert "New" in latest, "told once more, it is new again"
    assert "Told" in latest


def test_notices_about_nobody_in_particular_stay_lines_of_their_own(town: Bridging) -> None:
    with engine.transaction() as session:
        supervisor = session.get_one(Staff, town.staff["supervisor"])
        for number in range(3):
            messages.tell(
                session, supervisor, "list_filed", key=f"list:{number}", program_id=supervisor.program_id,
                referral_id=None, now=clock.now(),
            )  # fmt: skip
    text = said(town.browser("supervisor").get("/notifications"))
    assert text.count("A list of new referrals waits for your answers") == 3
    assert "Told 3 times" not in text


def test_notices_go_on_over_pages_without_a_line_twice(town: Bridging) -> None:
    for number in range(45):
        with engine.transaction() as session:
            supervisor = session.get_one(Staff, town.staff["supervisor"])
            for again in range(2):
                messages.tell(
                    session, supervisor, "date_check", key=f"{number}:{again}", program_id=supervisor.program_id,
                    referral_id=f"ref_{number}", now=clock.now(),
                )  # fmt: skip
    browser = town.browser("supervisor")
    first, second = browser.get("/notifications"), browser.get("/notifications?after=40")
    assert (len(lines_of(first)), len(lines_of(second))) == (40, 5)


def test_a_notice_about_somebody_i_no_longer_see_names_nobody(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    bridger = town.browser("bridger")
    assert "Ada Sample" in said(bridger.get("/notifications"))
    with engine.transaction() as session:
        session.get_one(Referral, referral_id).bridger_id = town.staff["second"]
    assert "Ada Sample" not in said(bridger.get("/notifications"))


# --- duplicates


def twins(town: Bridging) -> tuple[str, str]:
    """Ada Sample, and Ada Sampel born on the same day."""
    town.refer("Ada")
    town.refer("Ada", bridger="second", person={"family_name": "Sampel"})
    first, second = sorted(town.rows(Person), key=lambda p: p.family_name, reverse=True)
    return first.id, second.id


@pytest.mark.postgresql
def test_two_records_are_compared_merged_and_parted_again(town: Bridging) -> None:
    first, second = twins(town)
    supervisor = town.browser("supervisor")
    listed = supervisor.get("/people/duplicates")
    assert "The same birth date, a name spelled alike" in said(listed)
    here = f"/people/duplicates/{first}/{second}"
    assert "Sampel" in said(supervisor.get(here))
    assert supervisor.post(here + "/merge", keep="").status_code == 422
    for _ in range(2):
        supervisor.goes_to(here + "/merge", keep=first)
    assert town.rows(Person, Person.id == second)[0].merged_into_id == first
    assert "Ada Sampel is now Ada Sample" in said(supervisor.get("/people/duplicates"))
    supervisor.goes_to(f"/people/{second}/unmerge")
    assert town.rows(Person, Person.id == second)[0].merged_into_id is None


def test_two_people_are_not_suggested_again(town: Bridging) -> None:
    first, second = twins(town)
    supervisor = town.browser("supervisor")
    for _ in range(2):
        supervisor.goes_to(f"/people/duplicates/{first}/{second}/apart")
    assert "Nobody seems to be on record twice." in said(supervisor.get("/people/duplicates"))


def test_people_of_others_cannot_be_compared_or_merged(town: Bridging) -> None:
    first, second = twins(town)
    stranger, here = town.browser("stranger"), f"/people/duplicates/{first}/{second}"
    stranger.get(here, 404)
    assert stranger.post(here + "/merge", keep=first).status_code == 404
    assert stranger.post(here + "/apart").status_code == 404
    assert stranger.post(f"/people/{second}/unmerge").status_code == 404
    town.browser("bridger").get("/people/duplicates", 403)
