"""The form of a referral: what was typed, as the details that the commands take, and back again for the page.

What was typed is kept as it was typed (`Fields`), right or wrong; `read` says what of it is wrong.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.forms import Form
from domain.clock import end_of, local
from domain.errors import Invalid, InvalidFields
from domain.languages import LANGUAGES
from domain.vocabulary import (
    ConsentStatus,
    DateCertainty,
    Disposition,
    Gender,
    Need,
    PhoneKind,
    PlaceKind,
    RiskFlag,
    SafetyFlag,
    Setting,
    Strength,
    Word,
)
from records.commands.people import MAX_ITEMS, Identifier, PersonDetails, Phone, Place
from records.commands.referrals import ReferralDetails, check_filing
from records.tables import Facility, Person, PersonIdentifier, Referral

Fields = dict[str, list[str]]
"""What was typed: a field's name and every value sent under it."""

LISTS = ("risks", "needs", "safety_flags")
ROWS = {
    "phones": ("number", "kind", "may_voicemail", "may_text", "note"),
    "places": ("kind", "text", "when"),
}
_SINGLE = """facility_id leaving expected_on expected_time certainty discharged_at_on discharged_at_time disposition
given_name family_name preferred_name birth_on_month birth_on_day birth_on_year pronouns gender language
language_strength needs_interpreter bridger_gender bridger_gender_strength area safety_note mrn visit_number medicaid
setting unit legal_status consent consent_until first_appointment_at first_appointment_where note
phones_shown places_shown""".split()  # noqa: SIM905 (a list of fifty names reads better so)
_ROW = re.compile(r"(phones|places)\.([0-9]{1,2})\.([a-z_]+)")
_CHOSEN_BY_DEFAULT = frozenset({"kind", "may_voicemail", "may_text"})
"""Parts of a row that do not make one by themselves."""


class Leaving(Word):
    """What the planner knows of when the person leaves."""

    EXPECTED = "expected", "A day is expected"
    LEFT = "left", "They have left already"
    UNKNOWN = "unknown", "Not known yet"


@dataclass(frozen=True)
class Typed:
    """A form without mistakes."""

    person: PersonDetails
    details: ReferralDetails


def taken(form: Form) -> Fields:
    """The fields of ours that came with a form; rows that were left empty are closed up."""
    for name in LISTS:
        form.many(name)
    sent: Fields = {}
    for name, value in form.as_typed().items():
        row = _ROW.fullmatch(name)
        if name in _SINGLE or name in LISTS or (row and row[3] in ROWS[row[1]]):
            form.also_asked(name)
            sent[name] = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return closed_up(sent)


def closed_up(fields: Mapping[str, list[str]]) -> Fields:
    """The same with its rows numbered from 0 on, without the empty ones."""
    kept = {name: list(values) for name, values in fields.items() if not _ROW.fullmatch(name)}
    for group in ROWS:
        for index, row in enumerate(_filled(fields, group)):
            kept |= {f"{group}.{index}.{part}": [value] for part, value in row.items()}
    return kept


def _filled(fields: Mapping[str, list[str]], group: str) -> Iterator[dict[str, str]]:
    for index in range(100):
        row = {part: fields[f"{group}.{index}.{part}"][-1] for part in ROWS[group]
               if fields.get(f"{group}.{index}.{part}")}  # fmt: skip
        if any(value.strip() for part, value in row.items() if part not in _CHOSEN_BY_DEFAULT):
            yield row


def with_another(fields: Fields, group: str) -> Fields:
    """The same with room for one more phone or place."""
    return fields | {f"{group}_shown": [str(min(len(_rows(fields, group)) + 1, MAX_ITEMS))]}


def without(fields: Fields, group: str, index: str) -> Fields:
    """The same without one phone or place."""
    left = {name: values for name, values in fields.items() if not name.startswith(f"{group}.{index}.")}
    return closed_up({name: values for name, values in left.items() if name != f"{group}_shown"})


def shown(fields: Fields) -> dict[str, Any]:
    """The fields as the template shows them: `values` by name, rows as lists."""
    values: dict[str, Any] = {name: typed[-1] if typed else "" for name, typed in fields.items()}
    values |= {name: fields.get(name, []) for name in LISTS}
    values["birth_on"] = {part: values.get(f"birth_on_{part}", "") for part in ("month", "day", "year")}
    return values | {group: _rows(fields, group) for group in ROWS}


