"""Filing a referral: two minutes, a hundred interruptions, nobody twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.vocabulary import (
    ConsentStatus,
    Disposition,
    Gender,
    ReferralStatus,
    Strength,
)
from records import clock
from records.tables import Draft, Person, PersonIdentifier, Referral
from tests.pages.bridging import NOW, said
from tests.pages.harness import check_page
from tests.pages.planning import ADA, Planning, begin, filed, kept, opened, press, value_of

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Planning]:
    with clock.stopped_at(NOW):
        yield begin()


# --- Filing


@pytest.mark.postgresql
def test_a_referral_is_filed_in_two_steps_and_promised_an_answer(town: Planning) -> None:
    town.waits_to_be_accepted()
    planner = town.browser("planner")
    draft = opened(planner)
    sent = ADA | {"risks": ["suicide_risk"], "needs": ["housing", "company"], "safety_flags": ["visit_in_pairs"]}
    preview = press(planner, draft, "preview", **sent)
    assert preview.status_code == 303
    text = said(planner.get(preview.headers["location"]))
    assert "Nothing has been sent yet" in text
    assert "Example Bridges has until Wed Nov 4, 5 pm to accept. You will hear by then either way." in text
    assert "First contact Within 24 hours of leaving" in text
    assert "Weekly contact Every 7 days, 12 times, until Wed Feb 3, 2027" in text, "day 90, the last that counts"
    assert "High risk: sooner" in text
    assert town.rows(Referral) == []

    receipt = planner.follow("/referrals/new/send", draft=draft)
    assert "You will hear by then either way." in said(receipt)
    row = town.rows(Referral)[0]
    assert (row.status, row.expected_on, row.consent) == (
        ReferralStatus.SUBMITTED, date(2026, 11, 5), ConsentStatus.GIVEN,
    )  # fmt: skip
    assert (row.risks, row.needs) == (["suicide_risk"], ["housing", "company"])
    person = town.rows(Person)[0]
    assert person.phones == [
        {"number": "+12125550123", "kind": "own", "may_voicemail": False, "may_text": True, "note": ""}
    ]
    assert person.places[0]["text"] == "40 Example Avenue"
    assert person.safety_flags == ["visit_in_pairs"]


def test_every_answer_of_the_form_reaches_the_record(town: Planning) -> None:
    referral_id = filed(
        town.browser("planner"),
        **{
            "preferred_name": "Addie", "pronouns": "she/her", "gender": "woman", "language": "es",
            "language_strength": "hard", "needs_interpreter": "yes", "bridger_gender": "woman",
            "bridger_gender_strength": "soft", "area": "10001", "safety_note": "Ask for Mo.", "mrn": "M-1",
            "visit_number": "V-1", "medicaid": "MC-1", "unit": "4 West", "legal_status": "Voluntary",
            "consent_until": "2027-01-31", "first_appointment_at": "2026-11-09T10:30",
            "first_appointment_where": "Clinic on Example Street", "note": "Likes mornings.",
            "expected_time": "14:00", "places.0.when": "after 6 pm", "phones.0.note": "evenings",
        },
    )  # fmt: skip
    row, person = town.row(referral_id), town.rows(Person)[0]
    assert (person.called, person.pronouns, person.gender) == ("Addie", "she/her", Gender.WOMAN)
    assert (person.language, person.language_strength, person.needs_interpreter) == ("es", Strength.HARD, True)
    assert (person.bridger_gender, person.bridger_gender_strength) == (Gender.WOMAN, Strength.SOFT)
    assert (person.area, person.safety_note) == ("10001", "Ask for Mo.")
    assert {(i.system.partition(":")[0], i.value) for i in town.rows(PersonIdentifier)} == {
        ("mrn", "M-1"), ("medicaid", "MC-1"),
    }  # fmt: skip
    assert (row.visit_id, row.unit, row.legal_status, row.needs_note) == (
        "V-1",
        "4 West",
        "Voluntary",
        "Likes mornings.",
    )
    assert row.consent_expires_at == datetime.fromisoformat("2027-02-01T05:00:00+00:00")  # the day's end in New York
    assert row.first_appointment_at == datetime.fromisoformat("2026-11-09T15:30:00+00:00")
    assert (row.first_appointment_where, str(row.expected_time)) == ("Clinic on Example Street", "14:00:00")
    assert (person.places[0]["when"], person.phones[0]["note"]) == ("after 6 pm", "evenings")


def test_a_program_that_accepts_at_once_promises_a_bridger(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    press(planner, draft, "preview", **ADA)
    text = said(planner.get(f"/referrals/new/preview?draft={draft}"))
    assert "accepts at once. A peer bridger is named by Wed Nov 4, 5 pm" in text
    assert "has accepted. A peer bridger is named by" in said(planner.follow("/referrals/new/send", draft=draft))


def test_somebody_who_has_left_already_is_filed_with_when_and_how(town: Planning) -> None:
    referral_id = filed(
        town.browser("planner"),
        leaving="left",
        discharged_at_on="2026-11-03",
        discharged_at_time="07:30",
        disposition="against_advice",
    )
    row = town.row(referral_id)
    assert (row.disposition, row.is_unscheduled) == (Disposition.AGAINST_ADVICE, True)
    assert row.discharged_at == datetime.fromisoformat("2026-11-03T12:30:00+00:00")


def test_who_has_left_already_is_not_promised_an_answer_next_week(town: Planning) -> None:
    town.waits_to_be_accepted()
    planner = town.browser("planner")
    gone = {
        "leaving": "left", "discharged_at_on": "2026-11-03", "discharged_at_time": "07:30", "disposition": "home",
    }  # fmt: skip
    draft = opened(planner)
    preview = press(planner, draft, "preview", **ADA | gone)
    sentence = "Example Bridges has until Tue Nov 3, 2 pm to accept."
    assert sentence in said(planner.get(preview.headers["location"])), "four hours after we hear of it"
    assert sentence in said(planner.follow("/referrals/new/send", draft=draft))
    [row] = town.rows(Referral)
    assert row.next_at == NOW + timedelta(hours=4)


def test_a_discharge_that_comes_before_the_yes_brings_the_answer_forward(town: Planning) -> None:
    town.waits_to_be_accepted()
    referral_id = filed(town.browser("planner"))
    assert town.row(referral_id).next_at == datetime.fromisoformat("2026-11-04T22:00:00+00:00")
    town.browser("planner").goes_to(f"/referrals/{referral_id}/discharge", when="now", disposition="home")
    assert town.row(referral_id).next_at == NOW + timedelta(hours=4)
    assert "has until Tue Nov 3, 2 pm to accept" in said(town.browser("planner").get(f"/referrals/{referral_id}"))


def test_how_somebody_left_is_asked_and_never_guessed(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    form = planner.get(f"/referrals/new?draft={draft}")
    ways = [i for i in form.all("input") if i.attributes.get("name") == "disposition"]
    assert ways
    assert not any("checked" in way.attributes for way in ways), "who hurries past it would have sent everybody home"
    left = ADA | {"leaving": "left", "discharged_at_on": "2026-11-03", "discharged_at_time": "9:00"}
    answer = press(planner, draft, "preview", **left)
    assert answer.status_code == 422
    assert "How and where to? Choose one of these." in " ".join(check_page(answer.text).all("main")[0].text.split())


def test_sent_twice_it_is_one_referral(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    press(planner, draft, "preview", **ADA)
    first = planner.goes_to("/referrals/new/send", draft=draft)
    assert planner.goes_to("/referrals/new/send", draft=draft) == first
    assert len(town.rows(Referral)) == 1
    assert planner.fetch(f"/referrals/new?draft={draft}").headers["location"] == first.removesuffix("/filed")
    assert planner.fetch(f"/referrals/new/preview?draft={draft}").status_code == 303


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"given_name": ""}, "given_name", "Enter the first name."),
    ({"family_name": ""}, "family_name", "Enter the last name."),
    ({"given_name": "x" * 300}, "given_name", "longer than 100 characters"),
    ({"family_name": "😀"}, "family_name", "A name has at least one letter."),
    ({"birth_on_year": "20226"}, "birth_on", "Check the year"),
    ({"birth_on_month": "13"}, "birth_on", "There is no such day."),
    ({"birth_on_year": "2030"}, "birth_on", "has not come yet"),
    ({"expected_on": ""}, "expected_on", "Enter the expected date"),
    ({"expected_on": "2026-10-01"}, "expected_on", "This date has passed."),
    ({"expected_on": "20226-01-01"}, "expected_on", "Enter a date, such as 2026-11-26."),
    ({"expected_time": "noonish"}, "expected_time", "Enter a time"),
    ({"leaving": "left", "discharged_at_on": "2026-11-03"}, "discharged_at_on", "Enter both the date and the time."),
    ({"leaving": "left", "discharged_at_on": "2026-11-09", "discharged_at_time": "9:00", "disposition": "home"},
     "discharged_at_on", "This time has not come yet."),
    ({"phones.0.number": "call me"}, "phones.0.number", "This is not a phone number."),
    ({"consent": ""}, "consent", "Say whether the person agreed."),
    ({"consent": "maybe"}, "consent", "Choose one of these."),
    ({"language": "xx"}, "language", "Choose one of these."),
    ({"note": "x" * 4001}, "note", "longer than 4000"),
    ({"unit": "x" * 201}, "unit", "longer than 200"),
    ({"leaving": "left", "discharged_at_on": "2026-11-03", "discharged_at_time": "9:00", "disposition": "home",
      "phones.0.number": "", "places.0.text": ""}, "phones", "Add a phone number or a place"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field", "sentence"), MISTAKES)
def test_a_mistake_is_said_beside_its_field_and_nothing_typed_is_lost(
    town: Planning, change: dict[str, Any], field: str, sentence: str
) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    response = press(planner, draft, "preview", **(ADA | {"note": "Likes mornings."} | change))
    assert response.status_code == 422
    page = check_page(response.text)
    assert sentence in said(page)
    messages = [e for e in page.all("span", "p") if "nhsuk-error-message" in e.attributes.get("class", "")]
    assert any(sentence in message.text for message in messages), "the sentence stands beside the field too"
    links = [a.attributes["href"] for a in page.all("a") if "error-summary" in str([o.attributes for o in a.around])]
    assert links
    assert value_of(page, "family_name") == change.get("family_name", "Sample")
    again = planner.get(f"/referrals/new?draft={draft}")
    assert value_of(again, "family_name") == change.get("family_name", "Sample")
    if "note" not in change:
        assert value_of(again, "note") == "Likes mornings."
    assert town.rows(Referral) == []


def test_everything_that_is_wrong_is_listed_in_the_order_of_the_form(town: Planning) -> None:
    planner = town.browser("planner")
    all_wrong = {
        "expected_on": "soon", "expected_time": "noonish", "given_name": "", "birth_on_month": "13",
        "mrn": "x" * 90, "pronouns": "x" * 50, "visit_number": "x" * 90, "medicaid": "x" * 90,
        "phones.0.number": "call me", "area": "x" * 30, "consent": "", "safety_note": "x" * 5000,
        "first_appointment_where": "x" * 300, "unit": "x" * 300, "note": "x" * 5000,
    }  # fmt: skip
    page = check_page(press(planner, opened(planner), "preview", **(ADA | all_wrong)).text)
    summary = [a.attributes["href"][1:] for a in page.all("a")
               if any(outer.attributes.get("id") == "error-summary" for outer in a.around)]  # fmt: skip
    assert summary == [name.replace("_month", "") for name in all_wrong], "each leads to its field"
    folds = [e for e in page.all("details") if "pl-more" in e.attributes.get("class", "")]
    assert all("open" in fold.attributes for fold in folds), "what is wrong is never folded away"


def test_an_unknown_field_is_passed_over_and_never_kept(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    response = press(planner, draft, "preview", **ADA, surprise="yes")
    assert response.status_code == 422
    assert "This form has changed since you opened it." in response.text


# --- Drafts and interruptions


def test_more_phones_and_places_without_a_script(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    to = press(planner, draft, "add.phones", **(ADA | {"note": "kept"})).headers["location"]
    assert to.endswith("#phones")
    page = planner.get(to.partition("#")[0])
    assert value_of(page, "phones.0.number") == "(212) 555-0123"
    assert value_of(page, "phones.1.number") == ""
    assert value_of(page, "note") == "kept"
    two = ADA | {"phones.1.number": "212-555-0177", "phones.1.may_voicemail": "yes", "phones_shown": "2"}
    page = planner.get(press(planner, draft, "add.places", **two).headers["location"].partition("#")[0])
    assert value_of(page, "places.1.text") == ""
    page = planner.get(press(planner, draft, "remove.phones.0", **two).headers["location"].partition("#")[0])
    assert value_of(page, "phones.0.number") == "212-555-0177"
    assert value_of(page, "phones.0.may_voicemail") == "yes"
    assert not [e for e in page.all("input") if e.attributes.get("name") == "phones.1.number"]


def test_finish_later_keeps_it_and_a_colleague_may_go_on(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    page = planner.get(press(planner, draft, "later", **(ADA | {"consent": "", "expected_on": ""})).headers["location"])
    assert "Ada Sample" in said(page)
    assert "Drafts 1" in said(page)
    assert town.rows(Referral) == []
    assert value_of(planner.get(f"/referrals/new?draft={draft}"), "given_name") == "Ada"
    assert value_of(town.browser("colleague").get(f"/referrals/new?draft={draft}"), "given_name") == "Ada"


def test_another_facility_sees_no_draft_of_ours(town: Planning) -> None:
    draft = opened(town.browser("planner"))
    press(town.browser("planner"), draft, "later", **ADA)
    jailer = town.browser("jailer")
    assert "Ada" not in said(jailer.get("/referrals?show=drafts"))
    assert value_of(jailer.get(f"/referrals/new?draft={draft}"), "given_name") == ""
    assert press(jailer, draft, "later", **(ADA | {"given_name": "Mine"})).status_code == 404
    jailer.get(f"/referrals/new/preview?draft={draft}", status=404)
    assert town.rows(Draft)[0].fields["given_name"] == ["Ada"]


def test_what_was_kept_while_typing_outlives_an_idle_sign_off(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    answer = kept(planner, draft, **(ADA | {"note": "half a sent"}))
    assert "Kept as a draft at 10 am." in answer
    clock.advance(timedelta(minutes=20))
    turned_away = planner.client.get(f"/referrals/new?draft={draft}", follow_redirects=False)
    assert turned_away.headers["location"].startswith("/sign-in?next=")
    assert value_of(planner.get(f"/referrals/new?draft={draft}"), "note") == "half a sent"


def test_a_draft_is_thrown_away_when_asked(town: Planning) -> None:
    planner = town.browser("planner")
    draft = opened(planner)
    press(planner, draft, "later", **ADA)
    assert "No drafts." in said(planner.follow("/referrals/new/discard", draft=draft))
    assert town.rows(Draft) == []
