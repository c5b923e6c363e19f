"""A jail's release list: each row stands for itself, and the list may be sent again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from domain.errors import NotAllowed, NotFound
from domain.vocabulary import Channel, ConsentStatus, Disposition, ReferralStatus, Setting
from records import clock, engine
from records.access import Actor, actor_of
from records.commands import referrals
from records.commands.imports import ImportReport, import_releases
from records.commands.people import Identifier, PersonDetails
from records.commands.referrals import ReferralDetails
from records.queries.imports import get_import, list_imports
from records.tables import Inbound, JournalEntry, Notification, Person, Program, Referral, Staff
from tests.api.house import House, build_house

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
SAMPLE = (Path(__file__).parents[1] / "data" / "releases-sample.csv").read_bytes()
HEAD = "booking_number,first_name,last_name,birth_date,release_date,release_time,release_status,release_kind,phone\n"


@pytest.fixture
def house(database: str) -> Iterator[House]:
    """A program with a jail, on a stopped clock."""
    with clock.stopped_at(NOW):
        yield build_house()


def actor(house: House, name: str = "jailer") -> Actor:
    with engine.read_session() as session:
        return actor_of(session.get_one(Staff, house.staff[name]))


def send(house: House, data: bytes | str, who: str = "jailer", **more: Any) -> ImportReport:
    sent = data if isinstance(data, bytes) else (HEAD + data).encode()
    with engine.transaction() as session:
        return import_releases(session, actor(house, who), sent, **more)


def rows(table: Any, *conditions: Any) -> list[Any]:
    with engine.read_session() as session:
        return list(session.exec(select(table).where(*conditions)))


def results(report: ImportReport) -> list[str]:
    return [row.result for row in report.rows]


def test_a_list_is_told_of_once_and_who_has_left_already_alone(house: House) -> None:
    with engine.transaction() as session:
        session.exec(select(Program).where(Program.name == "Example Bridges")).one().accepts_at_once = False
    waiting = "".join(
        f"B-{n},Ada,Sample{'abcdef'[n]},1990-01-{n:02},2026-12-0{n},,planned,planned,\n" for n in range(1, 6)
    )
    gone = "B-9,Bo,Sample,1991-01-01,2026-11-25,07:00,actual,planned,212-555-0101\n"
    assert results(send(house, waiting + gone)) == ["filed"] * 6
    told = rows(Notification, Notification.channel == Channel.IN_APP)
    assert sorted((one.template, one.staff_id) for one in told) == [
        ("list_filed", house.staff["supervisor"]), ("referral_filed", house.staff["supervisor"]),
    ]  # fmt: skip
    [left] = rows(Referral, col(Referral.discharged_at).is_not(None))
    assert {one.referral_id for one in told} == {None, left.id}
    send(house, waiting + gone)
    assert len(rows(Notification, Notification.channel == Channel.IN_APP)) == 2, "nothing new was filed"


def test_the_sample_is_taken_and_taken_again(house: House) -> None:
    first = send(house, SAMPLE)
    assert first.problems == ()
    assert first.counts == {"filed": 6}
    kept = {row.visit_id: (row.version, row.next_at) for row in rows(Referral)}
    again = send(house, SAMPLE)
    assert again.counts == {"duplicate": 6}
    assert {row.visit_id: (row.version, row.next_at) for row in rows(Referral)} == kept
    assert len(rows(Person)) == 6


def test_a_row_becomes_a_referral_with_all_it_said(house: House) -> None:
    send(house, SAMPLE)
    row = next(one for one in rows(Referral) if one.visit_id == "SAMPLE-0003")
    assert (row.setting, row.source, row.consent) == (Setting.JAIL, "csv", ConsentStatus.PENDING)
    assert row.disposition is Disposition.COURT_RELEASE
    assert row.discharged_at == datetime(2026, 11, 24, 5, 40, tzinfo=UTC)  # 12:40 at night in New York
    assert set(row.risks) == {"overdose", "no_safe_place"}
    assert row.is_unscheduled
    linh = next(one for one in rows(Person) if one.given_name == "Linh")
    assert (linh.language, linh.phones[0]["number"]) == ("vi", "+15550100104")


def test_a_moved_date_and_then_the_release_reach_the_same_referral(house: House) -> None:
    row = "B-1,Robin,Imaginary,1990-05-31,{day},{time},{status},planned,212-555-0101\n"
    assert results(send(house, row.format(day="2026-12-01", time="", status="planned"))) == ["filed"]
    assert results(send(house, row.format(day="2026-12-03", time="10:00", status="planned"))) == ["matched"]
    assert rows(Referral)[0].expected_on == date(2026, 12, 3)
    clock.advance(timedelta(days=9))
    assert results(send(house, row.format(day="2026-12-03", time="10:30", status="actual"))) == ["matched"]
    assert rows(Referral)[0].discharged_at == datetime(2026, 12, 3, 15, 30, tzinfo=UTC)
    assert results(send(house, row.format(day="2026-12-03", time="10:30", status="actual"))) == ["duplicate"]
    assert results(send(house, row.format(day="2026-12-09", time="", status="planned"))) == ["duplicate"]
    assert len(rows(Referral)) == 1


def test_somebody_with_an_open_referral_is_not_filed_twice(house: House) -> None:
    line = "{number},Robin,Imaginary,1990-05-31,2026-12-01,,,,212-555-0101\n"
    report = send(house, line.format(number="B-1") + line.format(number="B-2"))
    assert results(report) == ["filed", "duplicate"]
    assert len(rows(Referral)) == 1
    assert "Robin" not in report.rows[1].sentence  # the report names nobody


ROBIN = "B-1,Robin,Imaginary,1990-05-31,2026-12-01,,,,212-555-0101\n"


def referred_elsewhere(house: House, *identifiers: Identifier) -> Referral:
    """Robin, whom the hospital has referred."""
    person = PersonDetails("Robin", "Imaginary", birth_on=date(1990, 5, 31), identifiers=identifiers)
    with engine.transaction() as session:
        details = ReferralDetails(Setting.PSYCHIATRIC_INPATIENT)
        return referrals.file_referral(session, actor(house, "planner"), person, details)


@pytest.mark.parametrize("who", ["jailer", "manager"])
def test_of_another_facilitys_referral_a_report_says_nothing(house: House, who: str) -> None:
    """The same name and birth date elsewhere: a draft waits for somebody who can ask the person, whoever uploads."""
    theirs = referred_elsewhere(house)
    [row] = send(house, ROBIN, who, facility_id=house.facilities["jail"]).rows
    assert row.result == "duplicate"
    assert theirs.number not in row.sentence
    draft = rows(Referral, Referral.id == row.referral_id)[0]
    assert (draft.status, draft.facility_id) == (ReferralStatus.DRAFT, house.facilities["jail"])
    assert draft.person_id != theirs.person_id
    [again] = send(house, ROBIN, who, facility_id=house.facilities["jail"]).rows
    assert (again.result, again.referral_id) == ("duplicate", draft.id)
    assert theirs.number not in again.sentence


def test_a_booking_number_of_somebody_who_is_with_others_is_acknowledged(house: House) -> None:
    theirs = referred_elsewhere(house, Identifier(f"booking:{house.facilities['jail']}", "B-1"))
    for _ in range(2):
        [row] = send(house, ROBIN).rows
        assert (row.result, row.referral_id) == ("duplicate", None)
        assert "hears that you asked too" in row.sentence
        assert theirs.number not in row.sentence
    joined = rows(JournalEntry, JournalEntry.stream == theirs.id, JournalEntry.event == "referral.joined")
    assert len(joined) == 1
    assert len(rows(Referral)) == 1


def test_somebody_alike_at_another_facility_is_not_told_of(house: House) -> None:
    referred_elsewhere(house)
    [row] = send(house, ROBIN.replace("Robin", "Robyn")).rows
    assert row.result == "filed"
    assert "alike" not in row.sentence
    [ours] = send(house, ROBIN.replace("Robin", "Robynn").replace("B-1", "B-2")).rows
    assert "Somebody on record looks alike; compare them." in ours.sentence


def test_a_refused_row_holds_up_no_other(house: House) -> None:
    report = send(
        house,
        "B-1,Robin,Imaginary,1990-05-31,2026-12-01,,,,call me\n"
        "B-2,,Nameless,1990-05-31,2026-12-01,,,,\n"
        "B-3,Quinn,Madeup,1990-05-31,20226-12-01,,,,\n"
        "B-4,😀,Imaginary,1990-05-31,2026-12-01,,,,\n"
        f"B-5,{'x' * 300},Imaginary,1990-05-31,2026-12-01,,,,\n"
        "B-6,Quinn,Madeup,1985-05-31,2026-11-20,,,,\n"
        "B-7,Sam,Pretend,1985-05-31,2026-12-01,,,,212-555-0107\n",
    )
    assert results(report) == ["refused"] * 6 + ["filed"]
    assert [row.number for row in report.rows] == [2, 3, 4, 5, 6, 7, 8]
    columns = [row.sentence.partition(":")[0] for row in report.rows[:6]]
    assert columns == ["phone", "first_name", "release_date", "first_name", "first_name", "release_date"]
    assert len(rows(Person)) == 1


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "data",
    [
        SAMPLE.decode().encode("latin-1", "replace"),
        SAMPLE.decode().encode("cp1252", "replace"),
        b"PK\x03\x04" + bytes(200),  # a spreadsheet, not a CSV
        b"\x00\x01\x02",
        b"",
        b"first_name,last_name\nRobin,Imaginary\n",
        SAMPLE.replace(b"booking_number", b"ssn", 1),
        HEAD.encode() + b'B-1,"Robin,Imaginary\n',
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(house: House, data: bytes) -> None:
    report = send(house, data)
    assert report.problems
    assert report.rows == ()
    assert not rows(Referral)
    assert not rows(Inbound)


@pytest.mark.sqlite
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_excel_saves_in_several_ways(house: House, encoding: str) -> None:
    assert send(house, SAMPLE.decode().encode(encoding)).counts == {"filed": 6}
    assert "José" in {one.given_name for one in rows(Person)}


@pytest.mark.sqlite
def test_a_hundred_thousand_rows_end_soon(house: House) -> None:
    """Refused row by row, or as a whole where a page has a limit; nothing waits for them."""
    head = HEAD.replace("phone", "facility")
    body = "".join(f"B-{n},Robin,Imaginary,1990-05-31,2026-12-01,,,,Elsewhere\n" for n in range(100_000))
    data = (head + body).encode()
    began = time.process_time()
    report = send(house, data)
    assert report.counts == {"refused": 100_000}
    limited = send(house, data, most=1000)
    assert "100,000 rows" in limited.problems[0]
    assert limited.rows == ()
    assert time.process_time() - began < 60  # seconds of one core; a third of a millisecond a row is plenty
    assert not rows(Referral)


def test_the_report_is_kept_without_the_rows_themselves(house: House) -> None:
    report = send(house, SAMPLE)
    with engine.read_session() as session:
        kept = get_import(session, actor(house), report.id)
        assert kept.rows == report.rows
        assert [one.id for one in list_imports(session, actor(house))] == [report.id]
        with pytest.raises(NotFound):
            get_import(session, actor(house, "planner"), report.id)
        assert list_imports(session, actor(house, "planner")) == []
    stored = rows(Inbound)[0]
    assert stored.body == ""
    assert "Imaginary" not in str(stored.result)


@pytest.mark.sqlite
def test_who_may_import_where(house: House) -> None:
    with pytest.raises(NotAllowed):
        send(house, SAMPLE, who="bridger")
    with pytest.raises(NotFound):
        send(house, SAMPLE, who="planner", facility_id=house.facilities["jail"])
    with pytest.raises(NotFound):
        send(house, SAMPLE, who="manager")  # belongs to no facility: names one
    assert send(house, SAMPLE, who="manager", facility_id=house.facilities["jail"]).counts == {"filed": 6}


@pytest.mark.sqlite
def test_the_program_hears_of_each_as_if_it_were_filed_by_hand(house: House) -> None:
    report = send(house, SAMPLE)
    for row in report.rows:
        referral = rows(Referral, Referral.id == row.referral_id)[0]
        assert referral.status in (ReferralStatus.SUBMITTED, ReferralStatus.ACCEPTED)
        assert referral.next_at is not None
        assert "referral.submitted" in rows(JournalEntry.event, JournalEntry.stream == referral.id)
