"""The rules of the house, read off the source with `ast`. Each finding says where, what, and why the rule exists.

`findings_in(path, text)` takes a path as the repository knows it and the file's text, so that a test can show each rule
a small bad example.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

OURS = ("domain", "records", "workflows", "api", "cli", "bench", "tests")
PRODUCT = ("domain", "records", "workflows", "api", "cli")
LONGEST_FILE = 400
LONGEST_TEST = 700  # a table of cases is read by looking one up, not from top to bottom

MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "records": {"domain"},
    "workflows": {"domain", "records"},
    "api": {"domain", "records", "workflows.client"},
}
"""Folders not named may import everything of ours: they start the others, measure them or test them."""

WAY_OUT = "records/way_out.py"
MONOTONIC = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"}
TIME_OF_DAY = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")} | {
    ("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime"), ("func", "now"),
    ("func", "current_timestamp"),
}  # fmt: skip
ROW_CALLS = {"add", "add_all", "delete", "merge", "bulk_save_objects", "bulk_insert_mappings"}
WORKPLACE = re.compile(
    r"""(?<![\w.$}>])/(?:root|home|Users|work|workspace)/\w|\bshared/[a-z]+\.md|\b(?:language\ model|sub-?agent)s?\b""",
    re.VERBOSE,
)
PAGE = re.compile(r"(?<![\w/*<-])(?:[\w-]+/)*[\w-]+\.md\b")


@dataclass(frozen=True)
class Source:
    """One file of ours, as a rule sees it."""

    path: str
    text: str
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The top folder: the layer it belongs to."""
        return PurePosixPath(self.path).parts[0]

    def is_under(self, *places: str) -> bool:
        """Whether the file is one of these or lies in one of these folders."""
        return any(self.path == place or self.path.startswith(f"{place}/") for place in places)

    def imports(self, inside: ast.AST | None = None) -> Iterator[tuple[ast.stmt, str]]:
        """Every import with the full dotted names it brings in: `from records import clock` is `records.clock`."""
        for node in ast.walk(inside or self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)

    def calls(self) -> Iterator[tuple[ast.Call, str, str]]:
        """Every call of a method: the call, the last word before the dot, and the method's name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                before = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                yield node, before, node.func.attr


Rule = Callable[[Source], Iterator[tuple[int, str]]]


def findings_in(path: str, text: str) -> list[str]:
    """What is wrong with one Python file of ours: `path:line: sentence`."""
    source = Source(path, text, ast.parse(text, filename=path))
    return [f"{path}:{line}: {why}" for rule in RULES for line, why in rule(source)]


def import_direction(source: Source) -> Iterator[tuple[int, str]]:
    """The layers know only what stands below them."""
    may = MAY_IMPORT.get(source.folder)
    for node, name in source.imports():
        top = name.split(".")[0]
        if may is None or top not in OURS or top == source.folder:
            continue
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in may):
            yield (
                node.lineno,
                (
                    f"{source.folder} imports {name}. Of ours it may import {' and '.join(sorted(may)) or 'nothing'}: "
                    "the rules stay testable, and a change of the engine or of a page cannot reach them"
                ),
            )


CHECK = ("records/checking",)
MAY_CHECK = ("records.checking", "records.clock", "records.engine", "records.sealing")


def the_check_is_apart(source: Source) -> Iterator[tuple[int, str]]:
    """The independent check shares no rule with what it checks."""
    for node, name in source.imports():
        if source.is_under(*CHECK) and name.split(".")[0] in OURS:
            if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in MAY_CHECK):
                yield (
                    node.lineno,
                    (
                        f"the check imports {name}. Of ours it may open the records and what is sealed, and ask the "
                        "clock: a mistake of a rule that it shared would be made twice, and nobody would see it"
                    ),
                )


def domain_is_pure(source: Source) -> Iterator[tuple[int, str]]:
    """Rules without I/O, clock or chance."""
    impure = {"random", "secrets", "uuid", "socket", "subprocess", "sqlite3", "threading", "asyncio", "logging", "os"}
    for node, name in source.imports():
        top = name.split(".")[0]
        stranger = top not in sys.stdlib_module_names and top not in {*OURS, "pydantic"}
        if source.folder == "domain" and (stranger or top in impure):
            yield node.lineno, f"domain imports {top}: it holds pure rules (standard library without I/O, and pydantic)"


def one_clock(source: Source) -> Iterator[tuple[int, str]]:
    """Only records/clock.py reads the time of day."""
    why = "ask records.clock: otherwise this rule does not follow the clock of a test or a demonstration"
    if source.path == "records/clock.py":
        return
    for call, owner, method in source.calls():
        if (owner.lstrip("_"), method) in TIME_OF_DAY:
            yield call.lineno, f"{owner}.{method}() reads the time of day; {why}"
        if owner.lstrip("_") == "time" and method in MONOTONIC and not source.is_under("tests", "bench", "cli"):
            yield call.lineno, f"time.{method}() measures time; {why}"
    for node, name in source.imports():
        if name in {f"time.{function}" for function in ("time", "time_ns", *MONOTONIC)}:
            yield node.lineno, f"import time, not {name}: this test must see what is called; {why}"


def one_committer(source: Source) -> Iterator[tuple[int, str]]:
    """Only records/engine.py commits."""
    for call, owner, method in source.calls():
        if (
            method == "commit"
            and owner != "engine"
            and source.is_under(*PRODUCT)
            and source.path != "records/engine.py"
        ):
            yield (
                call.lineno,
                ("commits. Only records/engine.py does: one request or activity is one transaction, all or nothing"),
            )


def writers(source: Source) -> Iterator[tuple[int, str]]:
    """Only commands and the journal add or delete rows."""
    doors = ("records/commands", "records/journal.py", "records/writing.py", "records/migrations")
    if not source.is_under(*PRODUCT) or source.is_under(*doors):
        return
    why = "only records/commands and records/journal.py add or delete rows: no change without its line in the journal"
    for call, owner, method in source.calls():
        if method in ROW_CALLS and owner.lower().endswith("session"):
            yield call.lineno, f"{owner}.{method}(): {why}"
        if method in {"insert", "delete"} and owner in {"__table__", "sa", "sqlalchemy", "sqlmodel"}:
            yield call.lineno, f"{owner}.{method}(): {why}"
    for node, name in source.imports():
        if name.startswith(("sqlalchemy.", "sqlmodel.")) and name.split(".")[-1] in {"insert", "delete"}:
            yield node.lineno, f"imports {name}: {why}"
    for part in ast.walk(source.tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            if re.match(r"\s*(INSERT INTO|INSERT OR|DELETE FROM)\b", part.value, re.IGNORECASE):
                yield part.lineno, f"SQL that writes: {why}"


def gateways_speak_http(source: Source) -> Iterator[tuple[int, str]]:
    """Only the gateways send requests, and whoever asks the organization's sign-in; all by the one way out."""
    doors = ("workflows/gateways", "api/oidc.py", WAY_OUT)
    for call, owner, method in source.calls():
        if owner == "httpx" and method in {"Client", "AsyncClient", "get", "post", "request", "stream"}:
            if source.is_under(*PRODUCT) and source.path != WAY_OUT:
                yield call.lineno, f"httpx.{method}(): {WAY_OUT} opens clients, which look where a name leads"
    for node, name in source.imports():
        if name.split(".")[0] == "httpx" and source.is_under(*PRODUCT) and not source.is_under(*doors):
            yield (
                node.lineno,
                "imports httpx. Only workflows/gateways and api/oidc.py do: whatever leaves, leaves at a known door",
            )


