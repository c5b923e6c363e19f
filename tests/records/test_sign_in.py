"""Signing in: what is refused and how, when a session ends, what is kept of tokens, what a stranger learns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import select

from domain.errors import Invalid, NotAllowed, NotFound
from domain.vocabulary import Role
from records import clock, engine, journal
from records.access import system_actor
from records.commands import common_passwords, guessing, passwords, programs, sign_in, staff
from records.settings import get_settings
from records.tables import ApiToken, JournalEntry, Staff, StaffSession

MONDAY = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
PASSWORD = "seven quiet herons"


@pytest.fixture(autouse=True)
def _passwords_are_hashed_as_in_production(
    monkeypatch: pytest.MonkeyPatch, real_hasher: PasswordHash
) -> Iterator[None]:
    monkeypatch.setattr(passwords, "_hasher", real_hasher)
    passwords._nobodys.cache_clear()  # what was kept to compare with was hashed as quickly as the rest
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def someone(database: str) -> Iterator[Staff]:
    """A supervisor with a password, on a Monday."""
    clock.set_to(MONDAY)
    with engine.transaction() as session:
        program = programs.create_program(session, "Example Peers")
        row = staff.add_staff(
            session,
            system_actor(program.id),
            email="Sam.Sample@peers.example",
            name="Sam Sample",
            roles=[Role.SUPERVISOR],
        )
        sign_in.set_password(session, row.id, PASSWORD)
    try:
        yield row
    finally:
        clock.run_real()


def events(staff_id: str) -> list[str]:
    """What the journal holds of somebody's signing in and out."""
    with engine.read_session() as session:
        rows = list(session.exec(select(JournalEntry).order_by(JournalEntry.id)))  # type: ignore[arg-type]
    assert journal.verify(rows) == []
    return [row.event for row in rows if row.subject_id == staff_id]


def who(token: str) -> Staff | None:
    """Who is signed in, as a page that only reads asks."""
    with engine.read_session() as session:
        return sign_in.session_of(session, token)


def refused(email: str = "sam.sample@peers.example", password: str = "seven noisy herons") -> str:
    """The sentence with which signing in is refused."""
    with pytest.raises(NotAllowed) as problem:
        sign_in.sign_in(email, password)
    assert problem.value.code == "no_match"
    return problem.value.sentence


def test_somebody_signs_in_and_out(someone: Staff) -> None:
    token = sign_in.sign_in(" sam.sample@PEERS.example ", PASSWORD, "Phone 1.0")
    found = who(token)
    assert found is not None
    assert found.id == someone.id
    with engine.transaction() as session:
        sign_in.sign_out(session, token)
        sign_in.sign_out(session, token)
    assert who(token) is None
    assert events(someone.id) == ["staff.added", "staff.password_set", "staff.signed_in", "staff.signed_out"]


def test_the_records_hold_neither_password_nor_token(someone: Staff) -> None:
    token = sign_in.sign_in(someone.email, PASSWORD, "Phone\n1.0\x00" + "x" * 500)
    with engine.transaction() as session:
        bearer = sign_in.create_token(session, someone, "import", 30)
    with engine.read_session() as session:
        kept = str(
            [
                row.model_dump()
                for table in (Staff, StaffSession, ApiToken, JournalEntry)
                for row in session.exec(select(table))
            ]
        )
        row = session.exec(select(StaffSession)).one()
    assert PASSWORD not in kept
    assert token not in kept
    assert bearer not in kept
    assert row.agent.startswith("Phone1.0x")
    assert len(row.agent) == 200


def test_a_stranger_learns_nothing_from_the_words(someone: Staff) -> None:
    said = {refused(), refused(email="nobody@peers.example"), refused(password=""), refused(password="x" * 100_000)}
    said |= {refused() for _ in range(5)}  # now a wait is on
    with engine.transaction() as session:
        session.get_one(Staff, someone.id).is_active = False
    said.add(refused(password=PASSWORD))
    assert said == {sign_in.NO_MATCH}


def test_a_stranger_learns_nothing_from_the_time(someone: Staff) -> None:
    def seconds(act: Callable[[], object]) -> float:
        """The thread's own time, the best of several: what else runs on this machine does not count."""
        best = []
        for _ in range(7):
            begun = time.thread_time()
            act()
            best.append(time.thread_time() - begun)
        return min(best)

    kept = passwords.hash_password(PASSWORD)
    comparing = seconds(lambda: passwords.check_password("seven noisy herons", kept))
    unknown = seconds(lambda: refused(email="nobody@peers.example"))
    known = seconds(lambda: refused(email=someone.email))
    assert unknown > comparing / 2, "an unknown address is answered without comparing"
    assert known < 3 * unknown


