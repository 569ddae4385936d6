"""What AWS bills for DynamoDB, by its published rules: pure arithmetic over items as the wire has them.

Sources, all in AWS's "Amazon DynamoDB Developer Guide": "DynamoDB item sizes and formats", "DynamoDB read and write
operations", "Amazon DynamoDB Transactions: How it works" (capacity management), "Using Global Secondary Indexes in
DynamoDB" (provisioned throughput considerations). On demand the units are called request units; the sums are the same.

One rule is a reading: the guide doubles a transaction's writes to items and says nothing of its index entries, which
DynamoDB writes afterwards, as those of any write. So here they count once, as others have found on AWS itself (GitHub,
nubo-db/dynoxide, pull request 188).

What expires by its TTL costs nothing, nor do Lambda's reads of a table's stream. A transaction that is cancelled is
billed as if it had been written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any, Final, Literal

from msgspec import Struct

Value = Mapping[str, Any]
Item = Mapping[str, Value]
Consistency = Literal["eventual", "strong", "transactional"]

WRITE_UNIT_BYTES: Final = 1_024
READ_UNIT_BYTES: Final = 4_096
TRANSACTION_FACTOR: Final = 2
"""A transaction prepares and commits each of its items."""

CONTAINER_BYTES: Final = 3
ELEMENT_BYTES: Final = 1
STORED_OVERHEAD_BYTES: Final = 100
"""Stored, not written: each item, and each entry of an index, is billed for so much more."""

_READ_FACTORS: Final[dict[Consistency, float]] = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}


class Index(Struct, frozen=True):
    """A global secondary index: its key, and what it projects (with the table's key); None: everything."""

    name: str
    key: tuple[str, ...]
    projected: frozenset[str] | None = None


class Bill(Struct, frozen=True):
    """Write units of one item's write: of the table, and of each index that was written."""

    table: int
    indexes: dict[str, int] = {}

    @property
    def total(self) -> int:
        """All of it."""
        return self.table + sum(self.indexes.values())


def indexes_of(definition: Mapping[str, Any]) -> tuple[Index, ...]:
    """The indexes of a table, from the arguments of its CreateTable."""
    own = frozenset(each["AttributeName"] for each in definition["KeySchema"])
    return tuple(_index(each, own) for each in definition.get("GlobalSecondaryIndexes", ()))


def _index(gsi: Mapping[str, Any], table_key: frozenset[str]) -> Index:
    key = tuple(each["AttributeName"] for each in gsi["KeySchema"])
    projection = gsi["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(gsi["IndexName"], key)
    return Index(gsi["IndexName"], key, table_key | {*key, *projection.get("NonKeyAttributes", ())})


# ---------------------------------------------------------------- sizes


def item_bytes(item: Item) -> int:
    """The size of an item: its attributes' names and values."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Value) -> int:
    """The size of an attribute's value. KeyError for a type that DynamoDB has not."""
    ((kind, held),) = value.items()
    return _SIZES[kind](held)


def number_bytes(text: str) -> int:
    """About a byte for two significant digits, one more, and one for a minus; zeros at either end do not count."""
    mantissa = text.lower().lstrip("+-").partition("e")[0].replace(".", "").strip("0")
    return ceil(len(mantissa) / 2) + 1 + text.startswith("-")


def _map_bytes(held: Item) -> int:
    return CONTAINER_BYTES + item_bytes(held) + ELEMENT_BYTES * len(held)


def _list_bytes(held: Sequence[Value]) -> int:
    return CONTAINER_BYTES + sum(map(value_bytes, held)) + ELEMENT_BYTES * len(held)


def _text_bytes(held: str) -> int:
    return len(held.encode())


_SIZES: Final[dict[str, Callable[[Any], int]]] = {
    "S": _text_bytes,
    "N": number_bytes,
    "B": len,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "M": _map_bytes,
    "L": _list_bytes,
    "SS": lambda held: sum(map(_text_bytes, held)),
    "NS": lambda held: sum(map(number_bytes, held)),
    "BS": lambda held: sum(map(len, held)),
}


# ---------------------------------------------------------------- writes


def write_bill(
    before: Item | None, after: Item | None, indexes: Sequence[Index] = (), *, transactional: bool = False
) -> Bill:
    """What it costs that an item was `before` and is `after`; None: not there. A write that finds nothing costs too."""
    units = max(_write_units(before), _write_units(after), 1)
    of_indexes = {each.name: _index_units(_entry(each, before), _entry(each, after), each.key) for each in indexes}
    return Bill(units * (TRANSACTION_FACTOR if transactional else 1), {name: n for name, n in of_indexes.items() if n})


def _write_units(item: Item | None) -> int:
    return ceil(item_bytes(item) / WRITE_UNIT_BYTES) if item is not None else 0


def _entry(index: Index, item: Item | None) -> Item | None:
    """What an index holds of an item; None of one that lacks a part of the index's key."""
    if item is None or any(name not in item for name in index.key):
        return None
    projected = index.projected
    return item if projected is None else {name: value for name, value in item.items() if name in projected}


def _index_units(before: Item | None, after: Item | None, key: Sequence[str]) -> int:
    if before == after:
        return 0
    if before is not None and after is not None and all(before[name] == after[name] for name in key):
        return max(_write_units(before), _write_units(after))
    # A key that changes is a delete and a put.
    return _write_units(before) + _write_units(after)


# ---------------------------------------------------------------- reads


def read_units(size: int, consistency: Consistency = "strong") -> float:
    """Units of reading so many bytes: of one item, or of all that a query looked at; nothing found counts as 4 KB."""
    return max(ceil(size / READ_UNIT_BYTES), 1) * _READ_FACTORS[consistency]


def stored_bytes(item: Item, indexes: Sequence[Index] = ()) -> int:
    """What an item and its index entries are billed for as storage."""
    held = [item, *(entry for entry in (_entry(each, item) for each in indexes) if entry is not None)]
    return sum(item_bytes(each) + STORED_OVERHEAD_BYTES for each in held)
