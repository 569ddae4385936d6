"""The reference of the query language, in plain Python: what every engine's translation is compared with.

It is also what engines use where they have no words of their own. Semantics are MongoDB's (manual, "Query Arrays",
"Query for Null or Missing Fields", "Comparison/Sort Order").
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from alertwhisperer.storage.query import And, By, Compare, Condition, Exists, In, Not, Or, Path, Projection
from alertwhisperer.storage.values import MISSING, Rank, Scalar, order, rank, same

D = TypeVar("D", bound=Mapping[str, object])
SortKey = tuple[int, int | float, str]
Best = Callable[[Iterable[SortKey]], SortKey]

_UNDEFINED: SortKey = (Rank.EMPTY, 0, "")
_NULL = order(None)


def matches(document: Mapping[str, object], condition: Condition) -> bool:
    """Whether the condition holds for the document."""
    match condition:
        case And(conditions):
            return all(matches(document, each) for each in conditions)
        case Or(conditions):
            return any(matches(document, each) for each in conditions)
        case Not(inner):
            return not matches(document, inner)
        case Exists(path):
            return any(value is not MISSING for value in _ends(document, path))
        case In(path, operands):
            return any(same(value, each) for value in _candidates(document, path) for each in operands)
        case Compare(path, op, operand):
            return any(_compares(value, op, operand) for value in _candidates(document, path))


def _compares(value: object, op: str, operand: Scalar) -> bool:
    """Comparisons stay within the operand's type; null compares only as equal."""
    if rank(value) != rank(operand):
        return False
    if op == "eq" or operand is None:
        return op in {"eq", "gte", "lte"} and same(value, operand)
    one, other = order(value), order(operand)
    return (
        (one > other or (op == "gte" and one == other))
        if op[0] == "g"
        else one < other or (op == "lte" and one == other)
    )


def _candidates(document: Mapping[str, object], path: Path) -> Iterator[object]:
    """What a condition looks at: the values at the path, lists also element by element."""
    for value in _ends(document, path):
        if isinstance(value, list):
            yield from value
        yield value


def _ends(value: object, path: Path) -> Iterator[object]:
    """The values at the end of a path. A list on the way stands for its objects; its other elements lead nowhere."""
    if not path:
        yield value
    elif not isinstance(value, Mapping):
        yield MISSING
    else:
        child = value.get(path[0], MISSING)
        if len(path) > 1 and isinstance(child, list):
            for element in child:
                if isinstance(element, Mapping):
                    yield from _ends(element, path[1:])
        else:
            yield from _ends(child, path[1:])


def _sort_ends(value: object, path: Path) -> Iterator[SortKey]:
    """The sort keys at the end of a path, as MongoDB's indexes have them.

    Here a list's other elements count as null, and so does an empty list on the way; an empty list at the end comes
    before null.
    """
    child = value.get(path[0], MISSING) if isinstance(value, Mapping) else MISSING
    if len(path) == 1:
        if isinstance(child, list):
            yield from [order(each) for each in child] or [_UNDEFINED]
        else:
            yield order(child)
    elif isinstance(child, list):
        for element in child:
            yield from _sort_ends(element, path[1:])
        if not child:
            yield _NULL
    else:
        yield from _sort_ends(child, path[1:])


def sort_documents(documents: Iterable[D], steps: Sequence[By], then: Sequence[By]) -> list[D]:
    """The documents sorted by `steps`, ties by `then` (the key).

    A list sorts by its least element ascending, by its greatest descending.
    """
    ordered = list(documents)
    for step in reversed((*steps, *then)):
        ordered.sort(key=partial(sort_key, by=step), reverse=step.descending)
    return ordered


def sort_key(document: Mapping[str, object], by: By) -> SortKey:
    """What the document sorts by at one step."""
    best: Best = max if by.descending else min
    return best(_sort_ends(document, by.path))


def project(document: dict[str, object], projection: Projection | None) -> dict[str, object]:
    """What a projection leaves of a document."""
    if projection is None:
        return document
    tree = _tree(projection.paths)
    return _kept(document, tree) if projection.keep else _without(document, tree)


Tree = dict[str, "Tree"]


def _tree(paths: Iterable[Path]) -> Tree:
    root: Tree = {}
    for path in paths:
        at = root
        for step in path:
            at = at.setdefault(step, {})
    return root


def _kept(document: Mapping[str, object], tree: Tree) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, value in document.items():
        below = tree.get(name)
        if below is None:
            continue
        if not below:
            kept[name] = value
        elif isinstance(value, Mapping):
            kept[name] = _kept(value, below)
        elif isinstance(value, list):
            kept[name] = _kept_list(value, below)
    return kept


def _kept_list(values: list[object], tree: Tree) -> list[object]:
    kept: list[object] = []
    for value in values:
        if isinstance(value, Mapping):
            kept.append(_kept(value, tree))
        elif isinstance(value, list):
            kept.append(_kept_list(value, tree))
    return kept


def _without(document: Mapping[str, object], tree: Tree) -> dict[str, object]:
    return {
        name: _left(value, tree[name]) if name in tree else value
        for name, value in document.items()
        if name not in tree or tree[name]
    }


def _left(value: object, tree: Tree) -> object:
    if isinstance(value, Mapping):
        return _without(value, tree)
    if isinstance(value, list):
        return [_left(each, tree) for each in value]
    return value
