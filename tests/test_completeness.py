"""Nothing is half there: every event has its sentence, every word its label, every appointment its hand.

Each test reads what the code does off its source or its tables, so that a new thing without its other half fails here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain import agenda, timeline, vocabulary
from domain.access import ACTIONS
from domain.messaging import StaffMessage
from domain.protocol import default_for, default_protocols, rungs_of
from domain.vocabulary import ContactState, Setting, Word
from records import tables
from records.commands.agenda import _HANDLERS as HANDLERS

ROOT = Path(__file__).parents[1]
COMMANDS = sorted((ROOT / "records/commands").glob("*.py"))
PRODUCT = [path for folder in ("records", "workflows", "api", "cli") for path in sorted((ROOT / folder).rglob("*.py"))]

BY_STATE = {
    "contact.": (ContactState.MET, ContactState.MET_LATE),
    "contacts.": (ContactState.SUSPENDED, ContactState.CLOSED),
}
"""Events whose last part is the state that a contact went to."""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file, with the name of what is called: `record` of `work.record(…)`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                yield function.attr, node
            elif isinstance(function, ast.Name):
                yield function.id, node


def strings(path: Path) -> set[str]:
    """Every text in a file's code."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def spelled(node: ast.expr) -> set[str]:
    """The events that an argument can be: a text, one of two, or one by the state of a contact."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return spelled(node.body) | spelled(node.orelse)
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        prefix = str(node.values[0].value)
        return {f"{prefix}{state.value}" for state in BY_STATE[prefix]}
    return set()


def recorded_events() -> set[str]:
    """The events that commands append to a referral's journal; those of a program stand on no timeline."""
    found: set[str] = set()
    for path in COMMANDS:
        for name, call in calls(path):
            if name == "record" and call.args:
                found |= spelled(call.args[0])
            elif name == "append" and len(call.args) == 3:
                found |= spelled(call.args[2])
    return found


def test_every_event_has_a_sentence_and_every_sentence_an_event() -> None:
    events = recorded_events()
    assert {"contact.missed", "contact.met_late", "date.withdrawn", "glass.broken"} <= events, "the test must see"
    assert events == set(timeline.SENTENCES)


UNFILED = {"keep_draft", "discard_draft"}
"""What somebody types and has not sent is nobody's record yet."""
LOOKS = {"colleague", "open_case"}
"""Gates and previews beside the commands: they write nothing."""


def test_every_command_leaves_an_event() -> None:
    reached: dict[str, set[str]] = {}
    commands: set[str] = set()
    for path in COMMANDS:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                reached[node.name] = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                reached[node.name] |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
                if {"session", "actor"} <= {a.arg for a in node.args.args} and not node.name.startswith("_"):
                    commands.add(node.name)
    writing = {"record", "append_for_program", "break_glass"}
    while more := {name for name, names in reached.items() if names & writing} - writing:
        writing |= more
    assert {"log_attempt", "merge_people", "set_absence"} <= commands, "the test must see what it looks for"
    assert commands - writing == UNFILED | LOOKS


def words() -> list[type[Word]]:
    """Every vocabulary of the field."""
    return [getattr(vocabulary, name) for name in vocabulary.__all__ if isinstance(getattr(vocabulary, name), type)]


@pytest.mark.parametrize("kind", [kind for kind in words() if kind is not Word], ids=lambda kind: kind.__name__)
def test_every_word_of_a_vocabulary_has_a_label_of_its_own(kind: type[Word]) -> None:
    assert kind.__doc__
    labels = [member.label for member in kind]
    assert all(label[:1].isupper() for label in labels)
    assert len(set(labels)) == len(labels)


def test_every_label_is_written_down_and_none_made_of_its_value() -> None:
    unlabelled = []
    for path in sorted((ROOT / "domain/vocabulary").glob("*.py")):
        for kind in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(kind, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == "Word" for b in kind.bases):
                members = [node for node in kind.body if isinstance(node, ast.Assign)]
                assert members, kind.name
                unlabelled += [f"{kind.name}: {ast.unparse(m)}" for m in members if not isinstance(m.value, ast.Tuple)]
    assert unlabelled == []


def agenda_kinds() -> set[str]:
    """The kinds of items, by the constants of the agenda."""
    found = vars(agenda).items()
    return {value for name, value in found if name.isupper() and isinstance(value, str) and value == name.lower()}


def test_every_kind_of_appointment_has_a_title_a_reason_and_a_hand() -> None:
    kinds = agenda_kinds()
    assert {"offer", "contact_missed", "report"} <= kinds
    assert set(agenda.TITLES) == kinds
    assert set(HANDLERS) == kinds
    assert set(agenda._WHY) | {agenda.CONTACT_MISSED} == kinds, "a missed contact's reason is its own rule, in words"


def test_every_ladder_that_commands_raise_is_in_every_protocol_that_may_run() -> None:
    raised = {
        str(call.args[3].value)
        for path in COMMANDS
        for name, call in calls(path)
        if name == "raise_ladder" and isinstance(call.args[3], ast.Constant)
    }
    assert {"supervisor", "safety", "page"} <= raised
    overlays = tuple(p for p in default_protocols().values() if not p.settings)
    for setting in Setting:
        for ladder in sorted(raised):
            assert rungs_of((default_for(setting), *overlays), ladder), f"{setting.value}: {ladder}"


def test_every_setting_has_a_protocol_and_every_protocol_a_use() -> None:
    used = {default_for(setting).key for setting in Setting}
    overlays = {p.key for p in default_protocols().values() if not p.settings}
    assert used | overlays == set(default_protocols())
    assert overlays <= set().union(*(strings(path) for path in PRODUCT + sorted((ROOT / "domain").rglob("*.py"))))


def test_every_message_to_staff_is_sent_by_somebody() -> None:
    said = set().union(*(strings(path) for path in COMMANDS))
    assert {message.value for message in StaffMessage} - said == set()


def test_every_action_of_the_table_is_asked_about_somewhere() -> None:
    asked = set().union(*(strings(path) for path in PRODUCT))
    assert set(ACTIONS) - asked == set()


@pytest.mark.parametrize("name", sorted(tables.__all__))
def test_every_table_says_what_it_holds(name: str) -> None:
    assert (vars(getattr(tables, name)).get("__doc__") or "").strip()
