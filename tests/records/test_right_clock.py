"""A process whose clock does not agree with the database's writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from records import clock, engine
from records.right_clock import MOST_WRONG_SECONDS, ClockWrong
from tests.api.house import NOW, House, build_house

HOUR = 3600.0


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with clock.stopped_at(NOW):
        yield build_house()


def wrong_by(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, and what was believed of the clock is forgotten, as after five seconds."""
    real = clock.unix_time
    monkeypatch.setattr(clock, "unix_time", lambda: real() + seconds)
    engine.configure(engine.url())


def put(key: str) -> None:
    with engine.transaction() as session:
        session.execute(text("INSERT INTO meta (key, value) VALUES (:key, 'x')"), {"key": key})


@pytest.mark.postgresql
@pytest.mark.parametrize("seconds", [HOUR, -HOUR, 72 * HOUR, -72 * HOUR, MOST_WRONG_SECONDS + 5])
def test_nothing_is_written_by_a_wrong_clock(seconds: float, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put("before")
    with monkeypatch.context() as patched:
        wrong_by(seconds, patched)
        word = "ahead of" if seconds > 0 else "behind"
        with pytest.raises(ClockWrong, match=f"seconds {word} the database"):
            put("meanwhile")
    put("after")
    with engine.read_session() as session:
        kept = list(session.connection().execute(text("SELECT key FROM meta WHERE value = 'x' ORDER BY key")).scalars())
    assert kept == ["after", "before"]


@pytest.mark.postgresql
def test_some_seconds_are_no_matter(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (MOST_WRONG_SECONDS - 5, -MOST_WRONG_SECONDS + 5):
        with monkeypatch.context() as patched:
            wrong_by(seconds, patched)
            put(str(seconds))


@pytest.mark.sqlite
def test_sqlite_lies_on_the_same_machine(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_by(HOUR, monkeypatch)
    put("written")


@pytest.mark.postgresql
def test_a_web_server_with_a_wrong_clock_says_so_and_is_left_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    referral_id = house.file()
    with monkeypatch.context() as patched:
        wrong_by(HOUR, patched)
        answer = house.call("supervisor", "POST", f"/referrals/{referral_id}/notes", {"note": "An invented line."})
        assert (answer.status_code, answer.json()["code"]) == (503, "clock_wrong")
        ready = house.client.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "clock_wrong")
        assert house.client.get("/sign-in").status_code == 200
    house.post("supervisor", f"/referrals/{referral_id}/notes", {"note": "An invented line."})
