"""Writes of whole documents as few, large statements.

Prepared (encoded, laid out flat) in the caller's thread; the writer thread then only hands finished lists to SQLite,
which runs each without the interpreter's lock.
"""

# ruff: noqa: S608  # only names of schema.py are put into SQL; every value is bound
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Final

from msgspec import Struct, json, to_builtins

from alertwhisperer.domain.change import ABSENT, Delete, Write
from alertwhisperer.domain.errors import Invalid, Stale
from alertwhisperer.ports import Key
from alertwhisperer.schema import BY_NAME, Collection, key_of
from alertwhisperer.storage.codec import Encoded, collection_named, decode
from alertwhisperer.storage.render import INTEGER_FIELDS, columns

Value = str | int | bytes | None
ROWS_AT_MOST: Final = 256
"""Rows of one INSERT. Larger ones save nothing; a batch is cut into powers of two, so that few statements serve all."""


class Expected(Struct, frozen=True):
    """What must be so of one stored document before anything is written."""

    collection: str
    key: Key
    expect: Mapping[str, object]


class Prepared(Struct):
    """The writes of one transaction, by collection: keys to delete, rows to insert (new) and to upsert."""

    expected: list[Expected]
    deletes: dict[str, list[Key]]
    inserts: dict[str, list[tuple[Value, ...]]]
    upserts: dict[str, list[tuple[Value, ...]]]


def prepare(writes: Sequence[Write], encoded: Encoded) -> Prepared:
    """Lay out writes; raises Invalid for an unknown collection or a document without its key."""
    prepared = Prepared([], defaultdict(list), defaultdict(list), defaultdict(list))
    for write in writes:
        collection = collection_named(write.collection)
        if isinstance(write, Delete):
            key = write.key
            prepared.deletes[collection.name].append(key)
        else:
            key = key_of(collection, write.document)
            row = (*_row_of(type(write.document), collection.name)(write.document), encoded[id(write.document)])
            fresh = write.expect is not None and not write.expect
            (prepared.inserts if fresh else prepared.upserts)[collection.name].append(row)
        if write.expect or (write.expect is not None and isinstance(write, Delete)):
            prepared.expected.append(Expected(collection.name, key, write.expect))
    return prepared


def run(connection: sqlite3.Connection, prepared: Prepared) -> None:
    """Write it all, inside the caller's transaction. Raises Stale if an expectation does not hold."""
    for expected in prepared.expected:
        _check(connection, expected)
    for name, keys in prepared.deletes.items():
        connection.execute(delete_sql(name), (keys_json(keys),))
    for name, rows in prepared.inserts.items():
        insert(connection, name, rows, upsert=False)
    for name, rows in prepared.upserts.items():
        insert(connection, name, rows, upsert=True)


def insert(connection: sqlite3.Connection, name: str, rows: Sequence[tuple[Value, ...]], *, upsert: bool) -> None:
    """Insert rows (columns, then the document's JSON), replacing those of the same key if `upsert`.

    Raises Stale, naming the row, if its key or a unique field of it is taken.
    """
    start = 0
    while start < len(rows):
        count = min(1 << ((len(rows) - start).bit_length() - 1), ROWS_AT_MOST)
        some = rows[start : start + count]
        try:
            connection.execute(insert_sql(name, count, upsert=upsert), [value for row in some for value in row])
        except sqlite3.IntegrityError as error:
            if count == 1:
                raise Stale(name, _key_of_row(BY_NAME[name], some[0])) from error
            # The whole statement was undone; row by row, the one that is taken comes to light.
            for row in some:
                insert(connection, name, [row], upsert=upsert)
        start += count


@cache
def insert_sql(name: str, rows: int, *, upsert: bool) -> str:
    """INSERT of so many rows."""
    collection = BY_NAME[name]
    fields = columns(collection)
    one = f"({', '.join('?' * len(fields))}, CAST(? AS TEXT))"
    names = ", ".join(f'"{field}"' for field in (*fields, "document"))
    sql = f'INSERT INTO "{name}" ({names}) VALUES {", ".join([one] * rows)}'
    if not upsert:
        return sql
    changed = [field for field in (*fields, "document") if field not in collection.key]
    sets = ", ".join(f'"{field}" = excluded."{field}"' for field in changed)
    keys = ", ".join(f'"{field}"' for field in collection.key)
    return f"{sql} ON CONFLICT ({keys}) DO UPDATE SET {sets}"


@cache
def delete_sql(name: str) -> str:
    """DELETE by a JSON list of keys."""
    fields = BY_NAME[name].key
    names = ", ".join(f'"{field}"' for field in fields)
    places = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(fields)))
    return f'DELETE FROM "{name}" WHERE ({names}) IN (SELECT {places} FROM json_each(?))'


@cache
def by_keys_sql(name: str) -> str:
    """SELECT of documents by a JSON list of keys, each looked up by the primary key."""
    fields = BY_NAME[name].key
    match = " AND ".join(f"row.\"{field}\" = json_extract(key.value, '$[{at}]')" for at, field in enumerate(fields))
    return f'SELECT row.document FROM json_each(?) AS key CROSS JOIN "{name}" AS row ON {match}'


def keys_json(keys: Iterable[Key]) -> str:
    """Keys as the JSON that `delete_sql` and `by_keys_sql` take."""
    return json.encode(list(keys)).decode()


def document_row(collection: Collection, document: Mapping[str, object], raw: bytes) -> tuple[Value, ...]:
    """The row of a document given as a mapping. Invalid unless its key is there, and its indexed fields are texts."""
    row: list[Value] = []
    for name in columns(collection):
        value = document.get(name)
        wanted = int if name in INTEGER_FIELDS else str
        if value is None and name not in collection.key:
            row.append(None)
        elif isinstance(value, wanted) and not isinstance(value, bool):
            row.append(value)
        else:
            word = "an integer" if wanted is int else "a text"
            raise Invalid(f"must be {word}: {collection.name} is looked up by it", name)
    return (*row, raw)


@cache
def _row_of(kind: type[Struct], name: str) -> Callable[[Struct], tuple[Value, ...]]:
    fields = columns(BY_NAME[name])
    missing = [field for field in fields if field not in kind.__struct_fields__]
    if missing:
        raise Invalid(f"a {kind.__name__} is not a document of {name}", missing[0])
    return attrgetter(*fields)


def _key_of_row(collection: Collection, row: tuple[Value, ...]) -> Key:
    return tuple(value for value in row[: len(collection.key)] if isinstance(value, str | int))


def _check(connection: sqlite3.Connection, expected: Expected) -> None:
    rows = connection.execute(by_keys_sql(expected.collection), (keys_json([expected.key]),)).fetchall()
    if expected.expect == ABSENT:
        held = not rows
    else:
        held = bool(rows) and _holds(decode(rows[0][0].encode()), expected.expect)
    if not held:
        raise Stale(expected.collection, expected.key)


def _holds(document: Mapping[str, object], expect: Mapping[str, object]) -> bool:
    """Whether each field expected (a missing one counts as null) has the value expected."""
    return all(document.get(name) == to_builtins(value) for name, value in expect.items())
