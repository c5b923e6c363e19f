"""Whatever is changed in the journal behind our back is found: altered, deleted, inserted, reordered, cut off."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from records import clock, engine, journal
from records.commands import readings
from records.commands.readings import Look, note_looks
from records.commands.sealing import digest_of, seal
from records.queries.audit import find_head, head_of, verify_all
from records.tables import JournalEntry, Reading, Seal, SealedStream
from tests.api.house import NOW, House, build_house

REFERRAL, PROGRAM, READS = "a referral's", "the program's", "the readings"
PLACES = ("the middle", "the end")


@dataclass
class Written:
    """A house with a journal: a referral with some entries, some looks at it, and a seal over all."""

    house: House
    referral_id: str
    head: str
    streams: dict[str, tuple[str, str]]

    def rows(self, session: Session, which: str) -> list[Any]:
        """One sequence in order."""
        table, stream = self.streams[which]
        model: Any = JournalEntry if table == "journal" else Reading
        return list(session.exec(select(model).where(model.stream == stream).order_by(col(model.seq))))


@pytest.fixture
def written(database: str) -> Iterator[Written]:
    """Sealed twice, so that there is something before the last seal and in it."""
    with clock.stopped_at(NOW):
        house = build_house()
        referral_id = house.file()
        _look(house, referral_id, 3)
        with engine.transaction() as session:
            seal(session)
        for note in ("one", "two", "three"):
            house.post("planner", f"/referrals/{referral_id}/notes", {"note": note})
        _look(house, referral_id, 4)
        with engine.transaction() as session:
            head = head_of(seal(session))
            reads = session.exec(select(Reading.stream)).first() or ""
        streams = {
            REFERRAL: ("journal", referral_id),
            PROGRAM: ("journal", f"program:{house.program_id}"),
            READS: ("reading", reads),
        }
        yield Written(house, referral_id, head, streams)


def _look(house: House, referral_id: str, times: int) -> None:
    for _ in range(times):
        house.get("planner", f"/referrals/{referral_id}")


def problems(head: str = "") -> list[str]:
    with engine.read_session() as session:
        return verify_all(session, kept_head=head).problems


def test_what_nobody_touched_is_whole(written: Written) -> None:
    with engine.read_session() as session:
        found = verify_all(session, kept_head=written.head)
        assert found.problems == []
        assert found.head == written.head == head_of(find_head(session))
        assert (found.readings, found.seals) == (7, 2)
        assert found.entries > 10


def test_a_second_seal_with_nothing_new_is_not_made(written: Written) -> None:
    with engine.transaction() as session:
        assert seal(session) is None


def altered(session: Session, row: JournalEntry | Reading) -> None:
    column = "actor" if isinstance(row, JournalEntry) else "staff_id"
    session.execute(text(f"UPDATE {row.__tablename__} SET {column} = 'stf_other' WHERE id = :id"), {"id": row.id})


def altered_with_its_hash(session: Session, row: JournalEntry | Reading) -> None:
    """Whoever alters may well compute the hash anew; the next entry, the record or the seal gives it away."""
    if isinstance(row, JournalEntry):
        row.actor = "stf_other"
        row.hash = journal.digest(row)
    else:
        row.staff_id = "stf_other"
        row.hash = readings.digest(row.model_dump())
    session.flush()


def deleted(session: Session, row: JournalEntry | Reading) -> None:
    session.execute(text(f"DELETE FROM {row.__tablename__} WHERE id = :id"), {"id": row.id})


def inserted(session: Session, row: JournalEntry | Reading) -> None:
    """Between two others: everything after it moves up by one."""
    model: Any = type(row)
    later = [r for r in session.exec(select(model).where(model.stream == row.stream)) if r.seq >= row.seq]
    for one in sorted(later, key=lambda r: -r.seq):
        session.execute(text(f"UPDATE {row.__tablename__} SET seq = seq + 1 WHERE id = :id"), {"id": one.id})
    values = row.model_dump(exclude={"id"})
    session.expire_all()
    session.add(model(**values))
    session.flush()


def swapped(session: Session, row: JournalEntry | Reading) -> None:
    """With the one before it."""
    name, before = row.__tablename__, row.seq - 1
    for was, now in ((row.seq, 0), (before, row.seq), (0, before)):
        session.execute(
            text(f"UPDATE {name} SET seq = :now WHERE stream = :stream AND seq = :was"),
            {"now": now, "was": was, "stream": row.stream},
        )


def cut_off(session: Session, row: JournalEntry | Reading) -> None:
    """From here to the end."""
    session.execute(
        text(f"DELETE FROM {row.__tablename__} WHERE stream = :stream AND seq >= :seq"),
        {"stream": row.stream, "seq": row.seq},
    )


class _Undone(Exception):
    """Takes a deed back, once it was looked at."""


DEEDS = (altered, altered_with_its_hash, deleted, inserted, swapped, cut_off)


@pytest.mark.parametrize("which", [REFERRAL, PROGRAM, READS])
def test_a_deed_behind_our_back_is_found(written: Written, which: str) -> None:
    found: dict[str, list[str]] = {}
    for deed in DEEDS:
        for place in PLACES:
            with suppress(_Undone), engine.transaction() as session:
                rows = written.rows(session, which)
                deed(session, rows[len(rows) // 2 if place == "the middle" else -1])
                session.expire_all()
                found[f"{deed.__name__} in {place}"] = verify_all(session).problems
                raise _Undone
    assert len(found) == len(DEEDS) * len(PLACES)
    assert [deed for deed, told in found.items() if not told] == []
    assert problems() == [], "and every one of them was taken back"


@pytest.mark.parametrize("which", [REFERRAL, PROGRAM, READS])
def test_whatever_of_an_entry_was_altered_is_found(written: Written, which: str) -> None:
    """Every column, so that none is forgotten when one is added."""
    unseen: list[str] = []
    with engine.read_session() as session:
        columns = [name for name in type(written.rows(session, which)[0]).model_fields if name != "id"]
    assert {"program_id", "at", "prev_hash", "hash"} < set(columns)
    for column in columns:
        with suppress(_Undone), engine.transaction() as session:
            rows = written.rows(session, which)
            row = rows[len(rows) // 2]
            was = getattr(row, column)
            setattr(row, column, _another(was))
            session.flush()
            session.expire_all()
            unseen += [] if verify_all(session).problems else [column]
            raise _Undone
    assert unseen == []
    assert problems() == []


def _another(value: Any) -> Any:
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, dict):
        return value | {"more": "x"}
    return value + 1000 if isinstance(value, int) else f"{value}x"


def test_a_whole_sequence_taken_away_is_found(written: Written) -> None:
    with engine.transaction() as session:
        cut_off(session, written.rows(session, READS)[0])
    assert any("cut off" in problem for problem in problems())


@pytest.mark.parametrize("which", [REFERRAL, PROGRAM, READS])
@pytest.mark.parametrize("hides", [False, True], ids=["the end", "the end and what says so"])
def test_the_end_is_not_cut_off_unseen_in_the_minute_before_it_is_sealed(
    written: Written, which: str, hides: bool
) -> None:
    """By somebody who writes the database and has not the secret key."""
    written.house.post("planner", f"/referrals/{written.referral_id}/notes", {"note": "not sealed yet"})
    with engine.transaction() as session:
        journal.append_for_program(session, written.house.program_id, "staff.moved", actor="stf_x")
    _look(written.house, written.referral_id, 1)
    assert problems() == []
    with engine.transaction() as session:
        rows = written.rows(session, which)
        cut_off(session, rows[-1])
        if hides:
            said = {"seq": rows[-2].seq, "hash": rows[-2].hash, "stream": rows[-1].stream}
            session.execute(text("UPDATE stream_head SET seq = :seq, hash = :hash WHERE stream = :stream"), said)
            session.execute(
                text("UPDATE referral SET journal_seq = :seq, journal_head = :hash WHERE id = :stream"), said
            )
    assert problems() != []


def test_a_head_that_was_taken_away_is_found(written: Written) -> None:
    with engine.transaction() as session:
        session.execute(text("DELETE FROM stream_head"))
    assert len(problems()) >= 2


def test_a_sequence_that_belongs_to_nothing_is_found(written: Written) -> None:
    with engine.transaction() as session:
        first = written.rows(session, REFERRAL)[0]
        session.add(JournalEntry(**first.model_dump(exclude={"id", "stream"}), stream="ref_madeup"))
    assert any("belongs to no referral" in problem for problem in problems())


def test_all_of_it_written_anew_from_the_beginning_is_found_by_the_head_that_was_kept(written: Written) -> None:
    """The deed of somebody who has the whole database: every hash and every seal is right again, and not the same."""
    with engine.transaction() as session:
        before = ""
        rows = written.rows(session, READS)
        for row in rows:
            row.staff_id, row.prev_hash = "stf_other", before
            row.hash = before = readings.digest(row.model_dump())
        session.flush()
        hashes = {row.seq: row.hash for row in rows}
        digest = ""
        for one in session.exec(select(Seal).order_by(col(Seal.seq))):
            streams = session.exec(select(SealedStream).where(SealedStream.seal_seq == one.seq)).all()
            for stream in streams:
                if stream.kind == "reading":
                    stream.hash = hashes[stream.seq]
            one.prev_digest = digest
            one.digest = digest = digest_of(
                digest, one.seq, one.at, ((s.kind, s.stream, s.seq, s.hash) for s in streams)
            )
    assert problems() == [f"{written.streams[READS][1]} does not end as its head says"], "and nobody else has the key"
    assert problems(written.head)[-1:] == [
        "the head that was kept elsewhere is not among the seals: what came before it was changed"
    ]


def test_a_seal_that_was_changed_is_found(written: Written) -> None:
    with engine.transaction() as session:
        session.execute(text("UPDATE seal SET digest = 'x' WHERE seq = 1"))
    assert "seal 1 was altered" in problems()


def test_the_newest_seal_taken_away_is_found_by_the_head_that_was_kept(written: Written) -> None:
    with engine.transaction() as session:
        session.execute(text("DELETE FROM sealed_stream WHERE seal_seq = 2"))
        session.execute(text("DELETE FROM seal WHERE seq = 2"))
    assert problems() == []
    assert problems(written.head) != []


def test_a_sealed_sequence_that_was_taken_out_of_its_seal_is_found(written: Written) -> None:
    with engine.transaction() as session:
        session.execute(text("DELETE FROM sealed_stream WHERE seal_seq = 1 AND kind = 'reading'"))
    assert any("seal 1 was altered" in problem for problem in problems())


def test_looks_of_many_at_once_make_one_whole_sequence(written: Written) -> None:
    look = Look(written.house.program_id, "stf_x", "GET /x", "127.0.0.1", "session 0", written.referral_id)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: note_looks([look, look]), range(100)))
    with engine.read_session() as session:
        found = verify_all(session, kept_head=written.head)
    assert (found.problems, found.readings) == ([], 207)


def test_a_look_is_durable_before_it_is_shown_or_nothing_is(written: Written) -> None:
    with engine.transaction() as session:
        session.execute(text("ALTER TABLE reading RENAME TO hidden_reading"))
    answer = written.house.call("planner", "GET", f"/referrals/{written.referral_id}")
    assert answer.status_code == 503
    assert answer.json()["code"] == "journal_unavailable"
    assert "Ada" not in answer.text
    with engine.transaction() as session:
        session.execute(text("ALTER TABLE hidden_reading RENAME TO reading"))
    assert written.house.call("planner", "GET", f"/referrals/{written.referral_id}").status_code == 200
    assert problems(written.head) == [], "after what failed another sequence begins"


def test_changes_of_the_record_go_on_in_the_referrals_own_sequence(written: Written) -> None:
    with engine.read_session() as session:
        entries = session.exec(select(JournalEntry).where(JournalEntry.stream == written.referral_id)).all()
    assert "record.viewed" not in {entry.event for entry in entries}