def workflow_imports(source: Source) -> Iterator[tuple[int, str]]:
    """A workflow's file passes all of our modules through its sandbox, in one block."""
    if source.folder != "workflows" or not re.search(r"^@workflow\.defn\b", source.text, re.MULTILINE):
        return
    blocks = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.With) and "imports_passed_through" in ast.dump(node.items[0].context_expr)
    ]
    if len(blocks) > 1:
        yield blocks[1].lineno, "a second block of imports_passed_through(): a workflow's file has exactly one"
    passed = {id(node) for block in blocks for node, _ in source.imports(block)}
    for node, name in source.imports():
        if name.split(".")[0] in OURS and id(node) not in passed:
            yield (
                node.lineno,
                (
                    f"imports {name} outside imports_passed_through(): the sandbox would load it again for every "
                    "workflow, and isinstance on its types is silently False"
                ),
            )


RULES: tuple[Rule, ...] = (
    import_direction, the_check_is_apart, domain_is_pure, one_clock, one_committer, writers, gateways_speak_http,
    workflow_imports,
)  # fmt: skip


def text_findings_in(path: str, text: str, *, pages: set[str]) -> list[str]:
    """What is wrong with any file of ours, whatever its language. `pages` are the names of the documents that exist."""
    found = []
    is_written = not path.endswith((".md", ".lock", ".csv", ".json", ".svg")) and "/migrations/versions/" not in path
    longest = LONGEST_TEST if str(path).startswith("tests/") else LONGEST_FILE
    if len(lines := text.splitlines()) > longest and is_written:
        found.append(f"{path}: {len(lines)} lines. No file of ours has above {longest}: split it by what it holds")
    for number, line in enumerate(lines, 1):
        if match := WORKPLACE.search(line):
            found.append(
                f"{path}:{number}: “{match.group()}” exists on one machine or desk only, not for readers of this"
            )
        for page in PAGE.findall(line):
            if page.split("/")[-1] not in pages:
                found.append(f"{path}:{number}: cites {page}, which is not in the repository")
    return found
