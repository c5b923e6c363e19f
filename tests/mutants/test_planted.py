"""The planted leaks and bugs still fit the code, and planting one works; that each is caught is `make mutants`."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from tests.mutants.planted import LISTS, ROOT, copy_project, is_caught, load

LEAST = {"leak": 24, "bug": 30}


def test_every_planted_leak_fits_the_code_and_names_tests_that_are_there() -> None:
    mutants = load()
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    for kind, path in LISTS.items():
        assert len(tomllib.loads(path.read_text(encoding="utf-8"))[kind]) >= LEAST[kind]
    for mutant in mutants:
        broken = mutant.planted_in((ROOT / mutant.file).read_text(encoding="utf-8"))
        ast.parse(broken)  # a leak that does not run is caught by anything
        assert mutant.caught_by, mutant.name
        for test in mutant.caught_by:
            file, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{mutant.name}: {test}"


def test_a_leak_is_planted_in_a_copy_and_caught(tmp_path: Path) -> None:
    copy_project(tmp_path)
    leak = next(mutant for mutant in load() if mutant.name == "revoked-consent")
    whole = (tmp_path / leak.file).read_bytes()
    assert is_caught(tmp_path, leak)
    assert (tmp_path / leak.file).read_bytes() == whole
    assert (ROOT / leak.file).read_bytes() == whole, "the project itself is never touched"
