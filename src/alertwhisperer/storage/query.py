"""MongoDB's query language, as far as every engine can hold it: parsed once into a small tree.

Refused alike on every engine, because some engine could not answer it as MongoDB does: comparing with a whole object
or list, and path steps that are all digits (a position in a list, or a key?).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Query, Sort
from alertwhisperer.storage.values import Scalar, check_key, check_value

Path = tuple[str, ...]
Comparison = Literal["eq", "gt", "gte", "lt", "lte"]

DEPTH_AT_MOST: Final = 20


class Compare(Struct, frozen=True, gc=False):
    """Some value at the path compares so with the operand, within the operand's type."""

    path: Path
    op: Comparison
    operand: Scalar


class In(Struct, frozen=True):
    """Some value at the path equals one of the operands (null: or is missing)."""

    path: Path
    operands: tuple[Scalar, ...]


class Exists(Struct, frozen=True):
    """The path leads to something, be it null."""

    path: Path


class Not(Struct, frozen=True):
    """The condition does not hold."""

    condition: "Condition"


class And(Struct, frozen=True):
    """All conditions hold; true if there are none."""

    conditions: tuple["Condition", ...]


class Or(Struct, frozen=True):
    """At least one condition holds."""

    conditions: tuple["Condition", ...]


Condition = Compare | In | Exists | Not | And | Or


class By(Struct, frozen=True):
    """One step of a sort."""

    path: Path
    descending: bool


class Projection(Struct, frozen=True):
    """Which paths to keep, or (if not `keep`) to leave out."""

    paths: tuple[Path, ...]
    keep: bool


_COMPARISONS: Final[dict[str, Comparison]] = {"$eq": "eq", "$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}


def parse_query(query: Query, depth: int = 0) -> And:
    """The tree of a query. Invalid, naming the path, for an operator or operand that is not of the language."""
    if depth > DEPTH_AT_MOST:
        raise Invalid(f"a query must not be nested deeper than {DEPTH_AT_MOST} levels")
    conditions: list[Condition] = []
    for name, operand in query.items():
        if name in {"$and", "$or"}:
            parts = tuple(parse_query(each, depth + 1) for each in _queries(name, operand))
            conditions.append(And(parts) if name == "$and" else Or(parts))
        else:
            conditions += _field(parse_path(name), name, operand)
    return And(tuple(conditions))


def parse_path(name: object) -> Path:
    """The steps of a dotted path."""
    if not isinstance(name, str) or not name:
        raise Invalid("a path must be a text of at least one character")
    if name.startswith("$"):
        raise Invalid(f"{name} is not an operator here", name)
    steps = tuple(name.split("."))
    for step in steps:
        if not step:
            raise Invalid("a path must have no empty step", name)
        if step.isdecimal():
            raise Invalid("a step of a path must not be all digits: a place in a list cannot be told from a key", name)
        check_key(step, "")
    return steps


def parse_sort(sort: Sort) -> tuple[By, ...]:
    """The steps of a sort: 1 ascending, -1 descending; a path at most once."""
    steps = [By(parse_path(name), _descending(name, direction)) for name, direction in sort]
    if len({step.path for step in steps}) != len(steps):
        raise Invalid("a sort must name each path once")
    return tuple(steps)


def parse_projection(projection: Mapping[str, int] | None) -> Projection | None:
    """What to return of a document; None for all of it."""
    if not projection:
        return None
    for name, flag in projection.items():
        if flag not in {0, 1}:
            raise Invalid("a projection says 1 to keep a path, or 0 to leave it out", name)
    if len(set(map(bool, projection.values()))) > 1:
        raise Invalid("a projection either keeps paths or leaves them out")
    paths = tuple(parse_path(name) for name in projection)
    check_apart(paths)
    return Projection(paths, keep=bool(next(iter(projection.values()))))


def check_apart(paths: Sequence[Path]) -> None:
    """Invalid if one path lies on or within another."""
    ordered = sorted(paths)
    for one, other in pairwise(ordered):
        if other[: len(one)] == one:
            raise Invalid("is named twice, or lies within another path", ".".join(other))


def check_limit(limit: int | None) -> int | None:
    """Invalid unless the limit is a count of at least one, or None for no limit."""
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise Invalid("must be at least 1", "limit")
    return limit


def _queries(name: str, operand: object) -> list[Query]:
    if not isinstance(operand, list | tuple) or not operand or not all(isinstance(each, Mapping) for each in operand):
        raise Invalid(f"{name} takes a list of at least one query", name)
    return list(operand)


def _field(path: Path, name: str, operand: object) -> list[Condition]:
    if not isinstance(operand, Mapping):
        return [Compare(path, "eq", _scalar(operand, name))]
    if not operand or not all(isinstance(key, str) and key.startswith("$") for key in operand):
        raise Invalid("cannot be compared with a whole object; name its fields by dotted paths", name)
    return [_operator(path, name, operator, each) for operator, each in operand.items()]


def _operator(path: Path, name: str, operator: str, operand: object) -> Condition:
    if operator in _COMPARISONS:
        return Compare(path, _COMPARISONS[operator], _scalar(operand, name))
    match operator:
        case "$ne":
            return Not(Compare(path, "eq", _scalar(operand, name)))
        case "$in":
            return In(path, _scalars(operand, name))
        case "$nin":
            return Not(In(path, _scalars(operand, name)))
        case "$exists":
            if not isinstance(operand, bool):
                raise Invalid("$exists takes true or false", name)
            return Exists(path) if operand else Not(Exists(path))
        case _:
            raise Invalid(f"{operator} is not an operator of this query language", name)


def _scalar(operand: object, name: str) -> Scalar:
    if operand is None or isinstance(operand, str | int | float):
        check_value(operand, name)
        return operand
    raise Invalid("can only be compared with a text, a number, a boolean or null", name)


def _scalars(operand: object, name: str) -> tuple[Scalar, ...]:
    if not isinstance(operand, list | tuple | set | frozenset):
        raise Invalid("$in and $nin take a list", name)
    return tuple(_scalar(each, name) for each in operand)


def _descending(name: str, direction: object) -> bool:
    if direction not in {1, -1}:
        raise Invalid("a sort goes 1 (ascending) or -1 (descending)", name)
    return direction == -1
