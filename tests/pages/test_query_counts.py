"""No page asks the database more often because there is more to show: the same number for one person and for many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.vocabulary import HoldReason, Role
from records import clock, engine
from records.access import system_actor
from records.commands import cancelling, escalations, holds, staff
from records.tables import Escalation, Person, Staff
from tests.pages.bridging import NOW, Bridging, counted_queries
from tests.pages.charge import begin_in_charge

pytestmark = pytest.mark.sqlite

MOST = 35

LISTS = {
    "manager": ("/outbox", "/staff", "/people/duplicates", "/notifications", "/board", "/board/escalated",
                "/escalations", "/bridgers", "/measures", "/people"),
    "supervisor": ("/people/duplicates", "/notifications", "/board", "/board/first_days", "/escalations", "/bridgers",
                   "/people"),
    "clinician": ("/notifications", "/escalations", "/people"),
    "bridger": ("/today", "/offers", "/notifications", "/people", "/absence"),
    "planner": ("/referrals", "/notifications", "/imports"),
    "admin": ("/outbox", "/staff", "/notifications"),
}  # fmt: skip

DECISIONS = ("", "/cancel", "/close", "/hold", "/waive", "/rhythm", "/search", "/extend", "/death", "/assign",
             "/concern")  # fmt: skip


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


def counts(town: Bridging, who: str, paths: tuple[str, ...]) -> dict[str, int]:
    """How many statements each page is, opened a second time: what is read once for all is read."""
    browser, found = town.browser(who), {}
    for path in paths:
        browser.get(path)
        with counted_queries() as asked:
            browser.get(path)
        found[path] = len(asked)
    return found


def people(town: Bridging, *names: str) -> list[str]:
    """People about whom the staff were told, called and asked; each with a second of nearly the same name, on hold,
    and a third whom a bridger is offered."""
    found = []
    for name in names:
        found.append(town.refer(name, left=True))
        held = town.refer(f"{name}y", bridger="second")
        town.refer(f"{name}x", bridger=None)
        with engine.transaction() as session:
            escalations.raise_concern(session, town.actor("bridger"), found[-1], "Sounded very low.")
            cancelling.request_cancel(session, town.actor("planner"), found[-1], "The family moves away")
            holds.put_on_hold(session, town.actor("supervisor"), held, HoldReason.IN_CUSTODY, where="Example Jail")
    town.keep_appointments()
    clock.advance(timedelta(hours=30))
    town.keep_appointments()  # first contacts missed, calls raised
    return found


def colleagues(town: Bridging) -> None:
    with engine.transaction() as session:
        hand = system_actor(session.get_one(Staff, town.staff["manager"]).program_id)
        for number in range(5):
            staff.add_staff(session, hand, email=f"more{number}@program.example", name=f"More {number} Pretend",
                            roles=[Role.BRIDGER], supervisor_id=town.staff["supervisor"])  # fmt: skip


def test_a_page_asks_as_often_for_many_as_for_one(town: Bridging) -> None:
    ada = people(town, "Ada")[0]
    first, second = sorted(row.id for row in town.rows(Person))[:2]
    here = f"/staff/{town.staff['bridger']}"
    pages = LISTS | {
        "supervisor": LISTS["supervisor"] + tuple(f"/referrals/{ada}{decision}" for decision in DECISIONS),
        "manager": LISTS["manager"]
        + (here, f"{here}/profile", f"/bridgers/{town.staff['bridger']}", f"/people/duplicates/{first}/{second}"),
    }
    few = {(who, path): n for who, paths in pages.items() for path, n in counts(town, who, paths).items()}
    people(town, "Bo", "Cyd", "Dinah")
    colleagues(town)
    many = {(who, path): n for who, paths in pages.items() for path, n in counts(town, who, paths).items()}
    assert len(town.rows(Person)) == 12
    assert len(town.rows(Escalation)) > 12
    assert {page: (few[page], n) for page, n in many.items() if n > few[page]} == {}
    assert {page: n for page, n in many.items() if n > MOST} == {}
