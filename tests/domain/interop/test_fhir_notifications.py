"""Discharge, admission and transfer notices: the guide's own examples, and everything that could be wrong with one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from domain.interop.fhir_notifications import NotificationEvent
from domain.interop.fhir_people import AddressFacts
from domain.vocabulary import Disposition, Gender, Setting
from tests.domain.interop.notices import (
    ENCOUNTER,
    HEADER,
    PACIFIC,
    PATIENT,
    message,
    read,
    resource,
)


@pytest.mark.parametrize("event", ["admit", "transfer", "discharge"])
def test_the_examples_are_valid_fhir(event: str) -> None:
    from fhir.resources.R4B.bundle import Bundle

    assert Bundle.model_validate(message(event)).type == "message"


def test_the_discharge_example_says_who_left_where_and_when() -> None:
    notice = read(message())

    assert notice.event is NotificationEvent.DISCHARGE
    assert notice.message_id == "df0bb058-e0bb-11ea-a11a-864d2e68a322"
    assert notice.visit_id == "http://example.org|Elden718Halvorson12420181021T2122150700"
    assert notice.started_at == datetime(2018, 10, 22, 4, 22, 15, tzinfo=UTC)
    assert notice.ended_at == datetime(2018, 10, 24, 5, 22, 15, tzinfo=UTC)
    assert not notice.is_offset_missing
    assert notice.sent_at == datetime(2020, 8, 17, 19, 0, 15, tzinfo=UTC)
    assert (notice.disposition, notice.disposition_code) == (Disposition.HOME, "1")
    assert notice.setting_hint is Setting.GENERAL_HOSPITAL
    assert notice.facility.name == "HOLY FAMILY HOSPITAL"
    assert "http://hl7.org/fhir/sid/us-npi|9941339100" in {i.key for i in notice.facility.identifiers}


def test_the_person_is_who_the_message_says() -> None:
    person = read(message()).person

    assert (person.given, person.family) == ("Elden718", "Halvorson124")
    assert person.birth_on == date(2000, 10, 15)
    assert person.gender is Gender.MAN
    assert person.phones == ("555-903-1143",)
    assert person.address == AddressFacts(("715 Crona Corner",), "Methuen", "MA", "01844")
    assert str(person.address) == "715 Crona Corner, Methuen, MA 01844"
    assert person.language == "en"
    assert not person.is_deceased


def test_numbers_that_we_have_no_business_holding_are_left_behind() -> None:
    taken = repr(read(message()))

    assert "999-87-1037" not in taken, "a social security number"
    assert "S99952689" not in taken, "a driver's license"
    assert "Examplitis" not in taken, "a diagnosis"
    assert [i.type for i in read(message()).person.identifiers] == ["", "MR"]


def test_an_admission_has_a_beginning_and_no_end() -> None:
    notice = read(message("admit"))

    assert notice.event is NotificationEvent.ADMIT
    assert notice.setting_hint is Setting.EMERGENCY_DEPARTMENT
    assert notice.started_at == datetime(2018, 10, 22, 4, 22, 15, tzinfo=UTC)
    assert notice.ended_at is None, "the example carries an end, which can only be a plan"


def test_a_transfer_belongs_to_the_same_stay() -> None:
    assert read(message("transfer")).event is NotificationEvent.TRANSFER
    assert len({read(message(event)).visit_id for event in ("admit", "transfer", "discharge")}) == 1
    assert len({read(message(event)).message_id for event in ("admit", "transfer", "discharge")}) == 3


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("01", Disposition.HOME),
        ("1", Disposition.HOME),
        ("06", Disposition.HOME),
        ("07", Disposition.AGAINST_ADVICE),
        ("20", Disposition.DIED),
        ("42", Disposition.DIED),
        ("21", Disposition.CUSTODY),
        ("65", Disposition.TRANSFERRED),
        ("2", Disposition.TRANSFERRED),
        ("03", Disposition.SKILLED_NURSING),
        ("51", Disposition.HOSPICE),
        ("30", Disposition.STILL_PATIENT),
        ("aadvice", Disposition.AGAINST_ADVICE),
        ("exp", Disposition.DIED),
        ("98", None),
        ("²", None),
    ],
)
def test_disposition_codes(code: str, means: Disposition | None) -> None:
    bundle = message()
    resource(bundle, ENCOUNTER)["hospitalization"]["dischargeDisposition"]["coding"] = [{"code": code}]

    notice = read(bundle)

    assert notice.disposition is means
    assert notice.disposition_code == code, "the code as it was sent is kept"


def test_a_missing_offset_is_flagged_and_read_in_the_zone_of_the_facility() -> None:
    """Scenario 21."""
    bundle = message()
    resource(bundle, ENCOUNTER)["period"] = {"start": "2026-11-20T08:00:00-05:00", "end": "2026-11-23T17:05:00"}

    notice = read(bundle)

    assert notice.is_offset_missing
    assert notice.ended_at == datetime(2026, 11, 23, 22, 5, tzinfo=UTC)
    moved = notice.in_zone(PACIFIC)
    assert moved.ended_at == datetime(2026, 11, 24, 1, 5, tzinfo=UTC)
    assert moved.started_at == notice.started_at, "what came with its offset does not move"


def test_without_a_time_of_day_the_clock_starts_no_later_than_the_truth() -> None:
    bundle = message()
    resource(bundle, ENCOUNTER)["period"] = {"end": "2026-11-23"}

    ended = read(bundle).ended

    assert ended is not None
    assert ended.is_time_missing
    assert ended.is_offset_missing
    assert ended.at == datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def test_an_hour_that_happens_twice_is_read_as_the_earlier() -> None:
    bundle = message()
    resource(bundle, ENCOUNTER)["period"] = {"end": "2026-11-01T01:30:00"}

    assert read(bundle).ended_at == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "reference",
    [
        "urn:uuid:06e1f0dd-5fbe-4480-9bb4-6b54ec02d31b",
        "Patient/06e1f0dd-5fbe-4480-9bb4-6b54ec02d31b",
        "Patient/06e1f0dd-5fbe-4480-9bb4-6b54ec02d31b/_history/3",
    ],
)
def test_references_are_followed_as_fhir_writes_them(reference: str) -> None:
    bundle = message()
    resource(bundle, ENCOUNTER)["subject"]["reference"] = reference

    assert read(bundle).person.family == "Halvorson124"


def test_a_full_url_and_a_contained_resource_are_found_too() -> None:
    bundle = message()
    bundle["entry"][PATIENT]["fullUrl"] = "https://hospital.example/fhir/Patient/7"
    resource(bundle, ENCOUNTER)["subject"]["reference"] = "Patient/7"
    assert read(bundle).person.family == "Halvorson124"

    patient = bundle["entry"].pop(PATIENT)["resource"]
    resource(bundle, ENCOUNTER)["contained"] = [patient | {"id": "p1"}]
    resource(bundle, ENCOUNTER)["subject"]["reference"] = "#p1"
    assert read(bundle).person.family == "Halvorson124"


def test_the_identifier_of_the_bundle_is_its_key_when_it_has_one() -> None:
    bundle = message() | {"identifier": {"system": "urn:hospital", "value": "MSG-1"}}
    assert read(bundle).message_id == "urn:hospital|MSG-1"

    del resource(bundle, HEADER)["id"], bundle["identifier"]
    assert read(bundle).message_id == "discharge-notification-message-bundle-01"


def test_the_name_in_use_is_taken() -> None:
    bundle = message()
    resource(bundle, PATIENT)["name"] = [
        {"use": "old", "family": "Before"},
        {"use": "nickname", "given": ["Birdie"]},
        {"use": "official", "family": "Imaginary", "given": ["Robin", None, "Q"]},
    ]

    assert (read(bundle).person.given, read(bundle).person.family) == ("Robin Q", "Imaginary")


def test_one_name_is_enough() -> None:
    bundle = message()
    resource(bundle, PATIENT)["name"] = [{"family": "Mononym"}]

    assert (read(bundle).person.given, read(bundle).person.family) == ("", "Mononym")


def test_the_preferred_language_is_taken() -> None:
    bundle = message()
    resource(bundle, PATIENT)["communication"].append({"language": {"coding": [{"code": "es-MX"}]}, "preferred": True})

    assert read(bundle).person.language == "es"


def test_a_death_is_told() -> None:
    bundle = message()
    resource(bundle, PATIENT)["deceasedDateTime"] = "2018-10-23T22:00:00-07:00"

    assert read(bundle).person.is_deceased
    assert read(bundle).person.deceased_at == datetime(2018, 10, 24, 5, 0, tzinfo=UTC)


def test_a_facility_known_by_name_only_is_taken() -> None:
    bundle = message()
    resource(bundle, ENCOUNTER)["serviceProvider"] = {"display": "Made-up General"}

    assert read(bundle).facility.name == "Made-up General"