def test_wrong_tries_earn_short_waits_and_a_right_one_ends_them(someone: Staff) -> None:
    for _ in range(guessing.FREE_TRIES):
        refused()
    refused(password=PASSWORD)  # the right one, within the wait of two seconds
    clock.advance(timedelta(seconds=2))
    sign_in.sign_in(someone.email, PASSWORD)
    for _ in range(guessing.FREE_TRIES - 1):
        refused()
    sign_in.sign_in(someone.email, PASSWORD)
    assert events(someone.id).count("staff.sign_in_refused") == 2 * guessing.FREE_TRIES - 1


def test_no_wait_is_longer_than_a_minute(someone: Staff) -> None:
    waits = []
    for _ in range(12):
        refused()
        with engine.read_session() as session:
            until = session.get_one(Staff, someone.id).locked_until
        waits.append((until - clock.now()).total_seconds() if until else 0)
        clock.advance(timedelta(seconds=waits[-1]))
    assert waits == [0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    sign_in.sign_in(someone.email, PASSWORD)


def test_many_guesses_at_once_find_the_wait(someone: Staff) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: refused(password=f"eight quiet herons {n}"), range(16)))
    with engine.read_session() as session:
        assert session.get_one(Staff, someone.id).failed_sign_ins == guessing.FREE_TRIES


def test_colleagues_sign_in_at_the_same_moment(someone: Staff) -> None:
    with engine.transaction() as session:
        hand = system_actor(someone.program_id)
        for n in range(8):
            staff.add_staff(session, hand, email=f"c{n}@peers.example", name="Col League", roles=[Role.SUPERVISOR])
            row = session.exec(select(Staff).where(Staff.email == f"c{n}@peers.example")).one()
            sign_in.set_password(session, row.id, PASSWORD)
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda n: sign_in.sign_in(f"c{n % 8}@peers.example", PASSWORD), range(24)))
    assert all(who(token) is not None for token in tokens)
    assert events(someone.id)  # and the program's chain is whole


def test_a_session_ends_when_it_was_idle(someone: Staff) -> None:
    token, idle = sign_in.sign_in(someone.email, PASSWORD), timedelta(minutes=get_settings().session_idle_minutes)
    for _ in range(3):
        clock.advance(idle - timedelta(seconds=1))
        assert who(token) is not None
    clock.advance(idle)
    assert who(token) is None


def test_a_session_ends_with_the_day(someone: Staff) -> None:
    token, begun = sign_in.sign_in(someone.email, PASSWORD), clock.now()
    longest = timedelta(hours=get_settings().session_absolute_hours)
    while clock.now() - begun < longest - timedelta(minutes=10):
        clock.advance(timedelta(minutes=10))
        assert who(token) is not None
    clock.set_to(begun + longest)
    assert who(token) is None


def test_being_there_is_noted_once_a_minute(someone: Staff) -> None:
    token = sign_in.sign_in(someone.email, PASSWORD)

    def seen() -> datetime:
        with engine.read_session() as session:
            return session.exec(select(StaffSession)).one().seen_at

    clock.advance(timedelta(seconds=59))
    who(token)
    assert seen() == MONDAY
    clock.advance(timedelta(seconds=1))
    who(token)
    assert seen() == MONDAY + timedelta(minutes=1)
    clock.advance(timedelta(minutes=1))
    with engine.transaction() as session:  # a page that writes notes it in its own transaction
        assert sign_in.session_of(session, token) is not None
    assert seen() == MONDAY + timedelta(minutes=2)


def test_people_sign_in_while_the_clock_takes_nine_seconds_for_a_day(someone: Staff) -> None:
    """What lasts months for somebody at the keyboard is longer, by such a clock, than the calendar goes back."""
    clock.run_fast(10_000, real_anchor=clock.unix_time(), anchor=MONDAY)
    assert who(sign_in.sign_in(someone.email, PASSWORD, "", guessing.Source("a browser", "192.0.2.1"))) is not None


def test_a_fast_clock_does_not_throw_people_out(someone: Staff) -> None:
    clock.run_fast(1440, real_anchor=clock.unix_time(), anchor=MONDAY)
    token = sign_in.sign_in(someone.email, PASSWORD)
    idle = timedelta(minutes=get_settings().session_idle_minutes)
    clock.run_fast(1440, real_anchor=clock.unix_time(), anchor=clock.now() + 1000 * idle)
    assert who(token) is not None
    clock.run_fast(1440, real_anchor=clock.unix_time(), anchor=clock.now() + 1441 * idle)
    assert who(token) is None


def test_a_session_ends_with_the_account(someone: Staff) -> None:
    token = sign_in.sign_in(someone.email, PASSWORD)
    with engine.transaction() as session:
        bearer = sign_in.create_token(session, someone, "import", 30)
        staff.disable_staff(session, system_actor(someone.program_id), someone.id)
    assert who(token) is None
    with engine.read_session() as session:
        assert sign_in.staff_of_token(session, bearer) is None
    assert refused(password=PASSWORD) == sign_in.NO_MATCH


