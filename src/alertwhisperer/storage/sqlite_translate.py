"""The query language as SQLite's SQL: real columns where there are some, JSON functions for the rest.

Every expression made here is about the row of the one table in hand and gives 1, 0 or NULL (which is "no"). Operands
are always bound, so that queries of one shape are one statement. Must mean what `match.py` means.
"""

# ruff: noqa: S608  # only names of schema.py are put into SQL; every value is bound
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Final

from msgspec import Struct, json

from alertwhisperer.schema import Collection, Index, When
from alertwhisperer.storage.query import And, By, Compare, Condition, Exists, In, Not, Or, Path
from alertwhisperer.storage.render import (
    BLOCK,
    BLOCK_BITS,
    INTEGER_FIELDS,
    ROW,
    condition,
    equal_fields,
    hash_column,
    lookup_hash,
    real_columns,
)
from alertwhisperer.storage.values import Rank, Scalar

Bound = str | int | float | None
_SIGNS: Final = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_HOLDS: Final = {"eq": operator.eq, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_NEVER: Final = "0"


class Sql(Struct, frozen=True, gc=False):
    """A piece of SQL with the values of its `?` in order."""

    text: str
    bound: tuple[Bound, ...] = ()
    source: str = ""
    """The table to ask, with the index to use; of a whole WHERE only."""

    def within(self, template: str) -> "Sql":
        """The same, its text put in the template's `{}`."""
        return Sql(template.format(self.text), self.bound)


def joined(pieces: Iterable[Sql], by: str, empty: str) -> Sql:
    """The pieces, each in brackets, with a word between; `empty` if there are none."""
    each = list(pieces)
    if not each:
        return Sql(empty)
    return Sql(by.join(f"({piece.text})" for piece in each), tuple(value for piece in each for value in piece.bound))


def where(collection: Collection, tree: And) -> Sql:
    """The WHERE of a query, with the words of each partial index that the query implies.

    A condition that says no more than those words is left to them: an index alone then answers a count.
    """
    implied = [when for when in _whens(collection) if any(_implies(each, when) for each in tree.conditions)]
    conditions = [each for each in tree.conditions if not any(_is(each, when) for when in implied)]
    hints = [Sql(condition(when)) for when in implied]
    named = _named_texts(tree)
    index = _index(collection, tree, named)
    if index is not None and index.lookup:
        hints.append(_hashed(equal_fields(collection, index), named))
        if index.scattered:
            hints.append(_in_any_block(collection.name))
    asked = joined([*(_condition(collection, each) for each in conditions), *hints], " AND ", "1")
    by = f' INDEXED BY "{collection.name}.{index.name}"' if index else ""
    return Sql(asked.text, asked.bound, f'"{collection.name}"{by}')


Named = Mapping[str, tuple[str, ...]]
"""Top-level field → the texts of which a query says that it has one."""


def _index(collection: Collection, tree: And, named: Named) -> Index | None:
    """The index whose fields the query all names.

    SQLite would rather walk a company's whole key, since that is in the order asked for; a lookup sorts what it finds.
    """
    if named.keys() >= set(collection.key):
        return None
    for index in collection.indexes:
        fields = set(equal_fields(collection, index))
        fits = index.when is None or any(_implies(each, index.when) for each in tree.conditions)
        if fits and named.keys() >= fields and fields != {collection.key[0]}:
            return index
    return None


def _hashed(fields: tuple[str, ...], named: Named) -> Sql:
    """The condition on a column of hashes that a query's own conditions imply."""
    hashes = [lookup_hash(texts) for texts in product(*(named[field] for field in fields))]
    if len(hashes) == 1:
        return Sql(f'"{hash_column(fields)}" = ?', (hashes[0],))
    return Sql(f'"{hash_column(fields)}" IN (SELECT "value" FROM json_each(?))', (_json(hashes),))


def _in_any_block(name: str) -> Sql:
    """True of every row; said so that each block of an index is looked into."""
    last, first = (f'(SELECT {which}("{ROW}") FROM "{name}") >> {BLOCK_BITS}' for which in ("max", "min"))
    blocks = f"WITH RECURSIVE block(at) AS (SELECT {last} UNION ALL SELECT at - 1 FROM block WHERE at > {first})"
    return Sql(f"{BLOCK} IN ({blocks} SELECT at FROM block)")


def _named_texts(tree: And) -> Named:
    named: dict[str, tuple[str, ...]] = {}
    for each in tree.conditions:
        match each:
            case Compare((name,), "eq", str() as text):
                named[name] = (text,)
            case In((name,), operands) if operands:
                texts = tuple(operand for operand in operands if isinstance(operand, str))
                if len(texts) == len(operands):
                    named[name] = texts
            case _:
                continue
    return named


def order_by(collection: Collection, steps: Sequence[By], *, key_descending: bool) -> Sql:
    """The ORDER BY of a sort, ties by key."""
    pieces = [_sort_step(collection, step) for step in steps]
    way = "DESC" if key_descending else "ASC"
    pieces += [Sql(f'"{name}" {way}') for name in collection.key]
    return Sql(", ".join(piece.text for piece in pieces), tuple(value for piece in pieces for value in piece.bound))


def _condition(collection: Collection, tree: Condition) -> Sql:
    match tree:
        case And(conditions):
            return joined((_condition(collection, each) for each in conditions), " AND ", "1")
        case Or(conditions):
            return joined((_condition(collection, each) for each in conditions), " OR ", "0")
        case Not(inner):
            return _condition(collection, inner).within("({}) IS NOT TRUE")
        case Exists(path):
            return _exists(path)
        case Compare() | In():
            return _column_test(tree) if _column(collection, tree.path) else _document_test(tree)


def _column_test(tree: Compare | In) -> Sql:
    if isinstance(tree, In):
        return _column_in(tree.path[0], tree.operands)
    return _column_compare(tree.path[0], tree.op, tree.operand)


def _document_test(tree: Compare | In) -> Sql:
    if isinstance(tree, In):
        operands = tree.operands
        return _at(tree.path, lambda kind, value: _test_in(kind, value, operands))
    op, operand = tree.op, tree.operand
    return _at(tree.path, lambda kind, value: _test(kind, value, op, operand))


def _column(collection: Collection, path: Path) -> bool:
    return len(path) == 1 and path[0] in real_columns(collection)


def _held(name: str, operand: Scalar) -> bool:
    """Whether a real column can hold something of the operand's type."""
    if name in INTEGER_FIELDS:
        return isinstance(operand, int | float) and not isinstance(operand, bool)
    return isinstance(operand, str)


def _column_compare(name: str, op: str, operand: Scalar) -> Sql:
    if operand is None:
        return Sql(f'"{name}" IS NULL' if op in {"eq", "gte", "lte"} else _NEVER)
    if not _held(name, operand):
        return Sql(_NEVER)
    return Sql(f'"{name}" {_SIGNS[op]} ?', (operand,))


def _column_in(name: str, operands: tuple[Scalar, ...]) -> Sql:
    held = [operand for operand in operands if _held(name, operand)]
    one_of = Sql(f'"{name}" IN (SELECT "value" FROM json_each(?))', (_json(held),))
    if None in operands:
        return one_of.within(f'"{name}" IS NULL OR {{}}')
    return one_of


# ---------------------------------------------------------------- values in the document

Test = Callable[[str, str], Sql]
"""(SQL of a value's JSON type, SQL of the value) → SQL of a test of it. The type of a missing value is NULL."""


def _test(kind: str, value: str, op: str, operand: Scalar) -> Sql:
    match operand:
        case None:
            return Sql(f"{kind} IS NULL OR {kind} = 'null'" if op in {"eq", "gte", "lte"} else _NEVER)
        case bool():
            passing = [word for flag, word in ((False, "'false'"), (True, "'true'")) if _HOLDS[op](flag, operand)]
            return Sql(f"{kind} IN ({', '.join(passing)})")
        case str():
            return Sql(f"{kind} = 'text' AND {value} {_SIGNS[op]} ?", (operand,))
        case _:
            number = "json_extract(?, '$')"
            return Sql(f"{kind} IN ('integer', 'real') AND {value} {_SIGNS[op]} {number}", (_json(operand),))


def _test_in(kind: str, value: str, operands: tuple[Scalar, ...]) -> Sql:
    texts = [each for each in operands if isinstance(each, str)]
    numbers = [each for each in operands if isinstance(each, int | float) and not isinstance(each, bool)]
    pieces = [_test(kind, value, "eq", each) for each in operands if each is None or isinstance(each, bool)]
    if texts:
        pieces.append(Sql(f"{kind} = 'text' AND {value} IN (SELECT \"value\" FROM json_each(?))", (_json(texts),)))
    if numbers:
        among = f"{kind} IN ('integer', 'real') AND {value} IN (SELECT \"value\" FROM json_each(?))"
        pieces.append(Sql(among, (_json(numbers),)))
    return joined(pieces, " OR ", _NEVER)


def _at(path: Path, test: Test) -> Sql:
    """Whether some value at the path passes the test; a list is looked at element by element."""
    if not _plain(path):
        return _walk_where(path, test)
    place = _place(path[0])
    kind, value = f"json_type(document, {place})", f"json_extract(document, {place})"
    inside = test("element.type", "element.atom")
    itself = test(kind, value)
    return Sql(
        f"CASE {kind} WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(document, {place}) AS element"
        f" WHERE {inside.text}) ELSE {itself.text} END",
        inside.bound + itself.bound,
    )


def _exists(path: Path) -> Sql:
    if _plain(path):
        return Sql(f"json_type(document, {_place(path[0])}) IS NOT NULL")
    walk = _walk(path)
    return walk.within(f"EXISTS (SELECT 1 {{}} WHERE field{len(path)}.type IS NOT NULL)")


def _plain(path: Path) -> bool:
    """Whether SQLite's own path syntax can name it, and no list can lie on the way."""
    return len(path) == 1 and path[0].isascii() and path[0].replace("_", "").isalnum()


def _place(name: str) -> str:
    return f"'$.\"{name}\"'"


def _walk(path: Path) -> Sql:
    """FROM of all ways along a path: object1, field1, object2, field2 … element (of a list at the end).

    Lists on the way stand for their elements. Where the way ends early, the later tables' columns are NULL. Each
    argument is guarded by CASE, since json_each fails on what is not JSON.
    """
    text = "FROM json_each('[' || document || ']') AS object1"
    for at in range(1, len(path) + 1):
        if at > 1:
            before = f"field{at - 1}"
            text += (
                f" LEFT JOIN json_each(CASE {before}.type WHEN 'object' THEN '[' || {before}.value || ']'"
                f" WHEN 'array' THEN {before}.value ELSE '[]' END) AS object{at}"
            )
        text += (
            f" LEFT JOIN json_each(CASE object{at}.type WHEN 'object' THEN object{at}.value ELSE '[]' END)"
            f" AS field{at} ON field{at}.key = ?"
        )
    last = f"field{len(path)}"
    text += f" LEFT JOIN json_each(CASE {last}.type WHEN 'array' THEN {last}.value ELSE '[]' END) AS element"
    return Sql(text, path)


def _end(path: Path) -> tuple[str, str]:
    """(type, value) at the end of a walk; the type of an empty list is 'empty'."""
    last = f"field{len(path)}"
    kind = f"(CASE {last}.type WHEN 'array' THEN ifnull(element.type, 'empty') ELSE {last}.type END)"
    return kind, f"(CASE {last}.type WHEN 'array' THEN element.atom ELSE {last}.atom END)"


def _walk_where(path: Path, test: Test) -> Sql:
    astray = [f"(field{at}.type IS 'array' AND object{at + 1}.type IS NOT 'object')" for at in range(1, len(path))]
    led = f"NOT ({' OR '.join(astray)}) AND " if astray else ""
    walk, tested = _walk(path), test(*_end(path))
    return Sql(f"EXISTS (SELECT 1 {walk.text} WHERE {led}({tested.text}))", walk.bound + tested.bound)


# ---------------------------------------------------------------- sorting

_RANKS: Final = (
    f"CASE {{0}} WHEN 'empty' THEN {Rank.EMPTY} WHEN 'integer' THEN {Rank.NUMBER} WHEN 'real' THEN {Rank.NUMBER}"
    f" WHEN 'text' THEN {Rank.TEXT} WHEN 'object' THEN {Rank.OBJECT} WHEN 'array' THEN {Rank.ARRAY}"
    f" WHEN 'true' THEN {Rank.BOOLEAN} WHEN 'false' THEN {Rank.BOOLEAN} ELSE {Rank.NULL} END"
)


def _sort_step(collection: Collection, step: By) -> Sql:
    way = "DESC" if step.descending else "ASC"
    if _column(collection, step.path):
        return Sql(f'"{step.path[0]}" {way}')
    kind, value = _end(step.path)
    ranked = _RANKS.format(kind)
    walk = _walk(step.path)
    best = f"{walk.text} ORDER BY {ranked} {way}, {value} {way} LIMIT 1"
    return Sql(f"(SELECT {ranked} {best}) {way}, (SELECT {value} {best}) {way}", walk.bound + walk.bound)


# ---------------------------------------------------------------- partial indexes


def _whens(collection: Collection) -> list[When]:
    return list(dict.fromkeys(index.when for index in collection.indexes if index.when))


def _implies(tree: Condition, when: When) -> bool:
    """Whether every row for which the condition holds is one of the partial index's."""
    match tree:
        case Compare(path, "eq", operand) if path == (when.field,):
            return (operand == when.value) == when.equals
        case In(path, operands) if path == (when.field,):
            return all((operand == when.value) == when.equals for operand in operands)
        case Not(Compare(path, "eq", operand)) if path == (when.field,):
            return operand == when.value and not when.equals
        case And(conditions):
            return any(_implies(each, when) for each in conditions)
        case _:
            return False


def _is(tree: Condition, when: When) -> bool:
    """Whether the condition holds for just the rows of the partial index."""
    match tree:
        case Compare((field,), "eq", operand):
            return when.equals and (field, operand) == (when.field, when.value)
        case Not(Compare((field,), "eq", operand)):
            return not when.equals and (field, operand) == (when.field, when.value)
        case _:
            return False


def _json(value: object) -> str:
    return json.encode(value).decode()
