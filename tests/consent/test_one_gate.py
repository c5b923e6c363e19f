"""Nothing of a person's goes out except through the gate, as far as the source can show."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.pages import ROUTERS
from api.serving import access_of
from domain.access import ACTIONS
from domain.vocabulary import Role
from tests.api.house import build_house

ROOT = Path(__file__).parents[2]
PRODUCT = ("domain", "records", "workflows", "api", "cli")
GATES = {"show_standing", "hand_to_person", "disclose", "told", "_account"}
"""Functions that ask the gate."""

DECIDED_BY_FLAG = {
    "api/pages/endings.py": "a sentence for the supervisor about what the referrer will hear",
    "api/pages/person_actions.py": "whether to offer recording an answer",
    "api/pages/person_view.py": "a tag for the program's own people",
    "api/pages/planner.py": "what the page calls the answer",
    "api/pages/planner_words.py": "whose move it is",
    "api/pages/dates.py": "what the form shows",
    "api/pages/referral_form.py": "what the form shows",
    "domain/agenda.py": "when somebody must ask",
    "records/commands/referrals.py": "whether the program accepts at once",
    "records/queries/previews.py": "whether the program would accept at once",
    "records/queries/invariants.py": "that the flag is what the versions say",
    "records/commands/consents.py": "keeps it",
    "records/commands/changes.py": "whether the answer changed",
    "records/checking/agenda.py": "when somebody must ask, worked out once more",
    "records/checking/telling.py": "that the flag is what the versions say, read once more",
}
"""Where the flag of a referral is looked at, and what for. It decides nothing about what is told: the gate does."""

FOR_FACILITIES = {
    "/referrals": "gate",
    "/referrals/{referral_id}": "show_for_planner",
    "/referrals/{referral_id}/report": "gate",
    "/referrals/{referral_id}/handoff": "gate",
    "/referrals/{referral_id}/consents": "list_readable",
    "/referrals/{referral_id}/consents/{consent_id}": "readable_consent",
    "/api/v1/referrals/{referral_id}/consents": "list_readable",
    "/api/v1/referrals": "gate",
    "/api/v1/referrals/{referral_id}": "gate",
    "/api/v1/referrals/{referral_id}/agenda": "gate",
    "/api/v1/referrals/{referral_id}/plan": "gate",
    "/api/v1/referrals/{referral_id}/timeline": "gate",
    "/api/v1/contacts": "gate",
    "/api/v1/events": "gate",
}
"""Pages and answers that show a facility how somebody is, and what in them asks."""

ITS_OWN = {
    "/referrals/new", "/referrals/{referral_id}/filed", "/referrals/{referral_id}/date",
    "/referrals/{referral_id}/discharge", "/referrals/{referral_id}/discharge/cancel",
    "/referrals/{referral_id}/consent", "/referrals/{referral_id}/consents/new", "/referrals/{referral_id}/risks",
    "/referrals/{referral_id}/ask-to-cancel", "/referrals/{referral_id}/reach",
    "/referrals/{referral_id}/note", "/referrals/{referral_id}/appointment",
    "/referrals/{referral_id}/meeting", "/referrals/{referral_id}/hold", "/referrals/{referral_id}/resume",
    "/referrals/{referral_id}/concern", "/referrals/{referral_id}/concern/{escalation_id}", "/referrals/new/preview",
    "/referrals/{referral_id}/undo-hold", "/referrals/{referral_id}/death", "/concern", "/imports",
    "/imports/sample.csv", "/imports/{import_id}", "/imports/{import_id}/report.csv",
    "/api/v1/people/{person_id}", "/api/v1/protocols", "/api/v1/protocols/{protocol_id}",
}  # fmt: skip
"""Forms and records that hold what the facility itself wrote, or nothing of a person."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the product."""
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def called(tree: ast.AST) -> set[str]:
    """The names of what is called in it."""
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in functions}


def test_only_the_gate_writes_the_accounting() -> None:
    writers = {path for path, tree in sources() if "Disclosure" in called(tree)}
    assert writers == {"records/commands/disclosures.py"}


def test_a_gateway_is_handed_something_at_one_place_only_after_the_gate_was_asked() -> None:
    senders = {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send"
        if getattr(node.func.value, "id", "") == "gateway"
    }
    assert senders == {"workflows/activities/send.py"}
    tree = dict(sources())["workflows/activities/send.py"]
    [function] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and "send" in called(node)]
    assert "let_go" in called(function)


def test_the_flag_of_a_referral_decides_nothing_about_what_is_told() -> None:
    lookers = {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(side, ast.Attribute) and side.attr == "consent" for side in (node.left, *node.comparators))
    }
    assert lookers <= set(DECIDED_BY_FLAG), "ask records.queries.consents.decide, or records.commands.disclosures"


@pytest.mark.sqlite
def test_every_answer_that_a_facility_can_get_was_thought_about(database: str) -> None:
    shown: dict[str, object] = {}
    for route in build_house().app.routes:
        for one in getattr(getattr(route, "original_router", None), "routes", [route]):
            access = access_of(getattr(one, "endpoint", None))
            if access is None or access.kind != "action" or "GET" not in getattr(one, "methods", ()):
                continue
            if Role.PLANNER in ACTIONS[access.action]:
                shown[one.path] = one.endpoint
    assert ROUTERS
    assert set(shown) - ITS_OWN - {path for path in shown if path.startswith("/probe")} == set(FOR_FACILITIES)
    for path, how in FOR_FACILITIES.items():
        endpoint = shown[path].footbridge.call  # type: ignore[attr-defined]
        tree = ast.parse((ROOT / (endpoint.__module__.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
        names = called(next(n for n in ast.walk(tree) if getattr(n, "name", "") == endpoint.__name__))
        assert names & (GATES if how == "gate" else {how}), path
