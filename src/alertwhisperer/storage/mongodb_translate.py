"""The query language as MongoDB's own filters, made from the parsed tree, with the index to use.

MongoDB's meaning is the reference, so a condition is its own translation. What MongoDB cannot look at (the packed part
of a large document), and sorts that it does otherwise, are left to `match.py`: see `Ask`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeGuard

from bson import MaxKey, MinKey
from msgspec import Struct

from alertwhisperer.ports import Key
from alertwhisperer.schema import Collection, Index, When
from alertwhisperer.storage.match import sort_key
from alertwhisperer.storage.mongodb_documents import ID, escaped, native_fields, stored_key
from alertwhisperer.storage.query import And, By, Compare, Condition, Exists, In, Not, Or, Path
from alertwhisperer.storage.render import INTEGER_FIELDS, columns
from alertwhisperer.storage.render_mongodb import condition, indexes_of
from alertwhisperer.storage.values import Rank, Scalar

Filter = dict[str, object]
Sorting = list[tuple[str, int]]

KEY_INDEX: Final = "_id_"


class Ask(Struct, frozen=True):
    """What to ask of MongoDB, and what is left to do with the answer.

    `rest` is looked at document by document here. `sort` is None if MongoDB would not sort as the house does.
    """

    filter: Filter
    hint: str | None
    sort: Sorting | None
    rest: And | None


def translate(
    collection: Collection,
    tree: And,
    steps: Sequence[By] = (),
    *,
    key_descending: bool = False,
    before: Key | None = None,
) -> Ask:
    """The question that a query and a sort (ties by key) are."""
    below: list[Filter] = []
    if before is not None and _partition(collection, tree) == before[0] and len(before) > 1:
        # The same within one partition, and so said that an index that ends in the sort field can begin there.
        tree = And((*tree.conditions, Compare((collection.key[-1],), "lt", before[-1])))
    elif before is not None:
        below.append({ID: {"$lt": stored_key(collection, before)}})
    facts = tuple(_facts(tree))
    native, rest = _divided(collection, tree)
    index = _index(collection, facts)
    wanted = _index_conditions(collection, index) if index else _key_conditions(collection, tree)
    hint = index.name if index else (KEY_INDEX if wanted or below else None)
    parts = [*(_filter(each) for each in native), *wanted, *below]
    sort = _sorting(collection, steps, _partition(collection, tree), index, key_descending=key_descending)
    return Ask({"$and": parts} if parts else {}, hint, sort, And(rest) if rest else None)


def _facts(tree: Condition) -> Iterator[Condition]:
    """The conditions that all must hold."""
    if isinstance(tree, And):
        for each in tree.conditions:
            yield from _facts(each)
    else:
        yield tree


# ---------------------------------------------------------------- conditions


def _filter(tree: Condition) -> Filter:
    match tree:
        case And(conditions):
            return {"$and": [_filter(each) for each in conditions]} if conditions else {}
        case Or(conditions):
            return {"$or": [_filter(each) for each in conditions]}
        case Not(inner):
            return {"$nor": [_filter(inner)]}
        case Exists(path):
            return {_dotted(path): {"$exists": True}}
        case In(path, operands):
            return {_dotted(path): {"$in": list(operands)}}
        case Compare(path, op, operand):
            return {_dotted(path): {f"${op}": operand}}


def _dotted(path: Path) -> str:
    return ".".join((escaped(path[0]), *path[1:]))


def _divided(collection: Collection, tree: And) -> tuple[list[Condition], tuple[Condition, ...]]:
    """The conditions that MongoDB can look at, and the others."""
    native = native_fields(collection)
    if native is None:
        return list(tree.conditions), ()
    seen = [all(len(path) == 1 and path[0] in native for path in _paths(each)) for each in tree.conditions]
    there = [each for each, is_seen in zip(tree.conditions, seen, strict=True) if is_seen]
    return there, tuple(each for each, is_seen in zip(tree.conditions, seen, strict=True) if not is_seen)


def _paths(tree: Condition) -> Iterator[Path]:
    match tree:
        case And(conditions) | Or(conditions):
            for each in conditions:
                yield from _paths(each)
        case Not(inner):
            yield from _paths(inner)
        case Exists(path) | In(path, _) | Compare(path, _, _):
            yield path


# ---------------------------------------------------------------- the primary key


def _key_conditions(collection: Collection, tree: And) -> list[Filter]:
    """What a query says of the key, said of `_id`."""
    last = collection.key[-1]
    of_last = [each for each in _facts(tree) if isinstance(each, Compare | In) and each.path == (last,)]
    if len(collection.key) == 1:
        return [{ID: said} for each in of_last for said in _said(collection, each, ())]
    partition = _partition(collection, tree)
    if partition is None:
        return []
    said = [whole_partition(collection, partition)]
    said += [each for fact in of_last for each in _said(collection, fact, (partition,))]
    return [{ID: each} for each in said]


def whole_partition(collection: Collection, partition: str) -> Filter:
    """What holds of the `_id` of every document of a partition."""
    field, last = collection.key
    return {"$gte": {field: partition, last: MinKey()}, "$lte": {field: partition, last: MaxKey()}}


def _said(collection: Collection, fact: Compare | In, within: tuple[str, ...]) -> list[Filter]:
    held: Callable[[Scalar], TypeGuard[str | int]] = (
        _is_text if collection.key[-1] not in INTEGER_FIELDS else _is_integer
    )
    if isinstance(fact, In):
        return [{"$in": [stored_key(collection, (*within, each)) for each in fact.operands if held(each)]}]
    return [{f"${fact.op}": stored_key(collection, (*within, fact.operand))}] if held(fact.operand) else []


def _is_text(operand: Scalar) -> TypeGuard[str]:
    return isinstance(operand, str)


def _is_integer(operand: Scalar) -> TypeGuard[int]:
    return isinstance(operand, int) and not isinstance(operand, bool)


def _partition(collection: Collection, tree: And) -> str | None:
    """The one partition that a query is about; None if it is not about one."""
    for each in _facts(tree):
        match each:
            case Compare((name,), "eq", str() as text) if name == collection.key[0]:
                return text
            case _:
                continue
    return None


# ---------------------------------------------------------------- indexes


def _index(collection: Collection, facts: Sequence[Condition]) -> Index | None:
    """The index to use; None for the primary key, or for none.

    Chosen here: left alone, MongoDB may walk a whole company, since that is in the order asked for.
    """
    named = {field for each in facts for field in _named(each)}
    if named >= set(collection.key):
        return None
    ranged = {each.path[0] for each in facts if isinstance(each, Compare) and isinstance(each.operand, str)}
    best: tuple[float, Index | None] = (1.0 if collection.key[0] in named else 0.0, None)
    for index in indexes_of(collection):
        if index.when is not None and not any(_implies(each, index.when) for each in facts):
            continue
        worth = _worth(collection, index, named, ranged)
        best = (worth, index) if worth > best[0] else best
    return best[1]


def _worth(collection: Collection, index: Index, named: set[str], ranged: set[str]) -> float:
    """How much of an index a query uses; 0 if it cannot, or would have to sort all of a partition."""
    leading = 0
    while leading < len(index.fields) and index.fields[leading] in named:
        leading += 1
    if not leading or (index.unique and leading < len(index.fields)):
        return 0.0
    following = index.fields[leading : leading + 1]
    if following and following[0] in ranged and following[0] != collection.key[-1]:
        return leading + 0.75
    if following and following[0] != collection.key[-1]:
        return 0.0
    return leading + (0.5 if index.when else 0.0)


def _named(fact: Condition) -> tuple[str, ...]:
    """The field of which a condition says that it is one of some texts."""
    match fact:
        case Compare((name,), "eq", str()):
            return (name,)
        case In((name,), operands) if operands and all(isinstance(each, str) for each in operands):
            return (name,)
        case _:
            return ()


def _index_conditions(collection: Collection, index: Index) -> list[Filter]:
    """What makes MongoDB see that a query lies within a partial index."""
    conditions: list[Filter] = [condition(index.when)] if index.when else []
    if index.unique:
        conditions += [{field: {"$gte": ""}} for field in index.fields if field not in collection.key]
    return conditions


def _implies(tree: Condition, when: When) -> bool:
    """Whether every document for which the condition holds is one of the partial index's."""
    match tree:
        case Compare(path, "eq", operand) if path == (when.field,):
            return (operand == when.value) == when.equals
        case In(path, operands) if path == (when.field,):
            return all((operand == when.value) == when.equals for operand in operands)
        case Not(Compare(path, "eq", operand)) if path == (when.field,):
            return operand == when.value and not when.equals
        case _:
            return False


