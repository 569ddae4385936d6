"""The report of sizes counts what it says it counts."""

import ast
import sys
from pathlib import Path

import pytest

from tools import sizes

SOURCE = """
def plain(a: int) -> int:
    return a


def branching(a, b: int):
    if a and b:
        for i in range(b):
            pass
    try:
        return [x for x in a if x]
    except (ValueError, Exception):
        def inner() -> None:
            if b:
                pass
    return None
"""


def functions() -> dict[str, sizes.FunctionSize]:
    found = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, sizes.Function)]
    return {node.name: sizes.measure(Path("a.py"), node) for node in found}


def test_lines_branches_and_annotations_are_counted() -> None:
    measured = functions()
    assert (measured["plain"].lines, measured["plain"].complexity, measured["plain"].is_annotated) == (2, 1, True)
    # one, if, and, for, comprehension, except; the inner function's branch is its own
    assert (measured["branching"].complexity, measured["branching"].is_annotated) == (6, False)
    assert measured["inner"].complexity == 2


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (90, 9), (100, 10)])
def test_percentiles_are_by_nearest_rank(percent: int, value: int) -> None:
    assert sizes.percentile(range(1, 11), percent) == value


def test_a_broad_handler_is_told_from_a_narrow_one(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SOURCE)
    (tmp_path / "b.py").write_text("try:\n    pass\nexcept OSError:\n    pass\n")
    assert "broad except          50.0 % (1 of 2)" in sizes.report(tmp_path)


def test_an_import_cycle_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "ring_of_two"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from ring_of_two import b\n")
    (package / "b.py").write_text("from ring_of_two import a\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert sizes.import_cycles("ring_of_two") == [("ring_of_two.a", "ring_of_two.b")]


def test_our_own_package_has_no_import_cycle() -> None:
    assert sizes.import_cycles("alertwhisperer") == []
