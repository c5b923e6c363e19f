"""Every approved text to a person fits into one message and names nothing, whatever the names are."""

from __future__ import annotations

import re

import pytest
from jinja2 import meta

from domain.gsm import GSM_7, SMS_LENGTH
from domain.texting import LANGUAGES
from domain.vocabulary import TextKind
from tests.workflows.test_messages import BANNED, CANARIES
from workflows.person_messages import LONGEST_NAME, LONGEST_PROGRAM, TEMPLATES, TextEnvelope, _templates, write_text

IN_SPANISH = (
    "psiqui|mental|enferm|diagn|depres|cárcel|carcel|prisi|preso|hospital|clínic|clinic|droga|adicc|alcohol|recuper|"
    "suicid|crisis|paciente|cliente|tratamiento|terapia|libertad condicional|juez|corte|alta m"
)
LONG = TextEnvelope(
    first_name="Maximiliano-Søren “the Great”",
    program="Zażółć gęślą jaźń Neighbors of the Whole Valley",
    callback="+44 20 7946 09581234",
    language="en",
    zone="America/New_York",
    params={**CANARIES, "at": "2099-12-30T17:45:00+00:00"},
)
every_text = pytest.mark.parametrize("kind", TextKind)
every_language = pytest.mark.parametrize("language", LANGUAGES)


def envelopes(language: str) -> list[TextEnvelope]:
    """With the longest values, with usual ones, and with as little as there can be."""
    usual = TextEnvelope("Casey", "Harbor Line", "(608) 555-0134", language, "America/New_York", LONG.params)
    bare = TextEnvelope("", "", "", language, "America/New_York", LONG.params)
    other = TextEnvelope("Анна", "Дом", "", language, "Asia/Kolkata", LONG.params)
    long = TextEnvelope(LONG.first_name, LONG.program, LONG.callback, language, LONG.zone, LONG.params)
    return [usual, bare, other, long]


@every_text
@every_language
def test_a_text_is_one_message_of_plain_letters(kind: TextKind, language: str) -> None:
    for envelope in envelopes(language):
        text = write_text(kind.value, envelope).body
        assert len(text) <= SMS_LENGTH, text
        assert set(text) <= GSM_7
        assert "  " not in text
        assert "{" not in text
        assert not re.search(r" [.,:]", text), text


@every_text
@every_language
def test_a_text_names_no_person_no_place_and_nothing_of_what_the_program_does(kind: TextKind, language: str) -> None:
    for envelope in envelopes(language):
        text = write_text(kind.value, envelope).body.lower()
        assert re.findall(BANNED, text) == []
        assert re.findall(IN_SPANISH, text) == []
        for canary in ("robin", "imaginary", "example county", "bipolar", "555-010", "overdose", "1990"):
            assert canary not in text


@every_text
@every_language
def test_a_text_says_who_writes_and_how_to_stop_it(kind: TextKind, language: str) -> None:
    text = write_text(kind.value, envelopes(language)[0]).body
    assert "Harbor Line" in text
    if kind is TextKind.STOPPED:
        assert "START" in text
    elif kind is not TextKind.DANGER:
        assert "STOP" in text
        assert kind in (TextKind.RESUMED,) or "(608) 555-0134" in text


@every_language
def test_988_is_in_the_first_text_and_where_somebody_asks_and_nowhere_else(language: str) -> None:
    with_it = {kind for kind in TextKind if "988" in write_text(kind.value, envelopes(language)[0]).body}
    assert with_it == {TextKind.WELCOME, TextKind.HELP, TextKind.DANGER}


def test_only_what_is_approved_can_be_written() -> None:
    for other in ("person_hello", "offer_made", "../messages/offer_made"):
        with pytest.raises(ValueError, match="TextKind"):
            write_text(other, LONG)


def test_every_text_is_written_in_every_language_and_nothing_else_is() -> None:
    folders = {path.name: {file.name for file in path.iterdir()} for path in TEMPLATES.glob("person_*")}
    assert folders == {kind.value: {f"{language}.txt" for language in LANGUAGES} for kind in TextKind}


@every_text
@every_language
def test_templates_ask_for_nothing_else(kind: TextKind, language: str) -> None:
    source = (TEMPLATES / kind / f"{language}.txt").read_text(encoding="utf-8")
    assert meta.find_undeclared_variables(_templates.parse(source)) <= {"who", "program", "callback", "at"}


def test_names_are_cut_to_their_length() -> None:
    text = write_text("person_introduction", LONG).body
    assert LONGEST_NAME == 12
    assert LONGEST_PROGRAM == 20
    assert "Maximiliano-" not in text.removeprefix("This is Maximiliano- from ")
    assert "Valley" not in text
