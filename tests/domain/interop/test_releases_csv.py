"""A jail's release list: what is taken, what is refused and in which words, and how long it takes."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.interop.csv_text import MAX_BYTES, MAX_ROWS
from domain.interop.release_sample import WRITTEN_ON, sample_around
from domain.interop.releases_csv import COLUMNS, REQUIRED, ReleaseList, ReleaseRow, RowRefused, parse_releases
from domain.vocabulary import Disposition, ReleaseKind, RiskFlag

ROOT = Path(__file__).parents[3]
ZONE = "America/New_York"
HEADER = ",".join(COLUMNS)
NEEDED = ",".join(REQUIRED)
SIMPLE = "A-1,Robin,Imaginary,1990-05-31,2026-12-01"


def parse(text: str) -> ReleaseList:
    return parse_releases(text.encode(), ZONE)


def row(**cells: str) -> ReleaseRow | RowRefused:
    """The one row of a file that has every needed cell, and these."""
    values = dict(zip(REQUIRED, SIMPLE.split(","), strict=True)) | cells
    quoted = ",".join('"' + value.replace('"', '""') + '"' for value in values.values())
    found = parse(f"{','.join(values)}\n{quoted}\n")
    assert found.problems == ()
    assert len(found.rows) == 1
    return found.rows[0]


def taken(**cells: str) -> ReleaseRow:
    found = row(**cells)
    assert isinstance(found, ReleaseRow), found
    return found


def refused(**cells: str) -> RowRefused:
    found = row(**cells)
    assert isinstance(found, RowRefused), found
    return found


def test_the_sample_is_taken_whole() -> None:
    found = parse_releases((ROOT / "tests/data/releases-sample.csv").read_bytes(), ZONE)

    assert found.problems == ()
    assert [type(r) for r in found.rows] == [ReleaseRow] * 6
    third = found.rows[2]
    assert third == ReleaseRow(
        number=4,
        booking_number="SAMPLE-0003",
        first_name="Quinn",
        last_name="Madeup",
        preferred_name="",
        birth_on=date(1999, 7, 4),
        release_on=date(2026, 11, 24),
        release_at=datetime(2026, 11, 24, 5, 40, tzinfo=UTC),
        is_actual=True,
        kind=ReleaseKind.COURT,
        phone="",
        language="en",
        where_to_find='Meal site, "The Table", at noon',
        risk_flags=frozenset({RiskFlag.OVERDOSE, RiskFlag.NO_SAFE_PLACE}),
        facility="Example County Jail",
    )


@pytest.mark.parametrize("today", [date(2026, 11, 25), date(2027, 3, 14), date(2028, 2, 29), date(2031, 1, 1)])
def test_the_sample_is_moved_to_any_day_and_says_the_same(today: date) -> None:
    shipped = (ROOT / "records/seed/releases-sample.csv").read_bytes()
    moved = sample_around(shipped, today, "Other, Example Jail")
    before, after = parse_releases(shipped, ZONE).rows, parse_releases(moved, ZONE).rows
    for was, now in zip(before, after, strict=True):
        assert isinstance(was, ReleaseRow)
        assert isinstance(now, ReleaseRow)
        assert now.release_on - today == was.release_on - WRITTEN_ON
        assert now.facility == "Other, Example Jail"
        moved_back = replace(now, release_on=was.release_on, release_at=was.release_at, facility=was.facility)
        assert moved_back == was
    assert sample_around(shipped, WRITTEN_ON, "Example County Jail") == shipped


def test_the_seed_ships_the_sample() -> None:
    assert (ROOT / "records/seed/releases-sample.csv").read_bytes() == (
        ROOT / "tests/data/releases-sample.csv"
    ).read_bytes()


def test_the_documentation_names_every_column_and_word() -> None:
    page = (ROOT / "docs/release-list.md").read_text()
    for word in (*COLUMNS, *ReleaseKind, *RiskFlag):
        assert f"`{word}`" in page, f"docs/release-list.md does not explain {word}"


def test_the_needed_columns_are_enough() -> None:
    found = taken()

    assert (found.kind, found.is_actual, found.release_at) == (ReleaseKind.PLANNED, False, None)
    assert found.number == 2


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda t: t.encode(), id="UTF-8"),
        pytest.param(lambda t: t.encode("utf-8-sig"), id="UTF-8 with a mark"),
        pytest.param(lambda t: t.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda t: b"\xfe\xff" + t.encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param(lambda t: t.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(lambda t: t.replace("\n", "\r").encode(), id="CR"),
        pytest.param(lambda t: t.replace(",", ";").encode(), id="semicolons"),
        pytest.param(lambda t: t.replace(",", "\t").encode("utf-16"), id="Excel's Unicode text"),
        pytest.param(lambda t: t.replace("\n", ",,,\n").encode(), id="empty columns at the end"),
        pytest.param(lambda t: ("\n\n" + t + "\n\n").encode(), id="empty lines around"),
        pytest.param(lambda t: t.replace("first_name", " First Name ").encode(), id="a column as people write it"),
    ],
)
def test_the_same_list_saved_in_many_ways(encode: Callable[[str], bytes]) -> None:
    found = parse_releases(encode(f"{NEEDED}\nA-1,José,Inventado,1990-05-31,2026-12-01\n"), ZONE)

    assert found.problems == ()
    only = found.rows[0]
    assert isinstance(only, ReleaseRow)
    assert (only.first_name, only.last_name) == ("José", "Inventado")


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "empty", "The file is empty."),
        (b"\r\n \r\n", "empty", "The file is empty."),
        (b"\xef\xbb\xbf", "empty", "The file is empty."),
        (NEEDED.encode(), "empty", "no rows"),
        (f"{NEEDED}\nA-1,José,X,1990-05-31,2026-12-01".encode("latin-1"), "encoding", "CSV UTF-8"),
        (f"{NEEDED}\n{SIMPLE}".encode("utf-16-le"), "encoding", "CSV UTF-8"),
        (f"{NEEDED}\n{SIMPLE}".encode("utf-32"), "encoding", "CSV UTF-8"),
        (b"\xff\xfea", "encoding", "CSV UTF-8"),
        (b"PK\x03\x04 workbook", "not_csv", "Excel workbook"),
        (b"%PDF-1.7", "not_csv", "PDF"),
        (f'{NEEDED}\n{SIMPLE}\n"A-2,Robin'.encode(), "quoting", "Row 3 "),
        (f'{NEEDED}\n"A-1"x,Robin'.encode(), "quoting", "Row 2 "),
        (f'{NEEDED}\n"{"x" * 200_000}'.encode(), "quoting", "Row 2 "),
        (f"{NEEDED},phone,Phone\n{SIMPLE}".encode(), "duplicate_column", "'phone' is there 2 times"),
        (f"{NEEDED},ssn\n{SIMPLE}".encode(), "unknown_column", "no column 'ssn'. The columns are: booking_number,"),
        (f"{NEEDED},risk_flag\n{SIMPLE}".encode(), "unknown_column", "no column 'risk_flag'. Is it 'risk_flags'?"),
        (f"{NEEDED},,phone\n{SIMPLE}".encode(), "unknown_column", "A column has no name"),
        (b"booking_number,first_name,last_name,birth_date\nA,B,C,D", "missing_column", "'release_date' is missing"),
    ],
)
def test_a_file_that_cannot_be_trusted_gives_no_rows(data: bytes, code: str, says: str) -> None:
    found = parse_releases(data, ZONE)

    assert found.rows == ()
    assert found.problems[0].code == code
    assert says in found.problems[0].sentence


def test_every_problem_of_a_header_is_told_at_once() -> None:
    found = parse("first_name,dob,first_name\nx,y,z")

    assert [(p.code, p.column) for p in found.problems] == [
        ("unknown_column", "dob"),
        ("duplicate_column", "first_name"),
        ("missing_column", "booking_number"),
        ("missing_column", "last_name"),
        ("missing_column", "birth_date"),
        ("missing_column", "release_date"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("booking_number", "", "needed"),
        ("first_name", " ", "needed"),
        ("first_name", "x" * 300, "longer than 100"),
        ("first_name", "\U0001f600", "at least one letter"),
        ("last_name", "A\x07B", "cannot be read"),
        ("birth_date", "31.05.1990", "2026-11-23"),
        ("birth_date", "05/31/90", "four digits"),
        ("birth_date", "2026-12-01", "not before"),
        ("birth_date", "20226-01-01", "2026-11-23"),
        ("release_date", "2026-02-30", "2026-11-23"),
        ("release_date", "20226-12-01", "2026-11-23"),
        ("release_date", "1/1/0026", "2026-11-23"),
        ("release_date", "٢٠٢٦-12-01", "2026-11-23"),
        ("release_time", "25:00", "17:30"),
        ("release_time", "13:00 PM", "17:30"),
        ("release_time", "noon", "17:30"),
        ("release_status", "maybe", "planned, actual"),
        ("release_kind", "escaped", "planned, sentence_served, court, bail, transfer"),
        ("phone", "FIVE-FIVE-FIVE", "area code"),
        ("phone", "010-1234", "area code"),
        ("language", "Klingon?", "Spanish"),
        ("risk_flags", "overdose; tall", "suicide_risk, overdose"),
        ("where_to_find", "x" * 501, "longer than 500"),
    ],
)
def test_a_bad_cell_refuses_its_row_and_says_what_to_write(column: str, value: str, says: str) -> None:
    found = refused(**{column: value})

    assert found.number == 2
    assert [fault.column for fault in found.faults] == [column], "one fault, told once"
    assert says in found.faults[0].sentence
    assert found.sentence.startswith(f"{column}: ")


def test_all_faults_of_a_row_are_told_and_no_other_row_waits() -> None:
    found = parse(f"{NEEDED},phone\n{SIMPLE},abc\n\n,Robin,Imaginary,1990-05-31,soon,abc\n{SIMPLE},555-010-1234\n")

    first, second, third = found.rows
    assert isinstance(first, RowRefused)
    assert isinstance(second, RowRefused)
    assert second.number == 4, "rows are counted as the spreadsheet does"
    assert [fault.column for fault in second.faults] == ["release_date", "booking_number", "phone"]
    assert isinstance(third, ReleaseRow)


def test_a_row_of_too_many_cells_is_refused_for_its_columns_may_have_slipped() -> None:
    found = parse(f"{NEEDED}\nA-1,Robin,Imaginary, Jr,1990-05-31,2026-12-01\n").rows[0]

    assert isinstance(found, RowRefused)
    assert found.sentence == "The row has 6 cells, the header 5. Put cells with commas into quotation marks."


def test_a_row_of_too_few_cells_lacks_what_is_not_there() -> None:
    found = parse(f"{NEEDED}\nA-1,Robin\n").rows[0]

    assert isinstance(found, RowRefused)
    assert [fault.column for fault in found.faults] == ["last_name", "birth_date", "release_date"]


@pytest.mark.parametrize(
    "formula", ["=1+1", '=HYPERLINK("http://x.example";"y")', "@SUM(A1)", "+A1", "-A1", '="00123"']
)
def test_what_looks_like_a_formula_stays_text(formula: str) -> None:
    assert taken(booking_number=formula).booking_number == formula


def test_a_cell_may_hold_commas_quotes_and_line_breaks() -> None:
    assert taken(where_to_find='Corner of "A", and B\nafter noon').where_to_find == 'Corner of "A", and B after noon'


@pytest.mark.parametrize(
    ("written", "hour", "minute"), [("00:40", 0, 40), ("12:40 AM", 0, 40), ("12:05pm", 12, 5), ("5:30 p.m.", 17, 30)]
)
def test_times_of_day(written: str, hour: int, minute: int) -> None:
    assert taken(release_time=written).release_at == datetime(2026, 12, 1, hour + 5, minute, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_is_taken_and_noted() -> None:
    found = taken(release_date="2026-03-08", release_time="02:30")

    assert found.release_at == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert found.notes == ("The clocks moved forward past 02:30 that night: 03:30 was taken.",)


def test_an_hour_that_happens_twice_is_the_first() -> None:
    found = taken(release_date="2026-11-01", release_time="01:30")

    assert found.release_at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert found.notes == ()


def test_every_kind_of_release_is_a_disposition() -> None:
    assert {kind: kind.disposition for kind in ReleaseKind} == {
        ReleaseKind.PLANNED: Disposition.PLANNED_RELEASE,
        ReleaseKind.SENTENCE_SERVED: Disposition.PLANNED_RELEASE,
        ReleaseKind.COURT: Disposition.COURT_RELEASE,
        ReleaseKind.BAIL: Disposition.COURT_RELEASE,
        ReleaseKind.TRANSFER: Disposition.TRANSFERRED,
    }


def test_words_are_taken_as_people_write_them() -> None:
    found = taken(release_kind="Sentence Served", language="SPANISH", risk_flags="Suicide risk;; overdose;")

    assert found.kind is ReleaseKind.SENTENCE_SERVED
    assert found.language == "es"
    assert found.risk_flags == {RiskFlag.SUICIDE_RISK, RiskFlag.OVERDOSE}


def test_accents_are_composed_so_that_the_same_name_is_the_same_text() -> None:
    assert taken(first_name="Jose\u0301").first_name == "José"


def test_a_hundred_thousand_rows_are_read_within_seconds_and_bounded_memory() -> None:
    lines = (
        f"B-{n},Robin,Imaginary,1990-05-31,2026-12-{n % 28 + 1:02},17:30,court,555-010-1234,Spanish,Day shelter {n}"
        for n in range(100_000)
    )
    data = "\n".join((f"{NEEDED},release_time,release_kind,phone,language,where_to_find", *lines)).encode()
    began = time.thread_time()
    found = parse_releases(data, ZONE)
    took = time.thread_time() - began

    assert len(found.rows) == 100_000
    assert all(isinstance(r, ReleaseRow) for r in found.rows)
    assert took < 20, f"{took:.1f} s"

    part = b"\n".join(data.split(b"\n")[:2_001])
    tracemalloc.start()
    parse_releases(part, ZONE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / 2_000 < 2_500, f"{peak / 2_000:.0f} bytes a row"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"x" * (MAX_BYTES + 1), "too_large", id="bytes"),
        pytest.param(NEEDED.encode() + b"\n" * (MAX_ROWS + 5), "too_many_rows", id="rows"),
    ],
)
def test_what_is_too_much_is_refused(data: bytes, code: str) -> None:
    assert parse_releases(data, ZONE).problems[0].code == code


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"{HEADER}\n{t}".encode("utf-8", "replace")))
def test_whatever_is_sent_is_answered(data: bytes) -> None:
    found = parse_releases(data, ZONE)

    assert bool(found.rows) != bool(found.problems)
