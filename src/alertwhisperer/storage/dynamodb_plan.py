"""Which way leads to what a query asks for: by key, guard, range, index, or not at all without a scan.

A way may lead to more than what matches: whoever walks it compares every document with the whole query. It never leads
to less.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Key
from alertwhisperer.schema import Collection, Gsi, Index, When
from alertwhisperer.storage.dynamodb_items import (
    NOT_A_TEXT,
    attribute,
    digest,
    hash_of,
    is_key_text,
    is_possible_key,
    made_keys,
)
from alertwhisperer.storage.query import And, Compare, Condition, In, Not
from alertwhisperer.storage.render import INTEGER_FIELDS, columns
from alertwhisperer.storage.values import Scalar, is_key_size

Cost = Literal["items", "range", "index", "partition", "table"]
Bound = str | int | float


class Span(Struct, frozen=True):
    """A stretch of one partition. `sort` is the condition on the sort key: (operator, operands …), empty for all."""

    partition: str | int
    sort: tuple[Bound, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """A way: `keys` one by one, holders of `guards`, `spans` of the table or of an index, the roster, or a scan.

    ordered: it comes in the order of the table's sort key. exact: an index's entries are just what matches.
    """

    way: Literal["keys", "guards", "spans", "roster", "scan"]
    cost: Cost
    keys: tuple[Key, ...] = ()
    guards: tuple[str, ...] = ()
    gsi: Gsi | None = None
    spans: tuple[Span, ...] = ()
    ordered: bool = False
    exact: bool = False


class Facts:
    """What must be true, by its conditions that all hold at once, of a document's fields."""

    def __init__(self, tree: And) -> None:
        self.conditions: Final = tuple(_flat(tree))

    def values(self, name: str) -> tuple[Scalar, ...] | None:
        """The only values that the field may have; None if any."""
        known: list[Scalar] | None = None
        for each in self.conditions:
            found = _values(each, name)
            if found is not None:
                known = list(found) if known is None else [one for one in known if one in found]
        return None if known is None else tuple(dict.fromkeys(known))

    def excluded(self, name: str) -> frozenset[Scalar]:
        """Values that the field does not have."""
        found = [_values(each.condition, name) or () for each in self.conditions if isinstance(each, Not)]
        return frozenset(value for values in found for value in values)

    def bound(self, name: str, way: Literal["g", "l"]) -> tuple[str, Bound] | None:
        """(operator, operand) of the first lower or upper bound of the field."""
        kind = int | float if name in INTEGER_FIELDS else str
        for each in self.conditions:
            if isinstance(each, Compare) and each.path == (name,) and each.op[0] == way:
                operand = each.operand
                if isinstance(operand, kind) and not isinstance(operand, bool) and _is_sayable(operand):
                    sign = ">" if way == "g" else "<"
                    return (sign if each.op in {"gt", "lt"} else f"{sign}="), operand
        return None

    def keys(self, name: str) -> tuple[str | int, ...] | None:
        """The only values that a field of a key may have."""
        known = self.values(name)
        if known is None:
            return None
        if name in INTEGER_FIELDS:
            return tuple(each for each in map(_whole, known) if each is not None)
        return tuple(each for each in known if isinstance(each, str) and _is_sayable(each))

    def implies(self, when: When) -> bool:
        """Whether every document that matches is among those of a partial index."""
        known = self.values(when.field)
        if when.equals:
            return known == (when.value,)
        if known is not None:
            return when.value not in known
        return when.value in self.excluded(when.field)


def _is_sayable(operand: Scalar) -> bool:
    """Whether DynamoDB takes it as a key's value: not the empty text, nor one longer than any key."""
    return not isinstance(operand, str) or is_key_size(operand)


def _whole(value: Scalar) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value)


def _flat(tree: And) -> Iterator[Condition]:
    for each in tree.conditions:
        if isinstance(each, And):
            yield from _flat(each)
        else:
            yield each


def _values(condition: Condition, name: str) -> tuple[Scalar, ...] | None:
    match condition:
        case Compare(path, "eq", operand) if path == (name,):
            return (operand,)
        case In(path, operands) if path == (name,):
            return operands
        case _:
            return None


