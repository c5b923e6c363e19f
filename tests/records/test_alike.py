"""Who may be whom: a list that is taken finds exactly whom a question about one person finds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session

from records import clock, engine
from records.commands.people import PersonDetails, register_person
from records.queries.alike import Named, alike_names
from records.queries.born import Born
from records.queries.people import find_duplicates
from records.tables import Person
from tests.api.house import NOW, House, build_house

DAY = date(1990, 1, 1)
FIRST = ["Ana", "Anna", "Ann", "Jo", "Joe", "Joseph", "Josefa", "Maria", "Marie", "Øystein", "李", "Mary Ann", "D'Arcy"]
LAST = [
    "Sample",
    "Sampel",
    "Samples",
    "Smith",
    "Smyth",
    "Schmidt",
    "Nguyen",
    "Ng",
    "O'Neill",
    "Oneil",
    "Li",
    "Lee",
    "王",
]

names = st.one_of(st.sampled_from(FIRST + LAST), st.text("abehnst -'é", max_size=9))
people = st.lists(st.tuples(names, names, st.sampled_from(["", *FIRST]), st.lists(names, max_size=2)), max_size=12)


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with clock.stopped_at(NOW):
        yield build_house()


def person(number: int, first: str, last: str, preferred: str = "", aliases: list[str] | None = None) -> Person:
    return Person(
        id=f"per_{number}", program_id="prg_x", given_name=first, family_name=last, preferred_name=preferred,
        aliases=aliases or [], created_at=NOW,
    )  # fmt: skip


@given(people, names, names)
@example([("Ana", "Sample", "", [])], "", "Sampel")
@example([("", "Sample", "", [])], "Ana", "")
@example([("Maria", "Carter", "", [])], "Marta", "Carver")
@example([("Ana", "", "", ["Ana Sample"])], "ana", "SAMPLE")
def test_nobody_is_passed_over_who_is_alike(
    known: list[tuple[str, str, str, list[str]]], first: str, last: str
) -> None:
    everybody = [person(number, *one) for number, one in enumerate(known) if "".join(one[:2]).strip()]
    born = Born()
    for one in everybody:
        born.add(one)
    alike = {one.id for one in everybody if alike_names(Named.of(one), first, last) is not None}
    assert alike <= {one.id for one in born.may_be(first, last)}


def found(session: Session, house: House, first: str, last: str, *, in_list: bool) -> list[tuple[str, int, object]]:
    alike = find_duplicates(
        session, house.program_id, given_name=first, family_name=last, birth_on=DAY, limit=30, in_list=in_list
    )
    return [(one.person.id, one.score, one.reasons) for one in alike]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_list_finds_whom_a_question_finds_with_those_who_came_meanwhile(house: House, seed: int) -> None:
    chance = random.Random(seed)
    seen = 0
    with engine.transaction() as session:
        for _ in range(80):
            first, last = chance.choice(FIRST), chance.choice(LAST)
            alone = found(session, house, first, last, in_list=False)
            assert found(session, house, first, last, in_list=True) == alone
            seen += len(alone)
            details = PersonDetails(first, last, preferred_name=chance.choice(["", *FIRST]), birth_on=DAY)
            new = register_person(session, house.program_id, details, zone="America/New_York")
            if chance.random() < 0.1:
                new.merged_into_id = next((one for one, _, _ in alone), None)
            session.flush()
    assert seen > 300, "the test must see some"


@pytest.mark.sqlite
def test_a_list_reads_everybody_once(house: House) -> None:
    """Reading, and unsealing, everybody of a birth date for each of a thousand rows took most of its time."""
    with engine.transaction() as session:
        for number in range(40):
            details = PersonDetails("Ana", f"Sample{'abcdefghij'[number % 10]}", birth_on=DAY)
            register_person(session, house.program_id, details, zone="America/New_York")
    opened = 0

    def count(*_: object) -> None:
        nonlocal opened
        opened += 1

    with engine.transaction() as session:
        event.listen(Person, "load", count)
        try:
            for _ in range(5):
                find_duplicates(
                    session, house.program_id, given_name="Bo", family_name="Other", birth_on=DAY, in_list=True
                )
        finally:
            event.remove(Person, "load", count)
    assert opened == 40
