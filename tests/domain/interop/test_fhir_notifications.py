"""Discharge, admission and transfer notices: the guide's own examples, and everything that could be wrong with one."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.interop.fhir_notifications import Notification, NotificationEvent, read_notification
from domain.interop.fhir_people import AddressFacts
from domain.interop.reading import (
    MessageIncomplete,
    MessageMalformed,
    MessageTooLarge,
    MessageUnsupported,
    NotificationRefused,
    ReferenceUnresolved,
)
from domain.vocabulary import Disposition, Gender, Setting

DATA = Path(__file__).parents[2] / "data"
EASTERN = "America/New_York"
PACIFIC = "America/Los_Angeles"

HEADER, ENCOUNTER, PATIENT, ORGANIZATION = 0, 1, 2, 5

Message = dict[str, Any]


def message(event: str = "discharge") -> Message:
    """A fresh copy of one of the guide's examples."""
    loaded: Message = json.loads((DATA / f"{event}-notification-message-bundle-01.json").read_text())
    return loaded


def resource(bundle: Message, index: int) -> Message:
    found: Message = bundle["entry"][index]["resource"]
    return found


def read(bundle: object) -> Notification:
    return read_notification(bundle, EASTERN)


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


# What is refused: one change each to an example that is taken, the kind of refusal, and where it points.


def change(index: int, **fields: object) -> Callable[[Message], None]:
    return lambda bundle: resource(bundle, index).update(fields)


def remove(index: int, key: str) -> Callable[[Message], None]:
    return lambda bundle: resource(bundle, index).pop(key)


def period(**fields: object) -> Callable[[Message], None]:
    return change(ENCOUNTER, period=fields)


E = "/entry/1/resource"
P = "/entry/2/resource"

