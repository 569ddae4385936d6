"""Print how the code stands against the sizes that CONTRIBUTING names: `python -m tools.sizes [folder]`.

Function length is in lines, from `def` to the last line, decorators left out. Complexity is McCabe's: one, and
one more for each branch; comprehensions, conditional expressions, `and` and `or` count too, which ruff's C901 leaves
out. A handler is broad when it catches everything or Exception.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "alertwhisperer"

Function = ast.FunctionDef | ast.AsyncFunctionDef
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)
BROAD = frozenset({"Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class FunctionSize:
    """What is measured of one function."""

    place: str
    lines: int
    complexity: int
    arguments: int
    is_annotated: bool


def percentile(values: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile; 0 for no values."""
    if not values:
        return 0
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1]


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function, but not those of functions and classes inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def complexity(function: Function) -> int:
    total = 1
    for node in own_nodes(function):
        if isinstance(node, BRANCHES):
            total += 1
        elif isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
    return total


def arguments(function: Function) -> list[ast.arg]:
    every = function.args
    rest = [argument for argument in (every.vararg, every.kwarg) if argument is not None]
    return [*every.posonlyargs, *every.args, *every.kwonlyargs, *rest]


def is_annotated(function: Function) -> bool:
    named = [argument for argument in arguments(function) if argument.arg not in {"self", "cls"}]
    return function.returns is not None and all(argument.annotation is not None for argument in named)


def measure(path: Path, function: Function) -> FunctionSize:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    counted = [argument for argument in arguments(function) if argument.arg not in {"self", "cls"}]
    place = f"{path}:{function.lineno} {function.name}"
    return FunctionSize(place, lines, complexity(function), len(counted), is_annotated(function))


def is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in names)


def import_cycles(package: str) -> list[tuple[str, ...]]:
    """Return the shortest cycle through each module that imports itself in the end."""
    graph = grimp.build_graph(package, cache_dir=None)
    cycles = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            back = graph.find_shortest_chain(imported, module)
            if back:
                cycles.add(tuple(sorted(set(back))))
    return sorted(cycles)


def spread(values: Iterable[int]) -> str:
    every = list(values)
    return f"median {percentile(every, 50)}, p90 {percentile(every, 90)}, max {max(every, default=0)}"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part} of {whole})" if whole else "none"


def report(folder: Path) -> str:
    """Return the figures of every Python file under a folder."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    nodes = [(path.relative_to(folder), node) for path, tree in trees.items() for node in ast.walk(tree)]
    functions = [measure(path, node) for path, node in nodes if isinstance(node, Function)]
    handlers = [node for _, node in nodes if isinstance(node, ast.ExceptHandler)]
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in trees]
    longest = sorted(functions, key=lambda function: -function.lines)[:5]
    hardest = sorted(functions, key=lambda function: -function.complexity)[:5]
    return "\n".join(
        [
            f"files                 {len(trees)}: {spread(lengths)} lines",
            f"functions             {len(functions)}: {spread(f.lines for f in functions)} lines",
            f"complexity            {spread(f.complexity for f in functions)}",
            f"arguments             {spread(f.arguments for f in functions)}",
            f"fully annotated       {share(sum(f.is_annotated for f in functions), len(functions))}",
            f"broad except          {share(sum(map(is_broad, handlers)), len(handlers))}",
            "longest               " + "; ".join(f"{f.place} {f.lines}" for f in longest),
            "most complex          " + "; ".join(f"{f.place} {f.complexity}" for f in hardest),
        ]
    )


def main(folders: list[str]) -> None:
    for folder in map(Path, folders or [str(PACKAGE)]):
        print(report(folder))
    if not folders:
        cycles = import_cycles("alertwhisperer")
        print(f"import cycles         {len(cycles)} {'; '.join(' -> '.join(c) for c in cycles)}".rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