def test_a_new_password_ends_every_session_and_the_old_password(someone: Staff) -> None:
    first, second = sign_in.sign_in(someone.email, PASSWORD), sign_in.sign_in(someone.email, PASSWORD)
    refused()
    with engine.transaction() as session:
        sign_in.set_password(session, someone.id, "nine patient otters", by="stf_somebody_else")
    assert who(first) is who(second) is None
    refused(password=PASSWORD)
    assert who(sign_in.sign_in(someone.email, "nine patient otters")) is not None


def test_signing_out_everywhere(someone: Staff) -> None:
    tokens = [sign_in.sign_in(someone.email, PASSWORD) for _ in range(3)]
    with engine.transaction() as session:
        assert sign_in.sign_out_everywhere(session, someone.id) == 3
    assert [who(token) for token in tokens] == [None] * 3


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("elevenchars", "password_short"),
        ("x1" * 101, "password_long"),
        ("aaaaaaaaaaaaaa", "password_common"),
        ("Password1234!", "password_common"),
        ("passwordpassword", "password_common"),
        ("123456789012", "password_common"),
        ("qwertyuiopas", "password_common"),
        ("wxyzwxyzwxyz12 !", None),
        ("December2026!!", "password_common"),
        ("Footbridge-2026", "password_common"),
        ("P@ssw0rd-P@ssw0rd", "password_common"),
        ("1Qaz2wsx3EDC", "password_common"),
        ("Sunshine!!2026", "password_common"),
        ("chickenwing101", "password_common"),
        ("leavemealone", "password_common"),
        ("our footbridge is red", "password_personal"),
        ("xx sample xx yy", "password_personal"),
        ("I love PEERS.example", "password_personal"),
        ("sam.sample@peers.example", "password_personal"),
        ("𝓢𝓐𝓜𝓟𝓛𝓔 of something", "password_personal"),
        ("twelve chars", None),
        ("быстрая река у моста", None),
        ("🌉🌊🚶🏽🏡 longer words", None),
    ],
)
@pytest.mark.sqlite
def test_weak_passwords_are_refused_with_a_way_out(someone: Staff, password: str, code: str | None) -> None:
    with engine.transaction() as session:
        if code is None:
            sign_in.set_password(session, someone.id, password)
        else:
            with pytest.raises(Invalid) as problem:
                sign_in.set_password(session, someone.id, password)
            assert (problem.value.code, problem.value.field) == (code, "password")
    assert who(sign_in.sign_in(someone.email, password if code is None else PASSWORD)) is not None


@pytest.mark.sqlite
def test_a_long_password_is_welcome_and_each_of_its_characters_counts(someone: Staff) -> None:
    words = " ".join(f"herons{number}" for number in range(40))[: passwords.LONGEST]
    assert len(words) == passwords.LONGEST >= 128
    with engine.transaction() as session:
        sign_in.set_password(session, someone.id, words)
    assert who(sign_in.sign_in(someone.email, words)) is not None
    refused(password=words[:-1])
    refused(password=words + "x")


def test_the_list_of_common_passwords_is_long_where_ours_are_long() -> None:
    """A list of short ones would refuse nothing that a rule of twelve characters lets through."""
    long = [word for word in common_passwords.common_passwords() if len(word) >= passwords.SHORTEST]
    assert len(common_passwords.common_passwords()) >= 10_000
    assert len(long) >= 3_000, "ASVS 5.0, 6.2.4"
    assert all(common_passwords.is_common(word) for word in long)


@pytest.mark.sqlite
def test_a_password_is_the_same_however_a_keyboard_composes_it(someone: Staff) -> None:
    with engine.transaction() as session:
        sign_in.set_password(session, someone.id, "caf\u00e9 au bord de l'eau")
    assert who(sign_in.sign_in(someone.email, "cafe\u0301 au bord de l'eau")) is not None


@pytest.mark.sqlite
def test_a_password_needs_an_account(someone: Staff) -> None:
    with engine.transaction() as session, pytest.raises(NotFound):
        sign_in.set_password(session, "stf_nobody", PASSWORD)


@pytest.mark.sqlite
def test_a_hash_of_earlier_days_is_renewed_on_signing_in(someone: Staff) -> None:
    with engine.transaction() as session:
        row = session.get_one(Staff, someone.id)
        row.password_hash = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8_192, parallelism=1),)).hash(PASSWORD)
    sign_in.sign_in(someone.email, PASSWORD)
    with engine.read_session() as session:
        assert "m=19456,t=2,p=1" in session.get_one(Staff, someone.id).password_hash
    assert who(sign_in.sign_in(someone.email, PASSWORD)) is not None


