"""The measures as people see them: figures with their meaning, cases by number, files that are safe to open."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from httpx import Response
from sqlmodel import SQLModel, col, select

from api.app import create_app
from domain.measures.catalog import MEASURES
from domain.measures.period import CHOICES, USUAL, named_period
from domain.vocabulary import Role
from records import clock, engine, ids
from records.commands import sign_in
from records.queries import measures
from records.settings import get_settings
from records.tables import Person, Program, Staff
from tests.pages.bridging import PASSWORD, Browser, said
from tests.pages.client import TestClient
from tests.pages.harness import Page
from tests.records.measured_program import ASKED_AT, MeasuredProgram

SPRING = "period=custom&from=2026-03-01&to=2026-05-31"
EMPTY = "period=custom&from=2020-03-01&to=2020-03-31"
DOCS = Path(__file__).parents[2] / "docs" / "measures.md"


@dataclass
class Office:
    """A program that has lived a while, and its staff at their browsers."""

    browsers: dict[str, Browser]
    client: TestClient
    tokens: dict[str, str]
    people: list[str]

    def get(self, path: str, who: str = "manager", status: int = 200) -> Page:
        """One page, as every page must be."""
        return self.browsers[who].get(path, status)

    def call(self, path: str, who: str = "manager") -> Response:
        """One request to the API."""
        sent = {"Authorization": f"Bearer {self.tokens[who]}"}
        response: Response = self.client.get(f"/api/v1{path}", headers=sent)
        return response


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    url = f"sqlite:///{tmp_path_factory.mktemp('office') / 'office.sqlite3'}"
    SQLModel.metadata.create_all(engine.configure(url))
    ids.use_source(random.Random(2))
    try:
        MeasuredProgram(seed=2).live(8)
        app = create_app(get_settings())
        browsers, tokens = {}, {}
        with engine.transaction() as session:
            people = [person.family_name for person in session.exec(select(Person))]
            for row in session.exec(select(Staff).order_by(col(Staff.id))).all():
                if Role(row.roles[0]).value in browsers:
                    continue
                sign_in.set_password(session, row.id, PASSWORD)
                browsers[row.roles[0]] = Browser(TestClient(app), row.email)
                tokens[row.roles[0]] = sign_in.create_token(session, row, "tests", 30)
        with clock.stopped_at(ASKED_AT):
            yield Office(browsers, TestClient(app), tokens, people)
    finally:
        engine.dispose()
        clock.run_real()
        ids.use_source(random.SystemRandom())


def test_every_measure_is_on_the_page_with_its_meaning_and_its_cases(office: Office) -> None:
    page = office.get(f"/measures?{SPRING}")
    text = said(page)
    hrefs = {link.attributes["href"] for link in page.all("a")}
    for measure in MEASURES:
        for words in (measure.title, measure.definition, measure.numerator, measure.denominator, measure.exclusions):
            assert " ".join(words.split()) in text, measure.key
    for key in ("first-contact-72h", "contacts-kept", "escalations-answered", "closed-loop", "referral-to-bridger"):
        assert any(href.startswith(f"/measures/{key}/cases?") for href in hrefs), key
    assert "Target 80 % (NHS England)" in text
    assert "None is a HEDIS rate" in text


def test_every_link_to_cases_lists_as_many_as_the_figure_says(office: Office) -> None:
    page = office.get(f"/measures?{SPRING}")
    links = [
        (link.attributes["href"], link.text.strip())
        for link in page.all("a")
        if "/cases?" in link.attributes["href"] and link.text.strip().isdecimal()
    ]
    assert len(links) > 20
    for href, count in random.Random(1).sample(links, 12):
        listed = office.get(href)
        captions = [caption.text for caption in listed.all("caption")]
        assert any(caption.endswith(f" of {count}") for caption in captions), (href, count, captions)
        assert parse_qs(urlsplit(href).query)["from"] == ["2026-03-01"]


def test_every_bar_of_the_first_talk_leads_to_as_many_cases(office: Office) -> None:
    page = office.get(f"/measures?{SPRING}")
    bars = [(a.attributes["href"], a.text.split()[0]) for a in page.all("a") if "took=" in a.attributes["href"]]
    assert bars
    for href, count in bars:
        captions = [caption.text for caption in office.get(href).all("caption")]
        assert any(caption.endswith(f" of {count}") for caption in captions), (href, count, captions)


def test_a_caseload_leads_to_the_people(office: Office) -> None:
    page = office.get(f"/measures?{SPRING}")
    hrefs = [link.attributes["href"] for link in page.all("a") if link.attributes["href"].startswith("/bridgers/")]
    assert hrefs
    office.get(hrefs[0])


def test_a_list_of_cases_names_nobody(office: Office) -> None:
    page = office.get(f"/measures/contacts-kept/cases?{SPRING}")
    assert any(link.attributes["href"].startswith("/referrals/ref_") for link in page.all("a"))
    assert not any(name in page.html for name in office.people)
    older = next(link.attributes["href"] for link in page.all("a") if link.attributes.get("rel") == "next")
    assert "Cases 51 to" in said(office.get(older))


def test_a_supervisor_opens_only_their_own_and_hears_of_the_rest(office: Office) -> None:
    everybody = said(office.get(f"/measures/first-contact-72h/cases?{SPRING}"))
    assert "to other teams" not in everybody
    with engine.transaction() as session:
        for row in session.exec(select(Staff)).all():
            if row.roles == ["bridger"]:
                row.supervisor_id = None
    mine = said(office.get(f"/measures/first-contact-72h/cases?{SPRING}", "supervisor"))
    assert "First two-way contact within 72 hours" in mine
    assert "to other teams" in mine or "Cases 1 to" in mine


def test_a_period_without_anybody_says_so(office: Office) -> None:
    page = office.get(f"/measures?{EMPTY}")
    assert "No discharges in this period." in said(page)
    assert "Caseloads" in said(page), "what is now is there all the same"
    assert "No cases here." in said(office.get(f"/measures/handoff/cases?{EMPTY}"))


@pytest.mark.parametrize("choice", [choice for choice in CHOICES if choice != "custom"])
def test_every_period_can_be_chosen(office: Office, choice: str) -> None:
    page = office.get(f"/measures?period={choice}")
    selected = [option.text for option in page.all("option") if "selected" in option.attributes]
    assert CHOICES[choice] in selected


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("period=custom&from=2026-05-01&to=2026-04-01", "The last day is before the first."),
        ("period=custom&from=2026-05-01", "Enter the first and the last day as dates."),
        ("period=custom&from=20226-05-01&to=2026-01-01", "Enter the first and the last day as dates."),
        ("period=always", "Choose one of the periods."),
    ],
)
def test_a_period_that_cannot_be_meant_is_said_beside_its_field(office: Office, query: str, sentence: str) -> None:
    behind_its_name = sentence[0].lower() + sentence[1:]
    assert behind_its_name in said(office.get(f"/measures?{query}", status=422))
    assert sentence in said(office.get(f"/measures/handoff/cases?{query}", status=422)), "no such field on that page"
    assert office.browsers["manager"].fetch(f"/measures/figures.csv?{query}").status_code == 422


def form_of(page: Page) -> dict[str, str]:
    """What the form of the period would send if its button were pressed now."""
    sent = {i.attributes["name"]: i.attributes.get("value", "") for i in page.all("input") if "name" in i.attributes}
    for select_ in page.all("select"):
        chosen = [o for o in page.inside(select_) if o.tag == "option" and "selected" in o.attributes]
        sent[select_.attributes["name"]] = chosen[0].attributes["value"] if chosen else ""
    return sent


def shown_after(office: Office, form: dict[str, str], typed: dict[str, str], status: int = 200) -> Page:
    """The page after somebody changed these fields and pressed the button."""
    return office.get(f"/measures?{urlencode(form | typed)}", status=status)


def test_dates_that_are_typed_count_whatever_the_list_says(office: Office) -> None:
    """Whoever types two days and presses the button means them, and not the thirty days chosen above them."""
    first = form_of(office.get("/measures"))
    assert first["period"] == "30d"
    page = shown_after(office, first, {"from": "2026-03-01", "to": "2026-04-15"})
    assert "Sun Mar 1, 2026 to Wed Apr 15, 2026." in said(page)
    assert form_of(page)["period"] == "custom"
    assert (form_of(page)["from"], form_of(page)["to"]) == ("2026-03-01", "2026-04-15")
    back = shown_after(office, form_of(page), {"period": "month"})
    assert "Mon Jun 1, 2026 to Wed Jun 10, 2026." in said(back), "the list was changed, and the dates were not"
    assert (form_of(back)["from"], form_of(back)["to"]) == ("2026-06-01", "2026-06-10")
    assert form_of(shown_after(office, first, {"from": "", "to": ""}))["period"] == "30d", "none typed, none meant"
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        office.browsers["manager"].wake()
        again = shown_after(office, form_of(back), {"by": "facility"})
    assert form_of(again)["period"] == "month", "yesterday's page changes no choice"


@pytest.mark.parametrize(
    "typed",
    [
        {"from": "2026-04-15", "to": "2026-03-01"},
        {"from": "2026-03-01", "to": ""},
        {"from": "20226-03-01", "to": "2026-04-15"},
    ],
)
def test_dates_that_are_put_right_count(office: Office, typed: dict[str, str]) -> None:
    wrong = shown_after(office, form_of(office.get("/measures")), typed, status=422)
    assert typed.items() <= form_of(wrong).items(), "what was typed is still there"
    invalid = [i.attributes["name"] for i in wrong.all("input") if i.attributes.get("aria-invalid") == "true"]
    assert len(invalid) == 1
    assert "Tue May 12, 2026 to Wed Jun 10, 2026." in said(wrong), "meanwhile the usual period"
    right = shown_after(office, form_of(wrong), {"from": "2026-03-01", "to": "2026-04-15"})
    assert "Sun Mar 1, 2026 to Wed Apr 15, 2026." in said(right)


def test_any_period_can_be_asked_for_as_long_as_its_people_can_be_counted(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    years = "period=custom&from=2005-05-01&to=2026-06-10"
    office.get(f"/measures?{years}")
    assert office.call("/measures?from=2005-05-01&to=2026-06-10").json()["from_on"] == "2005-05-01"
    with engine.read_session() as session:
        usual = named_period(USUAL, clock.now(), "America/New_York")
        [program_id] = session.exec(select(Program.id)).all()
        few = len(measures.read_journeys(session, program_id, usual))
    monkeypatch.setattr(measures, "MOST", few)
    sentence = f"referrals count in this period, and at most {few:,} are counted at once. Choose fewer days."
    assert sentence in said(office.get(f"/measures?{years}", status=422))
    assert sentence in said(office.get(f"/measures/handoff/cases?{years}", status=422))
    assert office.browsers["manager"].fetch(f"/measures/figures.csv?{years}").status_code == 422
    assert office.call("/measures?from=2005-05-01&to=2026-06-10").status_code == 422


def test_a_comparison_shows_no_small_group(office: Office) -> None:
    for by in ("facility", "setting", "language"):
        page = office.get(f"/measures?{SPRING}&by={by}")
        text = said(page)
        assert f"Compared by {by}" in text
        assert "Groups of fewer than 11 people are not shown" in text
        assert "Too small to show:" in text, "eight people make no group of eleven"
    assert "Compared by" not in said(office.get(f"/measures?{SPRING}&by=name"))


def test_an_unknown_measure_or_part_is_not_there(office: Office) -> None:
    office.get(f"/measures/luck/cases?{SPRING}", status=404)
    office.get(f"/measures/handoff/cases?{SPRING}&part=some", status=404)


@pytest.mark.parametrize("who", ["bridger", "planner", "clinician"])
def test_others_do_not_see_the_measures(office: Office, who: str) -> None:
    for path in ("/measures", "/measures/handoff/cases", "/measures/figures.csv"):
        assert office.browsers[who].fetch(path).status_code == 403
    assert office.call("/measures", who).status_code == 403


def test_the_file_holds_the_figures_of_the_page_and_no_formula(office: Office) -> None:
    response = office.browsers["manager"].fetch(f"/measures/figures.csv?{SPRING}")
    assert response.headers["content-type"].startswith("text/csv")
    assert "measures-2026-03-01-to-2026-05-31.csv" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row["measure"] for row in rows] == [measure.key for measure in MEASURES]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    answered = office.call("/measures?from=2026-03-01&to=2026-05-31").json()["measures"]
    assert [(int(row["numerator"]), int(row["denominator"])) for row in rows] == [
        (figure["numerator"], figure["denominator"]) for figure in answered
    ]


def test_the_api_answers_figures_with_their_meaning(office: Office) -> None:
    body = office.call("/measures?from=2026-03-01&to=2026-05-31").json()
    assert (body["from_on"], body["to_on"], body["zone"]) == ("2026-03-01", "2026-05-31", "America/New_York")
    assert [figure["key"] for figure in body["measures"]] == [measure.key for measure in MEASURES]
    kept = next(figure for figure in body["measures"] if figure["key"] == "contacts-kept")
    assert kept["denominator"] == kept["numerator"] + kept["late"] + kept["not_done"] > 0
    assert sum(one["count"] for one in kept["excluded"]) > 0
    named = office.call("/measures?period=7d").json()
    assert (named["from_on"], named["to_on"]) == ("2026-06-04", "2026-06-10")


@pytest.mark.parametrize(
    "query", ["from=2026-03-01", "from=2026-03-01&to=2026-02-01", "period=ever", "from=20226-01-01&to=2026-01-01"]
)
def test_the_api_refuses_what_is_no_period(office: Office, query: str) -> None:
    response = office.call(f"/measures?{query}")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_the_page_explains_every_measure_in_the_docs_too() -> None:
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    for measure in MEASURES:
        assert f"(`{measure.key}`)" in text, measure.key
        for words in (measure.definition, measure.numerator, measure.denominator, measure.exclusions, measure.source):
            assert " ".join(words.split()) in text, measure.key