REFUSED: list[tuple[str, Callable[[Message], object], type[NotificationRefused], str]] = [
    ("no bundle", lambda b: b.update(resourceType="Patient"), MessageMalformed, "/resourceType"),
    ("no type", lambda b: b.pop("resourceType"), MessageIncomplete, "/resourceType"),
    ("no message", lambda b: b.update(type="transaction"), MessageUnsupported, "/type"),
    ("no entries", lambda b: b.update(entry=[]), MessageIncomplete, "/entry"),
    ("entries are no list", lambda b: b.update(entry={}), MessageMalformed, "/entry"),
    ("an entry is no object", lambda b: b.update(entry=["x"]), MessageMalformed, "/entry/0"),
    ("an entry without resource", lambda b: b["entry"].insert(3, {}), MessageIncomplete, "/entry/3/resource"),
    ("header not first", lambda b: b["entry"].reverse(), MessageMalformed, "/entry/0/resource"),
    ("two of one url", lambda b: b["entry"].append(b["entry"][3]), MessageMalformed, "/entry/9/fullUrl"),
    ("implicit rules", lambda b: b.update(implicitRules="urn:x"), MessageUnsupported, "/implicitRules"),
    ("modified meaning", change(PATIENT, modifierExtension=[{}]), MessageUnsupported, f"{P}/modifierExtension"),
    ("no event", remove(HEADER, "eventCoding"), MessageIncomplete, "/entry/0/resource/eventCoding"),
    (
        "another event",
        lambda b: resource(b, HEADER)["eventCoding"].update(code="notification-birth"),
        MessageUnsupported,
        "/entry/0/resource/eventCoding/code",
    ),
    (
        "another list of events",
        lambda b: resource(b, HEADER)["eventCoding"].update(system="urn:x"),
        MessageUnsupported,
        "/entry/0/resource/eventCoding",
    ),
    ("no focus", remove(HEADER, "focus"), MessageIncomplete, "/entry/0/resource/focus"),
    (
        "two stays",
        lambda b: resource(b, HEADER)["focus"].append({"reference": "urn:uuid:x"}),
        ReferenceUnresolved,
        "/entry/0/resource/focus",
    ),
    (
        "focus not here",
        change(HEADER, focus=[{"reference": "Encounter/elsewhere"}]),
        ReferenceUnresolved,
        "/entry/0/resource/focus/0",
    ),
    (
        "focus is a person",
        change(HEADER, focus=[{"reference": "urn:uuid:06e1f0dd-5fbe-4480-9bb4-6b54ec02d31b"}]),
        ReferenceUnresolved,
        "/entry/0/resource/focus/0",
    ),
    ("no stay status", remove(ENCOUNTER, "status"), MessageIncomplete, f"{E}/status"),
    ("cancelled stay", change(ENCOUNTER, status="cancelled"), MessageUnsupported, f"{E}/status"),
    ("leave of absence (scenario 23)", change(ENCOUNTER, status="onleave"), MessageUnsupported, f"{E}/status"),
    ("nobody", remove(ENCOUNTER, "subject"), MessageIncomplete, f"{E}/subject"),
    ("person elsewhere", change(ENCOUNTER, subject={"display": "x"}), ReferenceUnresolved, f"{E}/subject"),
    ("discharge without time", period(start="2018-10-21T21:22:15-07:00"), MessageIncomplete, f"{E}/period/end"),
    ("year 20226", period(end="20226-01-01T00:00:00Z"), MessageMalformed, f"{E}/period/end"),
    ("year 0001", period(end="0001-01-01"), MessageMalformed, f"{E}/period/end"),
    ("30 February", period(end="2026-02-30T10:00:00Z"), MessageMalformed, f"{E}/period/end"),
    ("25 o'clock", period(end="2026-02-03T25:00:00Z"), MessageMalformed, f"{E}/period/end"),
    ("offset of 99 hours", period(end="2026-02-03T10:00:00+99:00"), MessageMalformed, f"{E}/period/end"),
    ("time is a number", period(end=20260203), MessageMalformed, f"{E}/period/end"),
    ("digits of another script", period(end="２０２６-02-03"), MessageMalformed, f"{E}/period/end"),
    ("ends first", period(start="2026-02-03T10:00:00Z", end="2026-02-02T10:00:00Z"), MessageMalformed, f"{E}/period"),
    (
        "no visit",
        lambda b: [remove(ENCOUNTER, k)(b) for k in ("id", "identifier")],
        MessageIncomplete,
        f"{E}/identifier",
    ),
    ("no name", remove(PATIENT, "name"), MessageIncomplete, f"{P}/name"),
    ("name is text only", change(PATIENT, name=[{"text": "Robin Imaginary"}]), MessageIncomplete, f"{P}/name"),
    ("long name", change(PATIENT, name=[{"family": "x" * 201}]), MessageTooLarge, f"{P}/name/0/family"),
    ("name of nothing", change(PATIENT, name=[{"family": "a\x00b"}]), MessageMalformed, f"{P}/name/0/family"),
    ("half a character", change(PATIENT, name=[{"family": "\ud83d"}]), MessageMalformed, f"{P}/name/0/family"),
    ("born in words", change(PATIENT, birthDate="yesterday"), MessageMalformed, f"{P}/birthDate"),
    ("born after", change(PATIENT, birthDate="2018-10-23"), MessageMalformed, f"{P}/birthDate"),
    ("record not in use", change(PATIENT, active=False), MessageUnsupported, f"{P}/active"),
    ("active in words", change(PATIENT, active="yes"), MessageMalformed, f"{P}/active"),
    ("replaced", change(PATIENT, link=[{"type": "replaced-by"}]), MessageUnsupported, f"{P}/link/0"),
    ("300 phones", change(PATIENT, telecom=[{}] * 300), MessageTooLarge, f"{P}/telecom"),
    ("key with a slash", lambda b: b.update({"a/b": "x" * 200_001}), MessageTooLarge, ""),
]