def test_a_bearer_token_lasts_as_long_as_was_said(someone: Staff) -> None:
    with engine.transaction() as session:
        token = sign_in.create_token(session, someone, "nightly import", 30)
    assert token.startswith("fbt_")
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    with engine.transaction() as session:
        found = sign_in.staff_of_token(session, token)
        assert found is not None
        assert found.id == someone.id
        assert sign_in.staff_of_token(session, token[:-1]) is None
    with engine.read_session() as session:
        assert session.exec(select(ApiToken)).one().used_at == clock.now()
    clock.advance(timedelta(seconds=1))
    with engine.read_session() as session:
        assert sign_in.staff_of_token(session, token) is None


@pytest.mark.sqlite
def test_a_token_is_nothing_without_its_account(someone: Staff) -> None:
    """Disabling somebody takes tokens and sessions back; one that was left over would open nothing either."""
    browser = sign_in.sign_in(someone.email, PASSWORD)
    with engine.transaction() as session:
        token = sign_in.create_token(session, someone, "nightly import", 30)
        session.get_one(Staff, someone.id).is_active = False
    with engine.read_session() as session:
        assert sign_in.staff_of_token(session, token) is None
        assert sign_in.session_of(session, browser) is None


@pytest.mark.sqlite
@pytest.mark.parametrize("days", [0, -1, 401])
def test_a_token_has_an_end_in_sight(someone: Staff, days: int) -> None:
    with engine.transaction() as session, pytest.raises(Invalid):
        sign_in.create_token(session, someone, "for ever", days)


def test_a_form_is_ours_when_it_carries_the_sessions_word() -> None:
    word = sign_in.csrf_token("one")
    assert sign_in.check_csrf("one", word)
    assert not sign_in.check_csrf("other", word)
    assert not sign_in.check_csrf("one", "")
    assert not sign_in.check_csrf("one", "ż" + word[1:])
    assert "one" not in word


def test_production_has_no_secret_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_ENVIRONMENT", "production")
    get_settings.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="FOOTBRIDGE_SECRET_KEY"):
            sign_in.csrf_token("one")
        monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "a" * 32)
        get_settings.cache_clear()
        with_one = sign_in.csrf_token("one")
        monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "b" * 32)
        get_settings.cache_clear()
        assert sign_in.csrf_token("one") != with_one
    finally:
        get_settings.cache_clear()


NEW_PASSWORD = "nine lanterns by the weir"


def test_ones_own_password_is_changed_and_only_this_session_goes_on(someone: Staff) -> None:
    here, elsewhere = (sign_in.sign_in("sam.sample@peers.example", PASSWORD) for _ in range(2))

    sign_in.change_own_password(someone.id, here, PASSWORD, NEW_PASSWORD)

    assert who(here) is not None
    assert who(elsewhere) is None
    assert refused(password=PASSWORD) == sign_in.NO_MATCH
    assert sign_in.sign_in("sam.sample@peers.example", NEW_PASSWORD)
    assert events(someone.id)[-3:] == ["staff.password_changed", "staff.sign_in_refused", "staff.signed_in"]


@pytest.mark.parametrize(
    ("current", "new", "code", "field"),
    [
        ("seven noisy herons", NEW_PASSWORD, "no_match", "current"),
        (PASSWORD, "too short", "password_short", "password"),
        (PASSWORD, "Sam Sample's own word", "password_personal", "password"),
        (PASSWORD, PASSWORD, "password_same", "password"),
        (NEW_PASSWORD, NEW_PASSWORD, "password_same", "password"),
    ],
)
def test_a_password_that_is_not_changed_ends_no_session(
    someone: Staff, current: str, new: str, code: str, field: str
) -> None:
    here, elsewhere = (sign_in.sign_in("sam.sample@peers.example", PASSWORD) for _ in range(2))
    with pytest.raises(Invalid) as refusal:
        sign_in.change_own_password(someone.id, here, current, new)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert who(here) is not None
    assert who(elsewhere) is not None
    assert sign_in.sign_in("sam.sample@peers.example", PASSWORD)


def test_whoever_finds_an_open_browser_cannot_guess_the_password_there_either(someone: Staff) -> None:
    here = sign_in.sign_in("sam.sample@peers.example", PASSWORD)
    for _ in range(guessing.FREE_TRIES):
        with pytest.raises(Invalid):
            sign_in.change_own_password(someone.id, here, "seven noisy herons", NEW_PASSWORD)
    with pytest.raises(Invalid) as refusal:
        sign_in.change_own_password(someone.id, here, PASSWORD, NEW_PASSWORD)
    assert refusal.value.field == "current", "the right one, too, waits now"
    clock.advance(timedelta(seconds=3))
    sign_in.change_own_password(someone.id, here, PASSWORD, NEW_PASSWORD)
    assert events(someone.id).count("staff.sign_in_refused") == guessing.FREE_TRIES