def guard_of(index: Index, values: Sequence[object]) -> str:
    """The name of the item that holds a unique field's value: `email#ada@acme.example`, `name#acme#db-01`."""
    texts = [str(value) for value in values]
    name = "#".join((index.fields[-1], *texts))
    whole = len(name) <= 500 and not any("#" in text for text in texts[:-1])  # noqa: PLR2004  # a key holds 2,048 bytes
    return name if whole else f"{index.fields[-1]}##{hash_of(texts).hex()}"


def choose(collection: Collection, tree: And, *, limited: bool, allow_scan: bool) -> Plan:
    """The cheapest way. Invalid, naming the partition key, if there is none but a scan and that is not allowed."""
    facts = Facts(tree)
    for way in (_by_key, _by_guard, _by_made_key, _by_range, _by_index):
        plan = way(collection, facts, limited)
        if plan is not None:
            return plan
    partitions = facts.keys(collection.key[0])
    if partitions is not None:
        return Plan(
            way="spans", cost="partition", spans=tuple(Span(each) for each in partitions), ordered=len(partitions) == 1
        )
    if len(collection.key) == 1:
        return Plan(way="roster", cost="partition")
    if allow_scan:
        return Plan(way="scan", cost="table")
    raise Invalid(f"a query of {collection.name} must name its {collection.key[0]}", collection.key[0])


def _by_key(collection: Collection, facts: Facts, _: bool) -> Plan | None:  # noqa: FBT001  # the ways share a form
    fields = [facts.keys(name) for name in collection.key]
    known = [each for each in fields if each is not None]
    if len(known) < len(fields):
        return None
    keys = tuple(key for key in product(*known) if is_possible_key(collection, key))
    return Plan(way="keys", cost="items", keys=keys)


def _by_guard(collection: Collection, facts: Facts, _: bool) -> Plan | None:  # noqa: FBT001
    for index in collection.indexes:
        fields = [facts.values(name) for name in index.fields]
        known = [each for each in fields if each is not None and all(isinstance(one, str) for one in each)]
        if index.unique and len(known) == len(fields):
            return Plan(way="guards", cost="items", guards=tuple(guard_of(index, each) for each in product(*known)))
    return None


def _by_made_key(collection: Collection, facts: Facts, _: bool) -> Plan | None:  # noqa: FBT001
    """By an index whose partition, or sort key, is made of fields that are all known."""
    for gsi in collection.gsis:
        if gsi.when is not None and not facts.implies(gsi.when):
            continue
        if len(gsi.partition) > 1:
            made = _digests(facts, gsi.partition)
            spans = [Span(each) for each in made or ()]
            ordered = len(spans) == 1 and gsi.sort == collection.key[-1:]
        else:
            is_made = key_names(collection, gsi)[-1] in made_keys(collection)
            made = _digests(facts, gsi.sort) if is_made else None
            partitions = facts.keys(gsi.partition[0])
            spans = [Span(part, ("=", each)) for part in partitions or () for each in made or ()]
            made = made if partitions is not None else None
            ordered = False
        if made is not None:
            return Plan(way="spans", cost="index", gsi=gsi, spans=tuple(spans), ordered=ordered)
    return None


def _digests(facts: Facts, names: Sequence[str]) -> list[str] | None:
    fields = [facts.values(name) for name in names]
    known = [each for each in fields if each is not None and all(isinstance(one, str) for one in each)]
    return [digest(each) for each in product(*known)] if len(known) == len(fields) else None


def _by_range(collection: Collection, facts: Facts, _: bool) -> Plan | None:  # noqa: FBT001
    partitions = facts.keys(collection.key[0])
    if partitions is None or len(collection.key) == 1:
        return None
    sort = _stretch(facts, collection.key[1])
    if not sort:
        return None
    spans = tuple(Span(each, sort) for each in partitions)
    return Plan(way="spans", cost="range", spans=spans, ordered=len(spans) == 1)


def _stretch(facts: Facts, name: str) -> tuple[Bound, ...]:
    low, high = facts.bound(name, "g"), facts.bound(name, "l")
    if low and high:
        # Both ends are in it: there is no other form of two bounds. A low end above the high one is refused.
        return ("between", low[1], high[1]) if _rises(low[1], high[1]) else ("=", low[1])
    return low or high or ()


