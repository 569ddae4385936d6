"""The house's own rules, which no general linter knows: `python -m tools.house`.

* scope-first: every public coroutine of an engine operation takes `Scope` (or `Scopes`) first.
* write-verbs: `engine/` and `api/` never use the adapter's write verbs; they commit changes.
* host-free: no lock file names a registry, so locks install from any index or mirror.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "alertwhisperer"

WRITE_VERBS = frozenset({"insert_one", "insert_many", "update_one", "update_many", "delete_one", "delete_many"})
# They serve operations and loops rather than being operations, and work for every company.
INFRASTRUCTURE = frozenset(
    {"state.py", "runner.py", "desk.py", "loader.py", "scheduler.py", "counters.py", "rounds.py", "door.py"}
)
# They find out which company it is, make its Scope and hand it on.
SCOPE_MAKERS = frozenset({("ingest.py", "receive"), ("retention.py", "sweep_all")})
SCOPES = frozenset({"Scope", "Scopes"})
FOREIGN_LOCKS = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "yarn.lock")
INDEX_OPTION = re.compile(r"^\s*(--(extra-)?index-url|--find-links|-i|-f)\b")
NPMRC_REGISTRY = re.compile(r"^\s*(@[^:]+:)?registry\s*=|^\s*//")

Coroutine = ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule at one line of one file."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def public_coroutines(tree: ast.Module) -> Iterator[tuple[Coroutine, bool]]:
    """Yield (coroutine, is a method) for what a stranger can call: no underscore on the way."""
    for node in tree.body:
        if isinstance(node, Coroutine) and not node.name.startswith("_"):
            yield node, False
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, Coroutine) and not member.name.startswith("_"):
                    yield member, True


def is_static(node: Coroutine) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def first_annotation(node: Coroutine, *, is_method: bool) -> str:
    """Return the last name of the first real argument's annotation, or an empty string."""
    arguments = [*node.args.posonlyargs, *node.args.args]
    if is_method and not is_static(node):
        arguments = arguments[1:]
    if not arguments or arguments[0].annotation is None:
        return ""
    return ast.unparse(arguments[0].annotation).strip("'\"").rsplit(".", 1)[-1]


def scope_first(path: Path, tree: ast.Module) -> Iterator[Violation]:
    for node, is_method in public_coroutines(tree):
        makes_scope = (path.name, node.name) in SCOPE_MAKERS
        if not makes_scope and first_annotation(node, is_method=is_method) not in SCOPES:
            yield Violation(path, node.lineno, f"{node.name} must take a Scope as first argument")


def write_verbs(path: Path, tree: ast.Module) -> Iterator[Violation]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in WRITE_VERBS:
            yield Violation(path, node.lineno, f"{node.attr} bypasses the log: commit a Change")


def parsed(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def code_violations(package: Path) -> Iterator[Violation]:
    for path, tree in parsed(package / "engine"):
        yield from write_verbs(path, tree)
        if path.name not in INFRASTRUCTURE:
            yield from scope_first(path, tree)
    for path, tree in parsed(package / "api"):
        yield from write_verbs(path, tree)


def requirements_violations(path: Path) -> Iterator[Violation]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if "://" in line or INDEX_OPTION.match(line):
            yield Violation(path, number, "a lock must not name an index or a host")


def npm_lock_violations(path: Path) -> Iterator[Violation]:
    lock = json.loads(path.read_text(encoding="utf-8"))
    for place, entry in lock.get("packages", {}).items():
        if "://" in str(entry.get("resolved", "")):
            yield Violation(path, 1, f"{place} records the registry it came from")


def npmrc_violations(path: Path) -> Iterator[Violation]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if NPMRC_REGISTRY.match(line):
            yield Violation(path, number, "the project must not choose a registry")


def lock_violations(root: Path) -> Iterator[Violation]:
    for path in sorted((root / "requirements").glob("*.txt")):
        yield from requirements_violations(path)
    for folder in (root, root / "frontend"):
        for name in FOREIGN_LOCKS:
            if (folder / name).exists():
                yield Violation(folder / name, 1, "this kind of lock records a registry")
        if (folder / "package-lock.json").exists():
            yield from npm_lock_violations(folder / "package-lock.json")
        if (folder / ".npmrc").exists():
            yield from npmrc_violations(folder / ".npmrc")


def main() -> None:
    violations = [*code_violations(PACKAGE), *lock_violations(ROOT)]
    for violation in violations:
        print(violation)
    if violations:
        sys.exit(1)
    print("house rules: kept")


if __name__ == "__main__":
    main()
