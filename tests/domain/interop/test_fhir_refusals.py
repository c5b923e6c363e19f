"""Notices that are refused: one change each to an example that is taken, the kind of refusal, and where it points."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.interop.reading import (
    MessageIncomplete,
    MessageMalformed,
    MessageTooLarge,
    MessageUnsupported,
    NotificationRefused,
    ReferenceUnresolved,
)
from tests.domain.interop.notices import (
    ENCOUNTER,
    HEADER,
    ORGANIZATION,
    PATIENT,
    Message,
    message,
    read,
    resource,
)


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
    began = time.thread_time()

    with pytest.raises(MessageTooLarge):
        read(flood)

    assert time.thread_time() - began < 0.5


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
