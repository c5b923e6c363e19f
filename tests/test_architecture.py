"""The house keeps its shape: who may import whom, who writes, who reads the clock; see `support/house_rules.py`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.house_rules import LONGEST_FILE, OURS, RULES, Source, findings_in, text_findings_in

ROOT = Path(__file__).parents[1]
NOT_OURS = {"vendor", "__pycache__", "node_modules"}
TEXT = {".py", ".html", ".css", ".js", ".toml", ".md", ".txt", ".yml", ".sh", ".csv", ".lock", ""}
ROOT_FILES = ("README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "Dockerfile", "docker-compose.yml", ".ci/run",
              "requirements.lock", "requirements-dev.lock")  # fmt: skip

BAD = {
    "a rule that reads rows": ("domain/plan.py", "from records.tables import referrals"),
    "a query that knows a page": ("records/queries/board.py", "import api.rendering"),
    "a page that runs a workflow": ("api/pages/today.py", "from workflows.transition import TransitionWorkflow"),
    "a page that brings workflows whole": ("api/pages/today.py", "from workflows import names"),
    "a check that asks a rule": ("records/checking/plan.py", "from domain import plan"),
    "a check that asks a query": ("records/checking/run.py", "from records.queries.case import load_case"),
    "a rule with chance": ("domain/matching.py", "import random"),
    "a rule with a database": ("domain/matching.py", "from sqlalchemy import select"),
    "a second clock": ("records/queries/board.py", "moment = datetime.now(UTC)"),
    "a second clock by its module": ("api/deps.py", "moment = datetime.datetime.utcnow()"),
    "a second date": ("tests/test_plan.py", "today = date.today()"),
    "a second Unix time": ("cli/main.py", "started = time.time()"),
    "the database's clock": ("records/tables/people.py", "default = func.now()"),
    "a stopwatch in a rule": ("workflows/delivery.py", "started = time.monotonic()"),
    "a hidden clock": ("bench/filing.py", "from time import perf_counter"),
    "a command that commits": ("records/commands/contacts.py", "session.commit()"),
    "a page that commits": ("api/pages/today.py", "request.state.session.commit()"),
    "a query that adds": ("records/queries/board.py", "session.add(row)"),
    "a page that deletes": ("api/pages/today.py", "self.session.delete(row)"),
    "a bulk insert": ("records/seed/people.py", "from sqlalchemy import insert"),
    "a dialect's insert": ("records/queries/board.py", "from sqlalchemy.dialects.postgresql import insert"),
    "a table's delete": ("workflows/activities/send.py", "Person.__table__.delete()"),
    "a delete in SQL": ("cli/main.py", "execute('delete from person')"),
    "a page that calls out": ("api/pages/today.py", "import httpx"),
    "a gateway with a way of its own": ("workflows/gateways/sms.py", "httpx.Client(timeout=1)"),
    "a workflow without its block": (
        "workflows/other.py",
        "from workflows import names\n@workflow.defn\nclass Other: ...",
    ),
    "a workflow with an import beside its block": (
        "workflows/other.py",
        "with workflow.unsafe.imports_passed_through():\n    from workflows import names\nfrom records import clock\n"
        "@workflow.defn(name='other')\nclass Other: ...",
    ),
    "a workflow with two blocks": (
        "workflows/other.py",
        "with workflow.unsafe.imports_passed_through():\n    from workflows import names\n"
        "with workflow.unsafe.imports_passed_through():\n    from records import clock\n"
        "@workflow.defn\nclass Other: ...",
    ),
}

GOOD = {
    "the pages tell the workflows": ("api/deps.py", "from workflows.client import nudge"),
    "the command line starts everything": ("cli/main.py", "from workflows.worker import run_worker"),
    "a check that opens the records": ("records/checking/run.py", "from records import clock, engine"),
    "the one clock": ("records/clock.py", "datetime.now(UTC)"),
    "asking the one clock": ("domain_tests/x.py", "clock.now()"),
    "measuring a benchmark": ("bench/filing.py", "time.perf_counter()"),
    "a set and a list": ("records/queries/board.py", "seen.add(key)\nfound.insert(0, key)"),
    "a command that adds": ("records/commands/people.py", "from sqlalchemy import insert\nsession.add(row)"),
    "the edge that commits": ("records/engine.py", "session.commit()"),
    "asking the edge to commit": ("cli/simulate.py", "engine.commit(session)"),
    "the organization's sign-in": ("api/oidc.py", "import httpx"),
    "a gateway": ("workflows/gateways/sms.py", "import httpx"),
    "a workflow": (
        "workflows/other.py",
        "from temporalio import workflow\nwith workflow.unsafe.imports_passed_through():\n"
        "    from workflows import names\n@workflow.defn\nclass Other: ...",
    ),
}


def our_files(*suffixes: str) -> list[Path]:
    """Every file of ours with one of these endings, in a fixed order."""
    folders = (*OURS, "templates", "docs", "deploy")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    found += [path for name in ROOT_FILES if (path := ROOT / name).exists() and path.suffix in suffixes]
    return sorted(path for path in found if path.is_file() and not NOT_OURS & set(path.parts))


def relative(path: Path) -> str:
    """As the repository knows it."""
    return path.relative_to(ROOT).as_posix()


def test_the_code_keeps_the_rules() -> None:
    found = [f for path in our_files(".py") for f in findings_in(relative(path), path.read_text(encoding="utf-8"))]
    assert not found, "\n" + "\n".join(found)


def test_the_text_is_the_projects_alone() -> None:
    pages = {path.name for path in ROOT.rglob("*.md") if not {".venv", "var"} & set(path.parts)}
    found = [
        finding
        for path in our_files(*TEXT)
        if path != Path(__file__)  # its bad examples
        for finding in text_findings_in(relative(path), path.read_text(encoding="utf-8"), pages=pages)
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("example", BAD.values(), ids=BAD.keys())
def test_a_bad_example_is_found_with_its_reason(example: tuple[str, str]) -> None:
    found = findings_in(*example)
    assert len(found) == 1, found
    assert found[0].startswith(f"{example[0]}:")


@pytest.mark.parametrize("example", GOOD.values(), ids=GOOD.keys())
def test_a_good_example_passes(example: tuple[str, str]) -> None:
    assert findings_in(*example) == []


def test_every_rule_has_a_bad_example() -> None:
    shown = {rule for path, text in BAD.values() for rule in RULES if any(rule(Source(path, text, ast.parse(text))))}
    assert shown == set(RULES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x\n" * (LONGEST_FILE + 1), "lines. No file"),
        ("open('/home/somebody/x')", "one machine"),
        ("see /root/notes", "one machine"),
        ("as shared/notes.md says", "not in the repository"),
        ("see docs/nowhere.md", "not in the repository"),
        ("after nowhere.md §3", "not in the repository"),
    ],
)
def test_text_that_is_not_the_projects_is_found(text: str, why: str) -> None:
    assert any(why in finding for finding in text_findings_in("domain/plan.py", text, pages={"README.md"}))


@pytest.mark.parametrize("text", ["see docs/README.md", "href='/work'", "href='/people/home/x'", "PATH=/usr/lib/x"])
def test_ordinary_text_passes(text: str) -> None:
    assert text_findings_in("domain/plan.py", text, pages={"README.md"}) == []
