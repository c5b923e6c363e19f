"""Reading forms: typed, bounded, every problem told at once and beside its field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from api.forms import CSRF_FIELD, Form
from domain.errors import Invalid, InvalidFields
from domain.vocabulary import Mode, RiskFlag
from records import engine
from records.tables import JournalEntry
from tests.api.house import House
from tests.api.signing import sign_in
from tests.pages.harness import Page

ZONE = "America/New_York"


def form(**fields: str | list[str]) -> Form:
    """A form with these fields; `__` stands for a dot."""
    return Form({k.replace("__", "."): [v] if isinstance(v, str) else v for k, v in fields.items()})


def problems(one: Form) -> dict[str, str]:
    """What `check` says is wrong: code by field."""
    try:
        one.check()
    except InvalidFields as found:
        return {problem.field or "": problem.code for problem in found.problems}
    except Invalid as found:
        return {found.field or "": found.code}
    return {}


def test_what_is_right_is_read() -> None:
    one = form(
        note="  two\r\nlines ", mode="call", risks=["youth", "youth", "overdose"], on_month="2", on_day="29",
        on_year="2024", minutes="20", may_text="yes", at="2026-11-03T09:30",
    )  # fmt: skip
    assert one.area("note") == "two\nlines"
    assert one.word("mode", Mode) is Mode.CALL
    assert one.words("risks", RiskFlag) == [RiskFlag.YOUTH, RiskFlag.OVERDOSE]
    assert one.date("on") == date(2024, 2, 29)
    assert one.number("minutes") == 20
    assert one.yes("may_text")
    assert one.instant("at", ZONE) == datetime(2026, 11, 3, 14, 30, tzinfo=UTC)
    one.check()


@pytest.mark.parametrize(
    ("read", "fields", "code"),
    [
        (lambda f: f.text("x", required=True), {"x": "  "}, "required"),
        (lambda f: f.text("x", limit=3), {"x": "four"}, "too_long"),
        (lambda f: f.text("x"), {"x": "a\x00b"}, "unprintable"),
        (lambda f: f.text("x"), {"x": "a\ud800b"}, "unprintable"),
        (lambda f: f.text("x"), {"x": ["a", "b"]}, "twice"),
        (lambda f: f.secret("x"), {"x": ""}, "required"),
        (lambda f: f.word("x", Mode), {}, "required"),
        (lambda f: f.word("x", Mode), {"x": "pigeon"}, "not_a_choice"),
        (lambda f: f.words("x", RiskFlag), {"x": ["youth", "old"]}, "not_a_choice"),
        (lambda f: f.many("x", most=1), {"x": ["a", "b"]}, "too_many"),
        (lambda f: f.number("x"), {}, "required"),
        (lambda f: f.number("x"), {"x": "ten"}, "number"),
        (lambda f: f.number("x", most=600), {"x": "601"}, "number"),
        (lambda f: f.number("x"), {"x": "9" * 5000}, "number"),
        (lambda f: f.number("x"), {"x": "١٢"}, "number"),
        (lambda f: f.date("x"), {}, "required"),
        (lambda f: f.date("x"), {"x_month": "2", "x_day": "30", "x_year": "2026"}, "date"),
        (lambda f: f.date("x"), {"x_month": "2", "x_day": "3", "x_year": "20226"}, "year"),
        (lambda f: f.date("x"), {"x_month": "2", "x_day": "3", "x_year": "0001"}, "year"),
        (lambda f: f.date("x"), {"x_month": "2", "x_day": "3", "x_year": "26"}, "year"),
        (lambda f: f.date("x"), {"x_month": "Feb", "x_day": "3", "x_year": "2026"}, "date"),
        (lambda f: f.date("x"), {"x_day": "3", "x_year": "2026"}, "date"),
        (lambda f: f.date("x"), {"x": "20226-02-03"}, "date"),
        (lambda f: f.date("x"), {"x": "02/03/2026"}, "date"),
        (lambda f: f.time_or_none("x"), {"x": "25:00"}, "time"),
        (lambda f: f.time_or_none("x"), {"x": "13 pm"}, "time"),
        (lambda f: f.time_or_none("x"), {"x": "7"}, "time"),
        (lambda f: f.instant("x", ZONE), {}, "required"),
        (lambda f: f.instant("x", ZONE), {"x": "yesterday"}, "time"),
        (lambda f: f.instant("x", ZONE), {"x": "0001-01-01T00:00"}, "year"),
        (lambda f: f.instant("x", ZONE), {"x_on": "2026-11-03"}, "time"),
        (lambda f: f.instant("x", ZONE), {"x_on": "2026-11-33", "x_time": "10:00"}, "date"),
        (lambda f: f.rows("x", most=1), {"x__0__a": "1", "x__1__a": "2"}, "too_many"),
        (lambda f: f.file("x"), {}, "required"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_beside_its_field(read: Callable[[Form], Any], fields: dict[str, Any], code: str) -> None:
    one = form(**fields)
    read(one)
    found = problems(one)
    assert found.pop("x") == code
    assert set(found) <= {""}, "the rest is only fields of rows that were not asked for"


def test_everything_wrong_is_told_at_once() -> None:
    one = form(mode="pigeon", minutes="ten", on_year="20226", on_month="1", on_day="1")
    one.word("mode", Mode), one.number("minutes"), one.date("on"), one.text("note", required=True)
    assert problems(one) == {"mode": "not_a_choice", "minutes": "number", "on": "year", "note": "required"}


def test_a_field_that_nobody_asked_for_is_refused() -> None:
    one = form(note="x", is_admin="yes")
    one.text("note")
    assert problems(one) == {"": "unknown_field"}


def test_what_the_frame_sends_is_known() -> None:
    one = form(csrf_token="x", version="3", next="/")
    assert problems(one) == {}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("5:30 pm", time(17, 30)),
        ("5:30 P.M.", time(17, 30)),
        ("12:05 am", time(0, 5)),
        ("12 pm", time(12)),
        ("17:30", time(17, 30)),
    ],
)
def test_a_time_of_day_as_people_write_it(typed: str, read: time) -> None:
    assert form(x=typed).time_or_none("x") == read


def test_local_time_becomes_an_instant_by_the_zone_also_on_the_day_the_clocks_change() -> None:
    ahead = form(x_on="2026-03-08", x_time="2:30 am")  # does not exist: moved on
    assert ahead.instant("x", ZONE) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    back = form(x_on="2026-11-01", x_time="1:30 am")  # twice: the first
    assert back.instant("x", ZONE) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_rows_are_read_in_order_and_empty_ones_are_passed_over() -> None:
    one = form(
        phones__10__number="3", phones__2__number="2", phones__0__number=" ", phones__0__may_text="yes",
        phones__2__may_text="yes",
    )  # fmt: skip
    read = [(row.text("number"), row.yes("may_text")) for row in one.rows("phones")]
    assert read == [("2", True), ("3", False)]
    one.check()


def test_a_problem_in_a_row_names_its_row() -> None:
    one = form(phones__2__number="12345")
    for row in one.rows("phones"):
        row.text("number", limit=3)
    assert problems(one) == {"phones.2.number": "too_long"}


def test_what_was_typed_comes_back_by_name() -> None:
    one = form(csrf_token="secret", risks="youth", on_month="2", on_day="31", on_year="2026", note="x")
    one.words("risks", RiskFlag), one.date_or_none("on"), one.text("note")
    typed = one.as_typed()
    assert CSRF_FIELD not in typed
    assert typed["risks"] == ["youth"], "one tick is still a list"
    assert typed["on"] == {"month": "2", "day": "31", "year": "2026"}
    assert typed["note"] == "x"


@given(st.dictionaries(st.sampled_from(["x", "x_on", "x_time", "x_month", "x_day", "x_year"]), st.text(max_size=12)))
def test_whatever_is_typed_is_an_answer_or_a_problem(fields: dict[str, str]) -> None:
    one = Form({name: [value] for name, value in fields.items()})
    found = one.instant_or_none("x", ZONE)
    one.also_asked(*fields)
    wrong = problems(one)
    assert found is None or wrong or found.tzinfo is UTC
    assert set(wrong) <= {"x", "x_on", "x_time", *fields}


@pytest.mark.sqlite
class TestAPageShownAgain:
    """What a person sees when something is wrong: the page, what they typed, and nothing half done."""

    def start(self, house: House) -> tuple[str, str]:
        """A referral, and the token of the form about it."""
        referral_id = house.file()
        sign_in(house.client, "planner")
        return referral_id, house.client.get(f"/probe/{referral_id}").headers["x-token"]

    def test_a_wrong_field_comes_back_with_its_sentence(self, house: House) -> None:
        referral_id, token = self.start(house)
        sent = {"csrf_token": token, "note": "", "on_month": "13", "on_day": "1", "on_year": "2026"}
        response = house.client.post(f"/probe/{referral_id}", data=sent)
        assert response.status_code == 422
        said = [one.text for one in Page(response.text).all("li")]
        assert "There is no such day. Check the date." in said  # no link: the probe's page shows no such field
        assert "'month': '13'" in response.headers["x-typed"]

    def test_a_rule_that_stands_against_it_is_a_notice_and_nothing_stays(self, house: House) -> None:
        referral_id, token = self.start(house)
        before = house.get("planner", f"/referrals/{referral_id}")["version"]
        sent = {"csrf_token": token, "note": "kept by mistake?", "mode": "call"}
        response = house.client.post(f"/probe/{referral_id}", data=sent)
        assert response.status_code == 409
        assert "Not in this state." in response.text
        assert house.get("planner", f"/referrals/{referral_id}")["version"] == before
        with engine.read_session() as session:
            assert "note.added" not in set(session.exec(select(JournalEntry.event)))

    def test_somebody_was_faster(self, house: House) -> None:
        referral_id, token = self.start(house)
        sent = {"csrf_token": token, "note": "mine", "version": "0"}
        response = house.client.post(f"/probe/{referral_id}", data=sent)
        assert response.status_code == 412
        assert "Somebody changed this while you had it open" in response.text

    def test_done_goes_on_and_says_so_once(self, house: House) -> None:
        referral_id, token = self.start(house)
        response = house.client.post(f"/probe/{referral_id}", data={"csrf_token": token, "note": "hello"})
        assert response.status_code == 303
        assert "Written." in house.client.get(response.headers["location"]).text
        assert "Written." not in house.client.get(response.headers["location"]).text

    def test_words_on_a_page_cannot_be_put_there_by_somebody_else(self, house: House) -> None:
        sign_in(house.client, "planner")
        house.client.cookies.set("footbridge-flash", "WyJkb25lIiwgIkRvbmUuIl0.0000")
        assert "Done." not in house.client.get("/probe/look").text

    def test_somebody_elses_referral_is_not_there(self, house: House) -> None:
        referral_id, token = self.start(house)
        sign_in(house.client, "jailer")
        token = token_after(house)
        response = house.client.post(f"/probe/{referral_id}", data={"csrf_token": token, "note": "x"})
        assert response.status_code == 404

    def test_a_token_of_another_session_is_refused_and_what_was_typed_stays(self, house: House) -> None:
        referral_id, _ = self.start(house)
        response = house.client.post(f"/probe/{referral_id}", data={"csrf_token": "0" * 64, "note": "long text"})
        assert response.status_code == 403
        assert "long text" in response.headers["x-typed"]

    def test_a_form_from_another_site_is_not_even_shown(self, house: House) -> None:
        referral_id, token = self.start(house)
        response = house.client.post(
            f"/probe/{referral_id}",
            data={"csrf_token": token, "note": "planted"},
            headers={"Sec-Fetch-Site": "cross-site"},
        )
        assert response.status_code == 403
        assert "x-typed" not in response.headers

    def test_forgetting_to_check_a_form_is_a_fault(self, house: House) -> None:
        _, token = self.start(house)
        response = house.client.post("/probe-unchecked", data={"csrf_token": token, "note": "x"})
        assert response.status_code == 500

    def test_more_fields_than_any_form_has_are_refused(self, house: House) -> None:
        referral_id, token = self.start(house)
        sent = {"csrf_token": token} | {f"f{n}": "x" for n in range(400)}
        assert house.client.post(f"/probe/{referral_id}", data=sent).status_code == 400

    def test_a_broken_upload_is_refused(self, house: House) -> None:
        referral_id, _ = self.start(house)
        response = house.client.post(
            f"/probe/{referral_id}",
            content=b"--x\r\nnonsense",
            headers={"Content-Type": "multipart/form-data; boundary=y"},
        )
        assert response.status_code in (400, 403)


def token_after(house: House) -> str:
    """The token of whoever is signed in now."""
    other = house.file(who="jailer", setting="jail", person={"given_name": "Bo", "family_name": "Sample"})
    return house.client.get(f"/probe/{other}").headers["x-token"]