def _rises(low: Bound, high: Bound) -> bool:
    if isinstance(low, str) or isinstance(high, str):
        return str(low).encode() <= str(high).encode()
    return low <= high


def _by_index(collection: Collection, facts: Facts, limited: bool) -> Plan | None:  # noqa: FBT001
    """By an index of the few, or of a stretch of its sort field."""
    partitions = facts.keys(collection.key[0])
    for gsi in collection.gsis if partitions is not None else ():
        if gsi.partition != collection.key[:1]:
            continue
        sorts = _sorts(collection, gsi, facts, limited=limited)
        if sorts is not None:
            spans = tuple(Span(part, sort) for part in partitions or () for sort in sorts)
            return Plan(way="spans", cost="index", gsi=gsi, spans=spans, exact=_is_exact(collection, gsi, facts))
    return None


def _sorts(collection: Collection, gsi: Gsi, facts: Facts, *, limited: bool) -> list[tuple[Bound, ...]] | None:
    """The stretches of an index's sort key that hold all that matches; None if the index is no help."""
    if gsi.when is not None:
        return [()] if facts.implies(gsi.when) else None
    name = gsi.sort[0]
    known = facts.values(name)
    few = gsi.of is not None and facts.implies(gsi.of)
    odd: list[tuple[Bound, ...]] = [("=", NOT_A_TEXT)]
    if known is not None and (few or not limited):
        texts = sorted(each for each in known if isinstance(each, str) and is_key_text(each))
        return [("=", each) for each in texts] + odd * (not _only_texts(collection, name, known))
    if few:
        return _gaps(sorted(each for each in facts.excluded(name) if isinstance(each, str) and is_key_text(each)))
    low, high = facts.bound(name, "g"), facts.bound(name, "l")
    return [_stretch(facts, name), *odd] if low and (high or not limited) else None


def _only_texts(collection: Collection, name: str, known: Sequence[Scalar]) -> bool:
    """Whether what has one of these values has it as a key of the index."""
    return name in columns(collection) and all(is_key_text(each) for each in known)


def _gaps(texts: Sequence[str]) -> list[tuple[Bound, ...]]:
    """What lies between some texts; the inner ends may be in it."""
    between: list[tuple[Bound, ...]] = [("between", low, high) for low, high in pairwise(texts)]
    return [("<", texts[0]), *between, (">", texts[-1])]


def _is_exact(collection: Collection, gsi: Gsi, facts: Facts) -> bool:
    """Whether nothing is asked but the partition and what the index says itself."""
    when = gsi.when or gsi.of
    if when is None or collection.expires:
        return False
    rest = [each for each in facts.conditions if _values(each, collection.key[0]) is None]
    if rest == [Not(Compare((when.field,), "eq", when.value))]:
        return not when.equals
    known = facts.values(when.field)
    said = gsi.when is None and known is not None and _only_texts(collection, when.field, known)
    return said and len(rest) == 1 and _values(rest[0], when.field) is not None


def described(collection: Collection, plan: Plan) -> str:
    """The condition on keys, in words like DynamoDB's own."""
    match plan.way:
        case "keys":
            return f"{' and '.join(collection.key)} = … ({len(plan.keys)} keys)"
        case "guards":
            return f"guard = {' or '.join(plan.guards)}"
        case "spans":
            names = key_names(collection, plan.gsi)
            return " or ".join(_said(names, span) for span in plan.spans) or "nothing can match"
        case _:
            return ""


def _said(names: Sequence[str], span: Span) -> str:
    first = f"{names[0]} = {span.partition!r}"
    if not span.sort:
        return first
    operator, *operands = span.sort
    return f"{first} and {names[1]} {operator} {' and '.join(map(repr, operands))}"


def key_names(collection: Collection, gsi: Gsi | None) -> list[str]:
    """The attributes that are the keys of the table or of an index."""
    if gsi is None:
        return list(collection.key)
    return [attribute(collection, gsi, fields) for fields in (gsi.partition, gsi.sort) if fields]
