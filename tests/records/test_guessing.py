"""Guessing passwords: by one, by a thousand, at one account and at all, and who works here signs in all the while."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from domain.errors import NotAllowed
from domain.vocabulary import Role
from records import clock, engine
from records.access import system_actor
from records.commands import guessing, programs, sign_in, staff
from records.commands.guessing import Source
from records.commands.passwords import hash_password
from records.tables import AddressTries, KnownDevice, Staff
from tests.records.test_sign_in import MONDAY, PASSWORD

HOSPITAL = 12
HERE = "192.0.2.7"  # the hospital's one address, for everybody in it


@pytest.fixture
def hospital(database: str) -> Iterator[list[str]]:
    """A dozen people with a password, by their addresses."""
    clock.set_to(MONDAY)
    kept = hash_password(PASSWORD)
    emails = [f"c{number}@peers.example" for number in range(HOSPITAL)]
    with engine.transaction() as session:
        hand = system_actor(programs.create_program(session, "Example Peers").id)
        for email in emails:
            row = staff.add_staff(session, hand, email=email, name="Casey Pretend", roles=[Role.SUPERVISOR])
            row.password_hash = kept
    try:
        yield emails
    finally:
        clock.run_real()


def gets_in(email: str, source: Source, password: str = PASSWORD) -> bool:
    try:
        sign_in.sign_in(email, password, "", source)
    except NotAllowed:
        return False
    return True


def guess(email: str, source: Source) -> None:
    assert not gets_in(email, source, "seven noisy herons")


def test_whoever_guesses_all_the_time_from_a_thousand_places_keeps_nobody_out(hospital: list[str]) -> None:
    """The guesser comes the moment each wait ends, so that an account is always waiting."""
    own = Source("the desk's browser", HERE)
    assert gets_in(hospital[0], own)
    for number in range(16):
        guess(hospital[0], Source(f"another {number}", f"198.51.100.{number}"))
        if number % 5 == 4:
            assert not gets_in(hospital[0], Source("never seen", "203.0.113.5"))
            assert gets_in(hospital[0], own), "the browser that they always use does not wait"
        with engine.read_session() as session:
            until = session.exec(select(Staff.locked_until).where(Staff.email == hospital[0])).one()
        if until is not None and until > clock.now():
            clock.advance(until - clock.now())


def test_guessing_at_every_account_keeps_no_hospital_out(hospital: list[str]) -> None:
    for email in hospital:
        assert gets_in(email, Source("the ward's browser", HERE)), "one browser for all, as wards have"
    for _ in range(5):
        for email in hospital:
            guess(email, Source("stranger", HERE))
    assert [gets_in(email, Source("the ward's browser", HERE)) for email in hospital] == [True] * HOSPITAL
    with engine.read_session() as session:
        assert session.exec(select(AddressTries.failed_tries)).one() >= guessing.FREE_FROM_ADDRESS


def test_one_address_has_few_tries_at_many_accounts(hospital: list[str]) -> None:
    """A stranger who tries one password at every account of a list is slowed, whether the accounts are there or not."""
    names = [*hospital, *(f"nobody{number}@peers.example" for number in range(guessing.FREE_FROM_ADDRESS))]
    for email in names[: guessing.FREE_FROM_ADDRESS]:
        guess(email, Source("", "203.0.113.5"))
    assert not gets_in(hospital[0], Source("", "203.0.113.5")), "the right one, within the wait"
    assert gets_in(hospital[0], Source("", "203.0.113.6")), "from elsewhere"
    counted = []
    begun = clock.now()
    while clock.now() - begun < timedelta(minutes=4):
        guess("nobody@peers.example", Source("", "203.0.113.5"))
        with engine.read_session() as session:
            counted.append(session.exec(select(AddressTries)).one().failed_tries)
        clock.advance(timedelta(seconds=2))
    assert counted[-1] - guessing.FREE_FROM_ADDRESS <= 8, "a minute each after the first few"


def test_what_an_address_did_is_forgotten_after_an_hour(hospital: list[str]) -> None:
    for _ in range(guessing.FREE_FROM_ADDRESS):
        guess("nobody@peers.example", Source("", HERE))
    assert not gets_in(hospital[0], Source("", HERE))
    clock.advance(guessing.ADDRESS_FORGETS + timedelta(seconds=1))
    guess("nobody@peers.example", Source("", HERE))
    assert gets_in(hospital[0], Source("", HERE))


def test_a_known_browser_has_its_own_waits(hospital: list[str]) -> None:
    """Whoever sits down at a desk of the ward guesses no faster than elsewhere."""
    own = Source("the ward's browser", HERE)
    assert gets_in(hospital[0], own)
    for _ in range(guessing.FREE_TRIES):
        guess(hospital[0], own)
    assert not gets_in(hospital[0], own)
    assert gets_in(hospital[0], Source("my phone", HERE)), "and these keep nobody out elsewhere"
    clock.advance(timedelta(seconds=2))
    assert gets_in(hospital[0], own)


def test_a_browser_is_known_for_whoever_signed_in_with_it_alone(hospital: list[str]) -> None:
    shared = Source("a colleague's browser", HERE)
    assert gets_in(hospital[1], shared)
    for _ in range(guessing.FREE_TRIES):
        guess(hospital[0], shared)
    assert not gets_in(hospital[0], Source("never seen", "203.0.113.5")), "it counts at the account, as a stranger's"


def test_a_browser_is_forgotten_in_time(hospital: list[str]) -> None:
    own = Source("the desk's browser", HERE)
    assert gets_in(hospital[0], own)
    clock.advance(guessing.DEVICE_KNOWN_FOR)
    assert gets_in(hospital[0], Source("another", HERE))
    with engine.read_session() as session:
        assert len(session.exec(select(KnownDevice)).all()) == 1


def test_the_records_hold_no_network_address_and_no_browsers_token(hospital: list[str]) -> None:
    assert gets_in(hospital[0], Source("the desk's browser", HERE))
    guess(hospital[1], Source("the desk's browser", HERE))
    with engine.read_session() as session:
        held = str([row.model_dump() for table in (KnownDevice, AddressTries) for row in session.exec(select(table))])
    assert HERE not in held
    assert "desk" not in held


def test_many_wrong_tries_from_one_address_at_one_moment_are_all_counted(hospital: list[str]) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: guess(f"nobody{n}@peers.example", Source("", HERE)), range(12)))
    with engine.read_session() as session:
        assert session.exec(select(AddressTries)).one().failed_tries == 12