@pytest.mark.parametrize(("spoil", "kind", "pointer"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_is_wrong_is_refused_with_a_pointer(
    spoil: Callable[[Message], object], kind: type[NotificationRefused], pointer: str
) -> None:
    bundle = message()
    spoil(bundle)

    with pytest.raises(kind) as refused:
        read(bundle)

    assert type(refused.value) is kind
    assert refused.value.pointer == pointer
    assert refused.value.sentence.endswith(".")
    assert "Halvorson" not in refused.value.sentence
    assert "Elden" not in refused.value.sentence


def test_a_message_without_any_key_is_refused() -> None:
    bundle = message()
    del bundle["id"], resource(bundle, HEADER)["id"]

    with pytest.raises(MessageIncomplete, match="no identifier"):
        read(bundle)


def test_a_message_without_a_facility_is_refused() -> None:
    bundle = message()
    for index, key in ((ENCOUNTER, "serviceProvider"), (ENCOUNTER, "location"), (HEADER, "sender")):
        del resource(bundle, index)[key]

    with pytest.raises(MessageIncomplete, match="which facility"):
        read(bundle)


@pytest.mark.parametrize("hostile", [None, [], "text", 7, b"{}", {"a": b"x"}, {1: 2}, {"a": {1, 2}}])
def test_what_is_no_json_object_is_refused(hostile: object) -> None:
    with pytest.raises(NotificationRefused):
        read(hostile)


def _bottomless() -> Message:
    bundle = message()
    resource(bundle, PATIENT)["extension"] = [bundle]
    return bundle


def _deep() -> object:
    value: object = "bottom"
    for _ in range(100_000):
        value = [value]
    return {"entry": value}


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(lambda: {"entry": [None] * 1_000_000}, id="a list of a million"),
        pytest.param(lambda: {str(n): n for n in range(1_000_000)}, id="an object of a million"),
        pytest.param(lambda: message() | {"entry": [message()["entry"][0]] * 40_000}, id="40,000 entries"),
        pytest.param(_deep, id="100,000 deep"),
        pytest.param(_bottomless, id="contains itself"),
        pytest.param(lambda: {"x": "x" * 10_000_000}, id="ten million characters"),
    ],
)
def test_a_flood_is_refused_at_once(hostile: Callable[[], object]) -> None:
    flood = hostile()
    began = time.perf_counter()

    with pytest.raises(MessageTooLarge):
        read(flood)

    assert time.perf_counter() - began < 0.5


def test_references_in_a_ring_are_harmless() -> None:
    bundle = message()
    resource(bundle, ENCOUNTER)["partOf"] = {"reference": bundle["entry"][ENCOUNTER]["fullUrl"]}
    resource(bundle, ORGANIZATION)["partOf"] = {"reference": bundle["entry"][ORGANIZATION]["fullUrl"]}

    assert read(bundle) == read(message())


def test_two_answers_to_one_reference_are_refused() -> None:
    bundle = message()
    twin = copy.deepcopy(bundle["entry"][PATIENT]) | {"fullUrl": "urn:uuid:another"}
    bundle["entry"].append(twin)
    resource(bundle, ENCOUNTER)["subject"]["reference"] = "Patient/06e1f0dd-5fbe-4480-9bb4-6b54ec02d31b"

    with pytest.raises(ReferenceUnresolved, match="Two resources"):
        read(bundle)


def _places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in _places(item, (*path, key)))]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda x: st.lists(x) | st.dictionaries(st.text(), x),
)


@given(where=st.sampled_from(_places(message())[1:]), junk=JUNK)
def test_junk_anywhere_is_taken_or_refused_never_a_crash(where: tuple[object, ...], junk: object) -> None:
    bundle = message()
    holder: Any = bundle
    for key in where[:-1]:
        holder = holder[key]
    holder[where[-1]] = junk

    try:
        notice = read(bundle)
    except NotificationRefused:
        return

    assert notice.message_id
    assert notice.visit_id
    assert notice.facility.name
    assert notice.ended_at is not None
    assert notice.ended_at.utcoffset() == timedelta(0)