def _rows(fields: Fields, group: str) -> list[dict[str, str]]:
    """The phones or places that were typed, and as many empty ones as were asked for; one at least."""
    wanted = (fields.get(f"{group}_shown") or ["1"])[-1]
    rows = list(_filled(fields, group))
    while len(rows) < (min(int(wanted), MAX_ITEMS) if wanted.isascii() and wanted.isdigit() else 1):
        rows.append({})
    return rows[:MAX_ITEMS] or [{}]


def blank(facility: Facility | None, zone: str, now: dt.datetime) -> Fields:
    """A new form with what the facility lets us assume."""
    today = local(now, zone)
    assumed = {
        "leaving": Leaving.EXPECTED.value,
        "certainty": DateCertainty.LIKELY.value,
        "discharged_at_on": today.date().isoformat(),
        "language": "en",
        "phones.0.kind": PhoneKind.OWN.value,
    }
    if facility is not None:
        assumed["setting"] = facility.setting.value
    return {name: [value] for name, value in assumed.items()}


def read(fields: Fields, facility: Facility, zone: str) -> Typed:
    """What was typed, as details to file. Raises Invalid or InvalidFields with everything that is wrong, by field."""
    form = Form(fields)
    form.also_asked(*fields)
    named = {
        "visit_id": "visit_number",
        "identifiers": "visit_number" if facility.setting.is_custody else "mrn",
        "consent_expires_at": "consent_until",
    }
    typed = Typed(_person(form, facility), _details(form, zone))
    try:
        check_filing(typed.person, typed.details, facility.zone)
    except Invalid as refusal:
        for problem in refusal.problems if isinstance(refusal, InvalidFields) else (refusal,):
            field = problem.field or ""
            form.problem(named.get(field, field), problem.code, problem.sentence)
    form.check()
    return typed


def _person(form: Form, facility: Facility) -> PersonDetails:
    numbers = (
        (f"mrn:{facility.id}", "mrn", "medical record number"),
        (f"booking:{facility.id}", "visit_number" if facility.setting.is_custody else "", "booking number"),
        ("medicaid", "medicaid", "Medicaid number"),
    )
    return PersonDetails(
        given_name=form.text("given_name", limit=100),
        family_name=form.text("family_name", limit=100),
        preferred_name=form.text("preferred_name", limit=100),
        birth_on=form.date_or_none("birth_on"),
        pronouns=form.text("pronouns", limit=40),
        gender=form.word_or_none("gender", Gender) or Gender.UNSTATED,
        language=_language(form),
        language_strength=form.word_or_none("language_strength", Strength),
        needs_interpreter=form.yes("needs_interpreter"),
        bridger_gender=form.word_or_none("bridger_gender", Gender),
        bridger_gender_strength=form.word_or_none("bridger_gender_strength", Strength),
        area=form.text("area", limit=20),
        phones=[
            Phone(
                row.text("number", limit=40),
                row.word_or_none("kind", PhoneKind) or PhoneKind.OWN,
                row.yes("may_voicemail"),
                row.yes("may_text"),
                row.text("note"),
            )
            for row in form.rows("phones")
        ],
        places=[
            Place(row.word_or_none("kind", PlaceKind) or PlaceKind.OTHER, row.text("text"), row.text("when"))
            for row in form.rows("places")
        ],
        safety_flags=form.words("safety_flags", SafetyFlag),
        safety_note=form.text("safety_note", limit=4000),
        identifiers=[
            Identifier(system, value, kind)
            for system, name, kind in numbers
            if name and (value := form.text(name, limit=80))
        ],
    )


def _language(form: Form) -> str:
    code = form.text("language", limit=20)
    if code and code not in LANGUAGES:
        form.problem("language", "not_a_choice", "Choose one of these.")
    return code or "en"


