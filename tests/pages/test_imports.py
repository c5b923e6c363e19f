"""A release list on a page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from sqlmodel import select

from records import clock, engine
from records.tables import Referral
from tests.pages.bridging import NOW, said
from tests.pages.harness import check_page
from tests.pages.planning import ADA, Planning, begin, opened, press, upload

pytestmark = pytest.mark.sqlite


@pytest.fixture
def town(database: str) -> Iterator[Planning]:
    with clock.stopped_at(NOW):
        yield begin()


# --- A release list


SAMPLE = (
    b"booking_number,first_name,last_name,birth_date,release_date,phone\n"
    b"B-1,Robin,Imaginary,1990-05-31,2026-12-01,212-555-0101\n"
    b"B-2,Quinn,Madeup,1985-01-01,2026-12-01,call me\n"
)


def test_a_release_list_is_taken_with_a_report_to_keep(town: Planning) -> None:
    jailer = town.browser("jailer")
    to = upload(jailer, SAMPLE).headers["location"]
    text = said(jailer.get(to))
    for told in ("Filed 1", "Refused 1", "Row 3", "Write the number with its area code"):
        assert told in text
    assert "Row 2" not in said(jailer.get(f"{to}?only=refused"))
    download = jailer.client.get(f"{to}/report.csv")
    assert download.headers["content-disposition"].startswith("attachment")
    assert download.text.startswith("\ufeffrow,result,what\r\n2,Filed,")
    assert "Robin" not in download.text
    again = jailer.get(upload(jailer, SAMPLE).headers["location"])
    assert "Already known 1" in said(again)
    assert "1 filed, 1 refused" in said(jailer.get("/imports"))
    town.browser("planner").get(to, status=404)
    town.browser("planner").get(f"{to}/report.csv", status=404)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "Choose a file."),
        ("booking_number,first_name\nB-1,José\n".encode("latin-1"), "UTF-8"),
        (b"first_name,last_name\nRobin,Imaginary\n", "booking_number"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(town: Planning, data: bytes, sentence: str) -> None:
    response = upload(town.browser("jailer"), data)
    assert response.status_code == 422
    assert sentence in said(check_page(response.text))
    assert town.rows(Referral) == []


@pytest.mark.parametrize(
    "today", ["2026-11-25T15:00:00+00:00", "2027-03-14T04:30:00+00:00", "2031-01-01T23:30:00+00:00"]
)
@pytest.mark.parametrize(("who", "facility"), [("jailer", None), ("planner", None), ("manager", "jail")])
def test_the_sample_on_the_page_is_taken_by_the_page(
    town: Planning, today: str, who: str, facility: str | None
) -> None:
    """On any day, and for whichever facility somebody belongs to."""
    clock.set_to(datetime.fromisoformat(today))
    browser = town.browser(who)
    browser.get("/imports")
    sample = browser.client.get("/imports/sample.csv").content
    chosen = {"facility_id": town.facilities[facility]} if facility else {}
    assert "Filed 6" in said(browser.get(upload(browser, sample, **chosen).headers["location"]))


@pytest.mark.postgresql
def test_others_write_while_a_page_takes_a_long_list(town: Planning) -> None:
    """Whoever logs a contact in the meantime does not wait for the last row, and nothing is lost of either."""
    jailer = town.browser("jailer")
    jailer.get("/imports")
    names = (f"B-{n},Given{'abcdefghij'[n % 10]},Family{n * 7919:x},19{n % 90 + 10}-05-31" for n in range(400))
    data = "booking_number,first_name,last_name,birth_date,release_date\n" + "".join(f"{n},2026-11-20\n" for n in names)
    seen: set[int] = set()
    with _somebody_else_writing(seen):
        report = jailer.get(upload(jailer, data.encode()).headers["location"])
    assert "Filed 400" in said(report)
    assert {count for count in seen if 0 < count < 400}, f"nobody got in before the end: {sorted(seen)}"
    assert "Already known 400" in said(jailer.get(upload(jailer, data.encode()).headers["location"]))


@contextmanager
def _somebody_else_writing(seen: set[int]) -> Iterator[None]:
    """Another request to the same web server, which writes again and again; how many referrals it saw each time."""
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with engine.transaction() as session:
                seen.add(len(session.exec(select(Referral.id)).all()))
            done.wait(0.01)

    other = threading.Thread(target=write)
    other.start()
    try:
        yield
    finally:
        done.set()
        other.join()


def test_a_manager_says_whose_list_it_is(town: Planning) -> None:
    manager = town.browser("manager")
    assert "Choose the facility whose list this is." in said(check_page(upload(manager, SAMPLE).text))
    to = upload(manager, SAMPLE, facility_id=town.facilities["jail"]).headers["location"]
    assert "Filed 1" in said(manager.get(to))


def test_a_supervisor_files_for_a_facility_of_their_choice(town: Planning) -> None:
    supervisor = town.browser("supervisor")
    draft = opened(supervisor)
    missing = press(supervisor, draft, "preview", **ADA)
    assert "Choose the facility that refers." in said(check_page(missing.text))
    press(supervisor, draft, "preview", **(ADA | {"facility_id": town.facilities["hospital"]}))
    supervisor.goes_to("/referrals/new/send", draft=draft)
    assert town.rows(Referral)[0].facility_id == town.facilities["hospital"]


@pytest.mark.parametrize("path", ["/referrals", "/referrals/new", "/imports"])
def test_bridgers_file_nothing(town: Planning, path: str) -> None:
    town.browser("bridger").get(path, status=403)
