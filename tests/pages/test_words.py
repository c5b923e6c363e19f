"""How times, numbers and places read, and where each role can go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from api.filters import (
    ago,
    ago_or_in,
    birth_date,
    due_state,
    due_time,
    local,
    local_date,
    local_day,
    maplink,
    telephone,
)
from api.navigation import PLACES, navigation
from domain.vocabulary import Role
from records import clock
from tests.pages.gallery import NOW, ZONE


@pytest.fixture(autouse=True)
def this_year() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


def test_another_year_is_said_and_this_one_is_not() -> None:
    far = datetime(2027, 1, 4, 23, 0, tzinfo=UTC)
    assert (local(far, ZONE), due_time(far, ZONE)) == ("Mon Jan 4, 2027, 5 pm", "Mon Jan 4, 2027, 5 pm")
    assert (local_day(far, ZONE), local_day(date(2025, 12, 31))) == ("Mon Jan 4, 2027", "Wed Dec 31, 2025")
    assert due_time(datetime(2027, 1, 1, 6, 0, tzinfo=UTC), ZONE) == "end of Thu Dec 31"
    clock.set_to(datetime(2027, 1, 2, 12, 0, tzinfo=UTC))
    assert (local(far, ZONE), due_time(far, ZONE)) == ("Mon Jan 4, 5 pm", "Mon Jan 4, 5 pm")
    assert due_time(datetime(2027, 1, 1, 6, 0, tzinfo=UTC), ZONE) == "end of Thu Dec 31, 2026"


def test_times_read_as_people_say_them() -> None:
    at = datetime(2026, 11, 26, 23, 0, tzinfo=UTC)
    assert local(at, ZONE) == "Thu Nov 26, 5 pm"
    assert local(datetime(2026, 11, 27, 6, 5, tzinfo=UTC), ZONE) == "Fri Nov 27, 12:05 am"
    assert local(datetime(2026, 7, 1, 17, 0, tzinfo=UTC), ZONE) == "Wed Jul 1, noon"
    assert local_date(datetime(2026, 11, 27, 3, 0, tzinfo=UTC), ZONE) == "Thu Nov 26, 2026"
    assert local_date(date(2026, 11, 26)) == "Thu Nov 26, 2026"
    assert birth_date(date(1985, 3, 4)) == "Mar 4, 1985"


@pytest.mark.parametrize(
    ("away", "words"),
    [
        ({"hours": -2, "minutes": -10}, "2 h 10 min late"),
        ({"hours": 3}, "in 3 h"),
        ({"days": 2}, "in 2 days"),
        ({"hours": 25}, "in 1 day 1 h"),
        ({"hours": 24}, "in 1 day"),
        ({"minutes": 59, "seconds": 59}, "in 59 min"),
        ({"seconds": 5}, "in less than a minute"),
        ({"seconds": 0}, "less than a minute late"),
    ],
)
def test_how_far_off_something_is(away: dict[str, int], words: str) -> None:
    assert ago_or_in(NOW + timedelta(**away), NOW) == words


def test_a_due_time_is_overdue_from_its_very_moment() -> None:
    assert due_state(NOW, NOW) == "overdue"
    assert due_state(NOW + timedelta(seconds=1), NOW) == "due"
    assert due_state(NOW + timedelta(hours=24, seconds=1), NOW) == "coming"
    assert (ago(NOW - timedelta(minutes=5), NOW), ago(NOW, NOW)) == ("5 min ago", "just now")


def test_numbers_and_places() -> None:
    assert telephone("+16085550134") == "(608) 555-0134"
    assert telephone("+442079460958") == "+44 20 7946 0958"
    assert telephone("ask at the desk") == "ask at the desk"
    assert maplink("12 Elm St & Oak").endswith("query=12+Elm+St+%26+Oak")


def test_every_role_has_somewhere_to_go_and_one_place_is_current() -> None:
    for role in Role:
        assert PLACES[role], role
        assert len(PLACES[role]) <= 5, "more than five do not fit under a thumb"
    planner = navigation([Role.PLANNER], "/referrals/new", {"/referrals": 4})
    assert [(item.label, item.is_current, item.badge) for item in planner] == [
        ("Referrals", False, 4),
        ("New referral", True, 0),
    ]
    both = navigation([Role.MANAGER, Role.SUPERVISOR], "/board/overdue", {})
    assert len({item.href for item in both}) == len(both)
    assert [item.label for item in both if item.is_current] == ["Board"]
    assert not any(item.is_current for item in navigation([Role.BRIDGER], "/peoples", {}))
