"""Every message to staff says enough to act and nothing about anybody."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import meta

from domain.gsm import GSM_7, SMS_LENGTH
from domain.messaging import StaffMessage
from domain.vocabulary import Channel, TextKind
from workflows.messages import TEMPLATES, TIMES, Envelope, Letter, _templates, write_message

ROOT = Path(__file__).parents[2]
BANNED = (
    "psych|mental|illness|diagnos|depress|bipolar|schizo|jail|prison|inmate|custody|arrest|court|probation|parole|"
    "hospital|ward|clinic|emergency|discharg|releas|detox|addict|substance|drug|alcohol|sober|recover|overdos|suicid|"
    "self-harm|risk|crisis|welfare|patient|client|peer|bridger|treatment|therap|consent|protective"
)
CANARIES = {
    "person": "Robin Imaginary",
    "name": "Robin Imaginary",
    "facility": "Example County Jail",
    "setting": "psychiatric_inpatient",
    "diagnosis": "bipolar disorder",
    "phone": "555-010-0199",
    "why": "The 24-hour contact with Robin Imaginary after discharge from Example County Jail was missed.",
    "note": "overdose last week",
    "birth_on": "1990-05-31",
    "risk_flags": ["suicide_risk"],
}
ENVELOPE = Envelope(
    first_name="Casey",
    program="Harbor Line",
    number="K7Q4-M2XD",
    zone="America/New_York",
    base_url="https://footbridge.example.org",
    params={**CANARIES, **dict.fromkeys(TIMES, "2026-11-26T22:00:00+00:00")},
)

every_message = pytest.mark.parametrize("message", StaffMessage)


def letters(message: StaffMessage) -> list[Letter]:
    """The message in every form it can take: by mail and text, with times and without, with a number and without."""
    bare = replace(ENVELOPE, params=CANARIES, number="", program="")
    return [write_message(message, c, e) for c in (Channel.EMAIL, Channel.SMS) for e in (ENVELOPE, bare)]


@every_message
def test_no_message_carries_what_its_notification_knows(message: StaffMessage) -> None:
    for letter in letters(message):
        whole = f"{letter.subject}\n{letter.body}".lower()
        for canary in (
            "robin",
            "imaginary",
            "example county",
            "psychiatric",
            "bipolar",
            "555-010",
            "overdose",
            "1990",
            "24-hour",
        ):
            assert canary not in whole


@every_message
def test_no_word_of_any_message_tells_what_the_program_does(message: StaffMessage) -> None:
    for letter in letters(message):
        found = re.findall(BANNED, f"{letter.subject}\n{letter.body}".lower().replace("/referrals", ""))
        assert found == [], "a stolen phone or a shared mailbox would tell"


@every_message
def test_a_text_fits_into_one_message_of_plain_letters(message: StaffMessage) -> None:
    long = replace(
        ENVELOPE, program="Zażółć gęślą jaźń “Neighbors” of the Whole Valley", base_url="https://footbridge.valley.org"
    )
    far = replace(long, params={**CANARIES, **dict.fromkeys(TIMES, "2099-12-30T17:45:00+00:00")})  # and says its year
    for envelope in (ENVELOPE, long, far, replace(ENVELOPE, base_url="https://" + "very-long." * 20 + "example")):
        text = write_message(message, Channel.SMS, envelope)
        assert len(text.body) <= SMS_LENGTH
        assert set(text.body) <= GSM_7
        assert "\n" not in text.body
        assert text.subject == ""


ABOUT_NO_REFERRAL = {
    StaffMessage.INCIDENT_OPENED,
    StaffMessage.CHOOSE_PASSWORD,
    StaffMessage.SIGN_IN_CHANGED,
    StaffMessage.SECOND_STEP_REFUSED,
    StaffMessage.IDENTITY_REFUSED,
    StaffMessage.SYSTEM_TOKEN_MADE,
    StaffMessage.SYSTEM_TOKEN_ENDING,
    StaffMessage.PROMISES_BROKEN,
    StaffMessage.RECORDS_PUT_BACK,
    StaffMessage.LIST_FILED,
    StaffMessage.PLANS_MOVED,
}
"""These concern how somebody, or a system, comes in, or a number, or many referrals; not one."""


@every_message
def test_a_message_says_whose_it_is_which_one_and_where_to_sign_in(message: StaffMessage) -> None:
    mail, text = write_message(message, Channel.EMAIL, ENVELOPE), write_message(message, Channel.SMS, ENVELOPE)

    assert text.body.startswith("Harbor Line: ")
    assert mail.body.startswith("Hello Casey,\n\n")
    for body in (mail.body, text.body):
        assert "K7Q4-M2XD" in body or message in ABOUT_NO_REFERRAL
        assert f"https://footbridge.example.org{message.path}" in body
    assert 5 < len(mail.subject) <= 60
    assert "\n" not in mail.subject
    assert "\n\n\n" not in mail.body


@every_message
def test_without_a_number_nothing_dangles(message: StaffMessage) -> None:
    for letter in letters(message):
        assert not letter.subject.endswith((":", " "))
        assert "Ref ." not in letter.body
        assert "  " not in letter.body


@every_message
def test_templates_ask_for_nothing_else(message: StaffMessage) -> None:
    known = {"first_name", "program", "number", "link", *TIMES}
    for part in ("subject.txt", "body.txt", "sms.txt"):
        source = (TEMPLATES / message / part).read_text()
        assert meta.find_undeclared_variables(_templates.parse(source)) <= known


def test_times_are_told_as_the_clock_on_the_wall_shows_them() -> None:
    assert "by Thu Nov 26, 5 pm" in write_message("escalation_raised", Channel.SMS, ENVELOPE).body
    midnight = replace(ENVELOPE, params={"answer_by": "2026-11-26T05:05:00+00:00"})
    assert "by Thu Nov 26, 12:05 am" in write_message("escalation_raised", Channel.SMS, midnight).body
    ended = replace(ENVELOPE, params={"answer_by": "2026-11-26T05:00:00+00:00"})
    assert "by the end of Wed Nov 25" in write_message("escalation_raised", Channel.SMS, ended).body


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="hello"):
        write_message("hello", Channel.EMAIL, ENVELOPE)
    with pytest.raises(ValueError, match="nothing is sent"):
        write_message("offer_made", Channel.IN_APP, ENVELOPE)


def test_every_folder_is_a_message_and_every_message_a_folder() -> None:
    to_people = {kind.value for kind in TextKind}  # see test_person_messages.py
    assert {p.name for p in TEMPLATES.iterdir()} == {*StaffMessage, "frame"} | to_people


def _told_in(path: Path) -> set[str]:
    """The names of messages that a module of commands tells: an argument of `tell`, `_tell` and `work.tell`."""
    found = set()
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call):
            continue
        function, named = call.func, None
        if isinstance(function, ast.Name) and function.id in ("tell", "_tell"):
            named = call.args[2]
        elif isinstance(function, ast.Attribute) and function.attr == "tell":
            named = call.args[1]
        if named is not None:
            branches = (named.body, named.orelse) if isinstance(named, ast.IfExp) else (named,)
            found |= {b.value for b in branches if isinstance(b, ast.Constant) and isinstance(b.value, str)}
    return found


def test_every_message_that_commands_tell_has_its_words() -> None:
    told = {name for path in (ROOT / "records/commands").glob("*.py") for name in _told_in(path)}

    assert "escalation_again" in told, "the test must see what it looks for"
    assert told <= set(StaffMessage)
