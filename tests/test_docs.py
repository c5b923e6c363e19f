"""The documents say what is so: every setting, command, target and state is in them, and what they name exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import SecretStr

from api.models.referrals import ReferralIn
from api.routes import health
from cli.main import app
from cli.states import MATTERS, document
from domain.agenda import TITLES
from domain.vocabulary import NotificationState
from records.seed.people import PASSWORD
from records.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
LONGEST_DECISION = 40
LARGEST_IMAGE = 150_000


def default_of(value: object) -> str:
    """A setting's default as the table shows it."""
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return "" if plain == "" else f"`{plain}`"


def settings_table() -> Iterator[str]:
    """The table of settings as the README must have it."""
    for name, field in Settings.model_fields.items():
        yield f"| `FOOTBRIDGE_{name.upper()}` | {default_of(field.default) or 'empty'} | {field.description} |"


def test_the_settings_are_in_the_readme_as_they_are() -> None:
    shown = [line for line in README.splitlines() if line.startswith("| `FOOTBRIDGE_")]
    assert shown == list(settings_table())


def commands() -> Iterator[str]:
    """Every command of the terminal, as people type it."""
    top = typer.main.get_command(app)
    for name, command in top.commands.items():  # type: ignore[attr-defined]
        under = getattr(command, "commands", None)
        yield from (f"footbridge {name} {last}" for last in under) if under else [f"footbridge {name}"]


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert any(re.match(rf"\| .*`{command}\b", line) for line in README.splitlines())


def test_the_readme_names_no_command_that_is_not_there() -> None:
    known = sorted(commands())
    named = re.findall(r"`(footbridge [a-z].*?)`", " ".join(line for line in README.splitlines() if line[:1] == "|"))
    assert named
    assert [name for name in named if not any(name == k or name.startswith(f"{k} ") for k in known)] == []


def test_the_make_targets_that_documents_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert {"run", "demo"} <= named <= targets
    assert {"run", "test"} <= set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE))


def test_the_demonstration_users_can_be_found() -> None:
    assert f"`{PASSWORD}`" in README


def test_the_request_that_the_readme_shows_is_one_that_the_api_takes() -> None:
    shown = re.search(r"--data '(\{.*?\})'", README, re.DOTALL)
    assert shown is not None
    body: dict[str, Any] = json.loads(shown.group(1))
    ReferralIn.model_validate_json(json.dumps(body)).details()


def test_the_states_are_printed_from_the_code() -> None:
    page = (ROOT / "docs/states.md").read_text(encoding="utf-8")
    assert page == document(), "print it anew: python -m cli.states > docs/states.md"
    assert list(MATTERS) == list(TITLES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_at_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), link
    for named in re.findall(r"`((?:api|cli|domain|records|workflows|templates|tests|docs|deploy)/[\w./-]+?)`", text):
        assert (ROOT / named).exists(), named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_says_a_file_does_is_in_that_file(page: Path) -> None:
    for path, name in re.findall(r"`([\w/]+\.py): (\w+)`", page.read_text(encoding="utf-8")):
        assert re.search(rf"\b(?:def|class) {name}\b", (ROOT / path).read_text(encoding="utf-8")), f"{path}: {name}"


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_short_and_says_all_four_things(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    number = page.name[:4]
    assert re.match(rf"# {number}: \S", lines[0])
    assert len(lines) <= LONGEST_DECISION
    assert [line[3:] for line in lines if line.startswith("## ")] == [
        "Context",
        "Decision",
        "Consequences",
        "Alternatives",
    ]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert DECISIONS


def test_the_sections_of_the_design_that_code_cites_are_there() -> None:
    sections = set(re.findall(r"^## (\d)\. ", (ROOT / "docs/design.md").read_text(encoding="utf-8"), re.MULTILINE))
    folders = ("domain", "records", "workflows", "api", "cli", "tests")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    cited = {number for path in sources for number in re.findall(r"design §(\d)", path.read_text(encoding="utf-8"))}
    assert cited
    assert cited <= sections


def test_every_figure_on_metrics_is_explained_to_whoever_runs_it() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    source = Path(health.__file__).read_text(encoding="utf-8")
    names = [*re.findall(r'^\s+\("([a-z_]+)", "', source, re.MULTILINE), "upkeep_age_seconds"]
    assert "agenda_oldest_overdue_seconds" in names
    assert [name for name in names if f"`footbridge_{name}`" not in page] == []


def test_every_state_of_a_message_is_explained_to_whoever_runs_it() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert [state.value for state in NotificationState if f"\n| {state.value} | " not in page] == []


@pytest.mark.parametrize("image", sorted((ROOT / "docs/images").glob("*")), ids=lambda image: image.name)
def test_a_picture_is_small_and_shown(image: Path) -> None:
    assert image.stat().st_size <= LARGEST_IMAGE
    assert any(f"images/{image.name}" in page.read_text(encoding="utf-8") for page in PAGES)
