"""A query for things of a person says for whom it asks: by an actor, a gate, or what a gate has given (invariant 6).

The matrix asks every route and sees what comes back; this reads the source, so that a query that forgets to say it is
found on the day it is written. What concerns nobody's page (upkeep, figures, keys) is named here, with the reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PERSONAL = {
    "Person", "Referral", "Contact", "Attempt", "Escalation", "EscalationTold", "Hold", "Offer", "Assignment",
    "ConsentVersion", "ConsentRevocation", "Disclosure", "PersonIdentifier", "PersonText", "TextReply",
    "TextPermission", "NumberAnswer", "NumberQuarantine", "Incident", "FacilityWords", "Draft", "Inbound",
    "JournalEntry", "Reading", "BrokenGlass",
}  # fmt: skip
GATES = {"visible", "referral_for", "readable_for", "person_for", "readable_person", "may_see"}
SAYS_WHOSE = {
    "actor", "viewer", "me", "referral", "referrals", "referral_id", "referral_ids", "person", "person_id",
    "program_id", "staff", "staff_id", "case", "rows", "contacts", "merged", "moved", "stream", "number", "numbers",
}  # fmt: skip
"""A parameter that says it: somebody who asks, or a record that a gate has let through. A number is the gateway's."""
OF_NOBODY = {
    "count_due": "for the worker: what is due",
    "list_due": "for the worker: what is due",
    "list_untold": "for the worker: whose workflow is to be told",
    "list_undelivered": "for the worker: what is to be sent",
    "list_awaited_ids": "for the worker: which workflows there should be",
    "known_messages": "for the worker: which of its deliveries are of messages that are on record",
    "told_by_program": "for the worker: counts by program",
    "agenda_lateness": "for /metrics: counts",
    "open_work": "for /metrics: counts",
    "find_unknown_key": "before anything starts: under which keys the records lie",
}
GATED_BEFORE = {"_needs_both": "whoever calls it has opened the person"}


def test_queries_say_for_whom() -> None:
    found = {name for path in (ROOT / "records/queries").glob("*.py") for name in unsaid(path.read_text("utf-8"))}
    assert found == set(OF_NOBODY), "say for whom, by an actor or by what a gate has given"


def test_pages_and_routes_ask_by_a_gate() -> None:
    paths = [path for path in (ROOT / "api").rglob("*.py") if "static" not in path.parts]
    found = {name for path in paths for name in ungated(path.read_text("utf-8"))}
    assert found == set(GATED_BEFORE), "ask records/access.py first, or a query that takes the actor"


@pytest.mark.parametrize(
    "text",
    [
        "def f(session, since): return session.exec(select(Person).where(Person.birth_on > since))",
        "def f(session): return session.exec(select(func.count()).where(col(Referral.id) != ''))",
        "def f(session, anything): return session.get(Person, anything)",
    ],
)
def test_a_query_that_does_not_say_it_is_found(text: str) -> None:
    assert list(unsaid(text)) == ["f"]


@pytest.mark.parametrize(
    "text",
    [
        "def f(session, me, some_id): return session.exec(select(Attempt.id).where(Attempt.id == some_id)).first()",
        "def f(session, me, some_id): return session.get(Escalation, some_id)",
    ],
)
def test_a_page_that_asks_by_an_id_of_the_address_alone_is_found(text: str) -> None:
    assert list(ungated(text)) == ["f"]
    asked_too_late = text.replace("return", "found =") + "; change(session, me.actor, some_id); return found"
    assert list(ungated(asked_too_late)) == ["f"]
    for first in ("referral_for(session, me.actor, some_id)", "list_contacts(session, me.actor)"):
        assert list(ungated(text.replace("return", f"{first}; return"))) == [], first


def unsaid(text: str) -> Iterator[str]:
    """The functions of a module for others that ask about people without a word of whose."""
    for function in functions_of(text):
        names = {one.arg for one in (*function.args.args, *function.args.kwonlyargs)}
        if not function.name.startswith("_") and not names & SAYS_WHOSE and any(asks(function)):
            yield function.name


def ungated(text: str) -> Iterator[str]:
    """The functions of a module of `api/` that ask about people by an id that nobody has looked at before."""
    for function in functions_of(text):
        calls = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
        is_gated = any(ast.unparse(one.func) in GATES for one in calls)
        says_program = any(isinstance(one, ast.Compare) and "program" in ast.unparse(one) for one in ast.walk(function))
        asked = list(asks(function, by_a_row=False))
        acted = [one for one in calls if any(ast.unparse(argument) == "me.actor" for argument in one.args)]
        comes_first = bool(acted) and min(map(place_of, acted)) < min(map(place_of, asked), default=(0, 0))
        if asked and not (is_gated or says_program or comes_first):
            yield function.name


def functions_of(text: str) -> Iterator[ast.FunctionDef]:
    """Every function of a module."""
    return (one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef))


def asks(function: ast.FunctionDef, *, by_a_row: bool = True) -> Iterator[ast.Call]:
    """Where it asks for rows about people; `by_a_row` counts what is got by a row's own column, too."""
    for call in (one for one in ast.walk(function) if isinstance(one, ast.Call)):
        asked = ast.unparse(call.func)
        if asked == "select" or asked.endswith(".select_from"):
            if named(function) & PERSONAL:
                yield call
        elif asked.endswith((".get", ".get_one")) and call.args and named(call.args[0]) & PERSONAL:
            if by_a_row or not isinstance(call.args[1], ast.Attribute):
                yield call


def place_of(node: ast.expr) -> tuple[int, int]:
    """Where it stands in the file."""
    return node.lineno, node.col_offset


def named(node: ast.AST) -> set[str]:
    """The names that stand in it."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