def _details(form: Form, zone: str) -> ReferralDetails:
    leaving = form.word("leaving", Leaving)
    expected = _expected(form, leaving)
    left_at = form.instant("discharged_at", zone) if leaving is Leaving.LEFT else None
    consent_until = form.date_or_none("consent_until")
    consent = form.word_or_none("consent", ConsentStatus)
    if consent is None:
        form.problem("consent", "required", "Say whether the person agreed. “Not asked yet” is an answer.")
    return ReferralDetails(
        setting=form.word("setting", Setting),
        expected_on=expected[0],
        expected_time=expected[1],
        certainty=expected[2],
        discharged_at=left_at,
        disposition=form.word("disposition", Disposition) if left_at is not None else None,
        unit=form.text("unit"),
        legal_status=form.text("legal_status"),
        risks=form.words("risks", RiskFlag),
        consent=consent or ConsentStatus.PENDING,
        consent_expires_at=end_of(consent_until, zone) if consent_until and consent is ConsentStatus.GIVEN else None,
        needs=form.words("needs", Need),
        note=form.area("note"),
        visit_id=form.text("visit_number", limit=80),
        first_appointment_at=form.instant_or_none("first_appointment_at", zone),
        first_appointment_where=form.text("first_appointment_where"),
    )


def _expected(form: Form, leaving: Leaving) -> tuple[dt.date | None, dt.time | None, DateCertainty]:
    if leaving is not Leaving.EXPECTED:
        return None, None, DateCertainty.UNKNOWN
    on, at = form.date_or_none("expected_on"), form.time_or_none("expected_time")
    certainty = form.word_or_none("certainty", DateCertainty) or DateCertainty.LIKELY
    return on, at, DateCertainty.LIKELY if certainty is DateCertainty.UNKNOWN else certainty


def fields_of(referral: Referral, person: Person, numbers: list[PersonIdentifier], zone: str) -> Fields:
    """A referral in status draft as if it had been typed: it came from a message, and a planner completes it."""
    left = local(referral.discharged_at, zone) if referral.discharged_at else None
    when = local(referral.first_appointment_at, zone) if referral.first_appointment_at else None
    known = Leaving.LEFT if left else Leaving.EXPECTED if referral.expected_on else Leaving.UNKNOWN
    by_system = {number.system.partition(":")[0]: number.value for number in numbers}
    single: dict[str, object] = {
        "leaving": known.value,
        "expected_on": referral.expected_on,
        "expected_time": referral.expected_time.strftime("%H:%M") if referral.expected_time else "",
        "certainty": (referral.date_certainty if referral.expected_on else DateCertainty.LIKELY).value,
        "discharged_at_on": left.date() if left else "",
        "discharged_at_time": left.strftime("%H:%M") if left else "",
        "disposition": referral.disposition.value if referral.disposition else "",
        "given_name": person.given_name,
        "family_name": person.family_name,
        "preferred_name": person.preferred_name,
        "birth_on_month": person.birth_on.month if person.birth_on else "",
        "birth_on_day": person.birth_on.day if person.birth_on else "",
        "birth_on_year": person.birth_on.year if person.birth_on else "",
        "pronouns": person.pronouns,
        "gender": person.gender.value,
        "language": person.language if person.language in LANGUAGES else "en",
        "needs_interpreter": "yes" if person.needs_interpreter else "",
        "area": person.area,
        "safety_note": person.safety_note,
        "mrn": by_system.get("mrn", ""),
        "medicaid": by_system.get("medicaid", ""),
        "visit_number": referral.visit_id.rpartition("|")[2],
        "setting": referral.setting.value,
        "unit": referral.unit,
        "legal_status": referral.legal_status,
        "consent": "" if referral.consent is ConsentStatus.PENDING else referral.consent.value,
        "note": referral.needs_note,
        "first_appointment_at": when.strftime("%Y-%m-%dT%H:%M") if when else "",
        "first_appointment_where": referral.first_appointment_where,
    }
    fields = {name: [str(value)] for name, value in single.items() if value not in (None, "")}
    fields |= {"risks": list(referral.risks), "needs": list(referral.needs), "safety_flags": list(person.safety_flags)}
    groups: dict[str, Sequence[Mapping[str, object]]] = {"phones": person.phones, "places": person.places}
    for group, rows in groups.items():
        for index, row in enumerate(rows):
            for part in ROWS[group]:
                value = row.get(part)
                if value:
                    fields[f"{group}.{index}.{part}"] = ["yes" if value is True else str(value)]
    return fields
