"""The pages for protocols: a version published, running cases moved after a look, and the move taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from api.pages import protocol_moves as pages
from domain.protocol import FOLDER
from domain.vocabulary import Channel, ContactState, EscalationState, Mode, Outcome
from records import clock, engine
from records.commands.contacts import log_attempt
from records.queries import protocol_moves
from records.tables import Contact, Escalation, MovedCase, Notification, ProtocolMove, ProtocolVersion, Referral
from tests.pages.bridging import NOW, Bridging, contact, said, words
from tests.pages.charge import begin_in_charge
from tests.pages.harness import Page
from tests.support.checked import assert_every_promise_holds
from tests.support.versions import with_extra_check, without

pytestmark = pytest.mark.sqlite
HERE = "/protocols"
TEXT = (FOLDER / "psychiatric-inpatient.toml").read_text(encoding="utf-8")
SOONER = without(TEXT, "thirty-day-check").replace(
    '{ after = "discharge", within = "PT24H" }', '{ after = "discharge", within = "PT12H" }'
)


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def published(town: Bridging, text: str = SOONER) -> str:
    """The id of a version that the manager published on the page."""
    form = town.browser("manager").get(f"{HERE}/new")
    once = next(one.attributes["value"] for one in form.all("input") if one.attributes.get("name") == "once")
    where = town.browser("manager").goes_to(f"{HERE}/new", text=text, once=once)
    assert town.browser("manager").goes_to(f"{HERE}/new", text=text, once=once) == where, (
        "a second click changes nothing"
    )
    return where.rpartition("/")[2]


def looked_at(town: Bridging, protocol_id: str, **form: str) -> dict[str, str]:
    """What the page of a preview would send when it is confirmed."""
    answer = town.browser("manager").post(f"{HERE}/{protocol_id}/move/preview", **{"which": "all", **form})
    assert answer.status_code == 200, words(answer.text)
    return hidden(answer.text)


def hidden(html: str) -> dict[str, str]:
    fields = [one.attributes for one in Page(html).all("input") if one.attributes.get("type") == "hidden"]
    return {one["name"]: one["value"] for one in fields if one["name"] in ("seen", "looked_at", "once")}


def state_of(town: Bridging, referral_id: str) -> tuple[object, ...]:
    with engine.read_session() as session:
        row = session.get_one(Referral, referral_id)
        contacts = session.exec(select(Contact).where(Contact.referral_id == referral_id)).all()
        return row.protocol_id, sorted(
            (c.key, c.seq, c.due_at, c.state) for c in contacts if c.state is ContactState.PLANNED
        )


def test_a_version_is_published_and_what_is_wrong_is_said_in_words(town: Bridging) -> None:
    manager = town.browser("manager")
    wrong = TEXT.replace('ladder = "streak"', 'ladder = "nobody"').replace('key = "weekly"', 'key = "Weekly!"')
    answer = manager.post(f"{HERE}/new", text=wrong)
    assert answer.status_code == 422
    assert "contacts.Weekly!.key" in answer.text
    assert "Weekly!" in answer.text, "what was typed is there still"
    two = TEXT.replace('finish = "P90D"', 'finish = "soon"').replace('date_check = "PT12H"', 'datecheck = "PT12H"')
    told = words(manager.post(f"{HERE}/new", text=two).text)
    for part in ("finish: ", "date_check: this is missing", "datecheck: this is not a known key"):
        assert part in told, part
    assert "settings: " in words(manager.post(f"{HERE}/new", text=TEXT.replace('"psychiatric_inpatient"', "")).text)
    assert "comes with Footbridge" in words(
        manager.post(f"{HERE}/new", text=(FOLDER / "on-hold.toml").read_text(encoding="utf-8")).text
    )
    assert "word for word" in words(manager.post(f"{HERE}/new", text=TEXT).text)
    assert "Choose a file, or paste" in words(manager.post(f"{HERE}/new", text="").text)
    mine = ProtocolVersion.program_id == town.actor("manager").program_id
    assert {row.version for row in town.rows(ProtocolVersion, mine)} == {1}, "nothing was published so far"
    version = published(town)
    assert "Version 2" in said(manager.get(HERE))
    assert "PT12H" in said(manager.get(f"{HERE}/{version}"))
    assert manager.fetch(f"{HERE}/{version}/file").text == SOONER.strip()
    assert town.browser("stranger").fetch(f"{HERE}/{version}").status_code == 404
    assert town.browser("admin").get(f"{HERE}/{version}")
    assert town.browser("admin").fetch(f"{HERE}/{version}/move").status_code == 403, "no case records"


@pytest.mark.postgresql
def test_running_cases_are_moved_after_a_look_and_taken_back(town: Bridging) -> None:
    manager = town.browser("manager")
    assert "No case was moved so far." in said(manager.get(HERE))
    late = town.refer("Late", left=True)
    town.time_passes(hours=14)
    early = town.refer("Early", left=True, bridger="second")
    version = published(town, with_extra_check(SOONER))
    listed = said(manager.get(HERE))
    assert "2 on an older version" in listed
    assert "All 2" in said(manager.get(f"{HERE}/{version}/move"))
    before = {one: state_of(town, one) for one in (late, early)}
    form = looked_at(town, version)
    shown = words(manager.post(f"{HERE}/{version}/move/preview", which="all").text)
    for part in (
        "2 cases move to version 2", "2 contacts appear, 2 disappear, 2 move.", "1 is due at once",
        "called: Supervisor Pretend", "Told that their plans changed: Bridger Pretend, Second Pretend.",
        "Move all 2", "First contact", "Appears",
    ):  # fmt: skip
        assert part in shown, part
    assert {one: state_of(town, one) for one in (late, early)} == before, "a look changes nothing"

    where = manager.goes_to(f"{HERE}/{version}/move", **form)
    assert manager.goes_to(f"{HERE}/{version}/move", **form) == where, "a second click changes nothing"
    assert len(town.rows(ProtocolMove)) == 1
    town.keep_appointments()
    first = contact(town, late, "first-contact")
    assert (first.state, first.due_at) == (ContactState.MISSED, NOW + timedelta(hours=12))
    told = town.rows(Notification, Notification.template == "plans_moved", Notification.channel == Channel.IN_APP)
    assert sorted((one.staff_id, one.params["count"]) for one in told) == sorted(
        (town.staff[name], 1) for name in ("bridger", "second")
    )
    assert "It can be taken back until" in said(manager.get(where))
    assert "2 cases to version 2" in said(manager.get(HERE))
    assert "No running case follows another version." in said(manager.get(f"{HERE}/{version}/move"))

    town.time_passes(hours=1)
    page = manager.get(f"{where}/take-back")
    assert "Take the move back" in said(page)
    assert manager.goes_to(f"{where}/take-back", **hidden(page.html)) == where
    town.keep_appointments()
    assert {one: state_of(town, one) for one in (late, early)} == before
    calls = town.rows(Escalation, Escalation.referral_id == late, Escalation.subject_id == first.id)
    assert [call.state for call in calls] == [EscalationState.RESOLVED], "nobody is called about what was not missed"
    assert "2 of 2 went back" in said(manager.get(where))
    assert all(one.undone_at is not None for one in town.rows(MovedCase))
    assert_every_promise_holds()


@pytest.mark.postgresql
def test_what_changed_since_the_look_is_said_and_nothing_moves(town: Bridging) -> None:
    ada, bea = town.refer("Ada", left=True), town.refer("Bea", left=True)
    version = published(town)
    form = looked_at(town, version)
    clock.advance(timedelta(minutes=5))
    with engine.transaction() as session:
        log_attempt(session, town.actor("bridger"), ada, mode=Mode.CALL, outcome=Outcome.REACHED)
    answer = town.browser("manager").post(f"{HERE}/{version}/move", **form)
    assert answer.status_code == 409
    number = town.rows(Referral, Referral.id == ada)[0].number
    assert f"Nothing was changed. Since you looked, {number}: a contact was met" in words(answer.text)
    assert town.rows(ProtocolMove) == []
    assert {state_of(town, one)[0] for one in (ada, bea)} != {version}
    again = hidden(answer.text)
    assert again["seen"] != form["seen"], "the page shows it as it is by now"
    assert town.browser("manager").goes_to(f"{HERE}/{version}/move", **again)


def test_only_those_that_are_ticked(town: Bridging) -> None:
    ada, bea = town.refer("Ada", left=True), town.refer("Bea", left=True)
    version = published(town)
    assert "case-error" in town.browser("manager").post(f"{HERE}/{version}/move/preview", which="ticked").text
    form = looked_at(town, version, which="ticked", case=bea)
    town.browser("manager").goes_to(f"{HERE}/{version}/move", **form)
    assert (state_of(town, ada)[0] == version, state_of(town, bea)[0] == version) == (False, True)


def test_a_page_of_many_cases_is_bounded_and_says_how_many_there_are(
    town: Bridging, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Ada", "Bea", "Cal"):
        town.refer(name, left=True)
    version = published(town)
    for module in (protocol_moves, pages):
        monkeypatch.setattr(module, "MOST_CASES", 2)
    shown = said(town.browser("manager").get(f"{HERE}/{version}/move"))
    assert "3 cases follow other versions. The first 2 are here" in shown
    assert len(looked_at(town, version)["seen"].split()) == 2
    with engine.read_session() as session:
        rows, count = protocol_moves.list_movable(session, town.actor("manager"), version)
    assert (len(rows), count) == (2, 3), "the others are not even read"
