"""How somebody is reached, put right on a page: a wrong number, another place; nothing is written over unseen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.vocabulary import AgreedHow, Mode, Outcome
from records import clock, engine
from records.commands import contacts, replies, texting
from records.commands.replies import IncomingText
from records.queries.texting import find_quarantine
from records.tables import Person, Referral
from tests.pages.bridging import NOW, Bridging, Browser, begin, said
from tests.pages.harness import Page, check_page

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin()


def person_of(referral_id: str) -> Person:
    """The record of the person whom a referral is about."""
    with engine.read_session() as session:
        return session.get_one(Person, session.get_one(Referral, referral_id).person_id)


def as_shown(page: Page) -> dict[str, str]:
    """What the form would send if nothing was typed."""
    form = next(f for f in page.all("form") if f.attributes["action"].endswith("/reach"))
    inside = page.inside(form)
    fields = {
        one.attributes["name"]: one.attributes.get("value", "")
        for one in inside
        if (one.tag == "input" and one.attributes.get("type") != "checkbox") or "checked" in one.attributes
    }
    del fields["csrf_token"]
    selects = [one for one in inside if one.tag == "select"]
    fields |= {
        one.attributes["name"]: next(
            (o.attributes["value"] for o in page.inside(one) if "selected" in o.attributes),
            page.inside(one)[0].attributes["value"],
        )
        for one in selects
    }
    return fields | {"safety_note": person_note(page)}


def person_note(page: Page) -> str:
    """What stands in the box for safety."""
    return next(one.text for one in page.all("textarea") if one.attributes["name"] == "safety_note").strip()


def opened(browser: Browser, referral_id: str) -> tuple[str, dict[str, str]]:
    """The form, opened, and what it would send."""
    path = f"/referrals/{referral_id}/reach"
    return path, as_shown(browser.get(path))


@pytest.mark.postgresql
def test_a_wrong_number_is_corrected_by_the_bridger(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    logged = bridger.follow(f"/referrals/{referral_id}/log", mode="call", outcome="wrong_number", once="one")
    assert "That number is not called again" in said(logged)
    links = [a.attributes["href"] for a in bridger.get(f"/referrals/{referral_id}").all("a") if a.text == "Correct it"]
    assert links == [f"/referrals/{referral_id}/reach"]
    path, fields = opened(bridger, referral_id)
    assert fields["phones.0.is_quarantined"] == "yes"
    after = bridger.follow(
        path, **fields | {"phones.0.number": "212 555 0150", "places.1.kind": "other", "places.1.text": "Library"}
    )
    assert "tel:+12125550150" in {a.attributes.get("href") for a in after.all("a")}, "a new number is called"
    assert "Details of the person were corrected" in said(after), "the timeline has it"
    kept = person_of(referral_id)
    assert [(p["number"], p.get("is_quarantined")) for p in kept.phones] == [("+12125550150", None)]
    assert [p["text"] for p in kept.places][1:] == ["Library"]


def test_the_same_again_changes_nothing_and_keeps_a_number_wrong(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    with engine.transaction() as session:
        contacts.log_attempt(session, town.actor("bridger"), referral_id, Mode.CALL, Outcome.WRONG_NUMBER)
    before = person_of(referral_id)
    path, fields = opened(town.browser("bridger"), referral_id)
    assert town.browser("bridger").goes_to(path, **fields) == f"/referrals/{referral_id}"
    after = person_of(referral_id)
    assert after.phones == before.phones
    assert after.phones[0]["is_quarantined"], "pressing Save corrected nothing"


def test_what_a_colleague_changed_meanwhile_is_not_written_over(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    path, fields = opened(town.browser("bridger"), referral_id)
    theirs, seen = opened(town.browser("supervisor"), referral_id)
    town.browser("supervisor").goes_to(theirs, **seen | {"area": "00044"})
    shown = town.browser("bridger").follow(path, **fields | {"phones.0.number": "212 555 0151"})
    assert "Somebody changed this while you had it open" in said(shown)
    assert as_shown(shown)["area"] == "00044"
    assert person_of(referral_id).phones[0]["number"] == "+12125550123"


def test_letters_are_no_number_and_are_said_beside_their_field(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    bridger = town.browser("bridger")
    path, fields = opened(bridger, referral_id)
    answer = bridger.post(path, **fields | {"phones.0.number": "", "phones.1.number": "CALL-ME"})
    assert answer.status_code == 422
    page = check_page(answer.text)
    typed = next(one for one in page.all("input") if one.attributes.get("value") == "CALL-ME")
    assert typed.attributes["aria-describedby"] == f"{typed.attributes['name']}-error"


def test_a_planner_corrects_what_the_facility_said(town: Bridging) -> None:
    referral_id = town.refer("Ada")
    planner = town.browser("planner")
    path, fields = opened(planner, referral_id)
    assert "phones.0.is_quarantined" not in fields
    planner.goes_to(path, **fields | {"phones.0.number": "212 555 0152"})
    assert [p["number"] for p in person_of(referral_id).phones] == ["+12125550152"]


def test_a_wrong_number_taken_back_stays_aside_when_a_reply_said_so_too(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    actor = town.actor("bridger")
    with engine.transaction() as session:
        texting.allow_texts(session, actor, referral_id, "+12125550123", AgreedHow.IN_PERSON)
        entry = contacts.log_attempt(session, actor, referral_id, Mode.CALL, Outcome.WRONG_NUMBER).attempt
    with engine.transaction() as session:
        replies.take_reply(session, IncomingText("SM1", "+12125550123", "Sorry, you have the wrong number"))
    with engine.transaction() as session:
        contacts.take_back_attempt(session, actor, referral_id, entry.id, "it was somebody else")
    assert [p["is_quarantined"] for p in person_of(referral_id).phones] == [True]
    page = town.browser("bridger").get(f"/referrals/{referral_id}")
    assert "tel:+12125550123" not in {a.attributes.get("href") for a in page.all("a")}
    assert "The number is used again" not in said(page)
    with engine.transaction() as session:
        texting.lift_quarantine(session, actor, referral_id, "+12125550123", "they called from it")
    assert [p["is_quarantined"] for p in person_of(referral_id).phones] == [False], "both reasons are lifted at once"
    with engine.read_session() as session:
        assert find_quarantine(session, actor.program_id, "+12125550123") is None


def test_a_wrong_number_taken_back_is_called_again(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    actor = town.actor("bridger")
    with engine.transaction() as session:
        entry = contacts.log_attempt(session, actor, referral_id, Mode.CALL, Outcome.WRONG_NUMBER).attempt
        contacts.take_back_attempt(session, actor, referral_id, entry.id, "it was somebody else")
    page = town.browser("bridger").get(f"/referrals/{referral_id}")
    assert "tel:+12125550123" in {a.attributes.get("href") for a in page.all("a")}
    assert "The number is used again" in said(page)
