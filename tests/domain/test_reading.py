"""Which looks are unusual: each rule just inside and just outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.reading import MANY, MANY_FOR_SYSTEM, Look, SystemLook, find_unusual, find_unusual_of_systems
from domain.spreadsheet import safe_cell, safe_csv
from domain.vocabulary import Unusual

ZONE = "America/New_York"
NOON = datetime(2026, 11, 3, 17, 0, tzinfo=UTC)
LOOK = Look(NOON, "stf_1", "per_1", "sample", "other", True, None)


def kinds(*looks: Look) -> set[Unusual]:
    return {finding.kind for finding in find_unusual(looks, ZONE)}


def test_an_ordinary_look_is_nothing() -> None:
    assert kinds(LOOK) == set()


@pytest.mark.parametrize(
    ("hour", "minute", "is_night"), [(21, 59, False), (22, 0, True), (4, 59, True), (5, 0, False), (12, 0, False)]
)
def test_night_goes_by_the_programs_clock(hour: int, minute: int, is_night: bool) -> None:
    at = NOON.replace(hour=0, minute=minute) + timedelta(hours=hour + 5)  # New York is five hours behind in November
    assert kinds(replace(LOOK, at=at)) == ({Unusual.NIGHT} if is_night else set())


def test_the_readers_own_family_name() -> None:
    assert kinds(replace(LOOK, person_family="sample")) == {Unusual.SAME_NAME}
    assert kinds(replace(LOOK, reader_family="", person_family="")) == set()


def test_somebody_they_do_not_work_with_and_a_case_that_had_ended() -> None:
    assert kinds(replace(LOOK, is_theirs=False)) == {Unusual.NOT_THEIRS}
    assert kinds(replace(LOOK, ended_at=NOON - timedelta(days=1))) == {Unusual.AFTER_CLOSING}
    assert kinds(replace(LOOK, ended_at=NOON + timedelta(days=1))) == set()


def in_a_row(count: int, minutes: float) -> list[Look]:
    return [replace(LOOK, at=NOON + timedelta(minutes=minutes * n), record_id=f"per_{n}") for n in range(count)]


def test_many_records_within_an_hour_count_once_each() -> None:
    assert kinds(*in_a_row(MANY, 1)) == set()
    assert kinds(*in_a_row(MANY + 1, 60 / MANY)) == {Unusual.MANY}
    assert kinds(*in_a_row(MANY + 1, 60 / MANY + 0.1)) == set()
    assert kinds(*[LOOK] * 100) == set(), "the same record a hundred times is one"
    finding = find_unusual(in_a_row(MANY + 5, 1), ZONE)[0]
    assert (finding.count, finding.staff_id) == (MANY + 5, "stf_1")


EHR = SystemLook(NOON, "sys_1", "per_1", "10.0.0.1")
DAY = timedelta(days=1)


def of_systems(*looks: SystemLook, known: tuple[tuple[str, str], ...] = ()) -> list[tuple[Unusual, str, int]]:
    found = find_unusual_of_systems(looks, known, ZONE)
    return [(one.kind, one.staff_id, one.count) for one in found]


def test_a_system_that_comes_from_where_it_never_came_is_unusual_for_a_day() -> None:
    there = replace(EHR, address="203.0.113.9", at=NOON + timedelta(hours=1))
    assert of_systems(EHR, EHR) == [], "where it is used first is no news"
    assert of_systems(there, known=(("sys_1", "10.0.0.1"),)) == [(Unusual.ELSEWHERE, "sys_1", 1)]
    assert of_systems(there, known=(("sys_1", "203.0.113.9"),)) == []
    assert of_systems(there, known=(("sys_2", "10.0.0.1"),)) == [], "each has its own addresses"
    assert of_systems(EHR, there, replace(there, record_id="")) == [(Unusual.ELSEWHERE, "sys_1", 2)], "lists count too"
    later = replace(there, at=there.at + DAY)
    assert of_systems(EHR, there, later) == [(Unusual.ELSEWHERE, "sys_1", 1)], "from then on it is known"


def test_a_system_looks_at_many_more_than_people_do_and_works_at_night() -> None:
    def in_an_hour(count: int) -> list[SystemLook]:
        night = NOON.replace(hour=7)
        return [replace(EHR, at=night + timedelta(seconds=11 * n), record_id=f"per_{n}") for n in range(count)]

    assert of_systems(*in_an_hour(MANY_FOR_SYSTEM)) == []
    assert of_systems(*in_an_hour(MANY_FOR_SYSTEM + 1)) == [(Unusual.MANY, "sys_1", MANY_FOR_SYSTEM + 1)]
    assert of_systems(*[replace(EHR, record_id="")] * 1000) == []


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "＝1"])
def test_no_cell_begins_a_formula(value: str) -> None:
    assert safe_cell(value) == f"'{value}"


def test_plain_cells_stay_as_they_are() -> None:
    assert [safe_cell(v) for v in ("Ada", "12:30", 7, None, "a=b")] == ["Ada", "12:30", "7", "", "a=b"]
    assert safe_csv(("a", "b"), [("=x", 'say "hi"')]) == '\ufeffa,b\r\n\'=x,"say ""hi"""\r\n'


def test_numbers_stay_numbers() -> None:
    assert [safe_cell(value) for value in (0, -2, 33.3333, -0.5)] == ["0", "-2", "33.3", "-0.5"]