# ---------------------------------------------------------------- sorting


def _sorting(
    collection: Collection, steps: Sequence[By], partition: str | None, index: Index | None, *, key_descending: bool
) -> Sorting | None:
    """MongoDB's sort, if it is known or can be seen to be the house's (`may_differ`); else None."""
    native = native_fields(collection)
    of_documents = [step for step in steps if step.path[0] not in columns(collection)]
    if len(of_documents) > 1 or any(len(step.path) > 1 for step in steps) or (native and of_documents):
        return None
    last = collection.key[-1]
    whole = len(collection.key) == 1 or partition is not None
    by_key = last if index is not None and partition is not None and len(collection.key) > 1 else ID
    sort: Sorting = []
    for step in steps:
        way = -1 if step.descending else 1
        if whole and step.path == (last,):
            return [*sort, (by_key, way)]
        sort.append((escaped(step.path[0]), way))
    return [*sort, (by_key, -1 if key_descending else 1)]


def may_differ(document: Mapping[str, object], steps: Sequence[By]) -> bool:
    """Whether MongoDB may have put the document elsewhere than the house does.

    Within a type MongoDB also orders objects and lists, by what is in them; to the house they are equals.
    """
    return any(sort_key(document, step)[0] in {Rank.OBJECT, Rank.ARRAY} for step in steps)
