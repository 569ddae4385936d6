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

from alertwhisperer.domain.change import ABSENT, Delete
from alertwhisperer.domain.errors import Invalid, Stale
from alertwhisperer.ports import Key
from alertwhisperer.schema import BY_NAME, Collection
from alertwhisperer.storage.codec import Written, decode
from alertwhisperer.storage.render import INTEGER_FIELDS, columns, lookup_hash, lookups

Value = str | int | bytes | None
ROWS_AT_MOST: Final = 256
"""Rows of one INSERT. Larger ones save nothing."""

ROWS_AS_THEY_COME: Final = 64
"""Up to so many rows are one INSERT; more are cut into powers of two, so that few statements serve all."""


class Expected(Struct, frozen=True):
    """What must be so of one stored document before anything is written."""

    collection: str
    key: Key
    expect: Mapping[str, object]


class Prepared(Struct):
    """The writes of one transaction, by collection: keys to delete, rows to insert and to upsert, end to end."""

    expected: list[Expected]
    deletes: dict[str, list[Key]]
    inserts: dict[str, list[Value]]
    upserts: dict[str, list[Value]]


def prepare(written: Sequence[Written]) -> Prepared:
    """Lay out writes for `run`."""
    prepared = Prepared([], defaultdict(list), defaultdict(list), defaultdict(list))
    for each in written:
        write, name = each.write, each.collection.name
        if isinstance(write, Delete):
            prepared.deletes[name].append(each.key)
            checked = write.expect is not None
        else:
            fresh = write.expect is not None and not write.expect
            rows = (prepared.inserts if fresh else prepared.upserts)[name]
            rows += _row_of(type(write.document), name)(write.document)
            rows.append(each.raw)
            checked = bool(write.expect)
        if checked and write.expect is not None:
            prepared.expected.append(Expected(name, each.key, write.expect))
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


def insert(connection: sqlite3.Connection, name: str, rows: Sequence[Value], *, upsert: bool) -> None:
    """Insert rows laid end to end (columns, then the document's JSON), replacing those of the same key if `upsert`.

    Raises Stale, naming the row, if its key or a unique field of it is taken.
    """
    width = len(stored_columns(name)) + 1
    start, end = 0, len(rows)
    while start < end:
        count = _rows_of_one((end - start) // width)
        some = rows[start : start + count * width]
        try:
            connection.execute(insert_sql(name, count, upsert=upsert), some)
        except sqlite3.IntegrityError as error:
            if count == 1:
                raise Stale(name, _key_of_row(BY_NAME[name], some)) from error
            # The whole statement was undone; row by row, the one that is taken comes to light.
            for at in range(0, len(some), width):
                insert(connection, name, some[at : at + width], upsert=upsert)
        start += count * width


def _rows_of_one(waiting: int) -> int:
    if waiting <= ROWS_AS_THEY_COME:
        return waiting
    return min(1 << waiting.bit_length() - 1, ROWS_AT_MOST)


@cache
def insert_sql(name: str, rows: int, *, upsert: bool) -> str:
    """INSERT of so many rows."""
    fields = stored_columns(name)
    one = f"({', '.join('?' * len(fields))}, CAST(? AS TEXT))"
    names = ", ".join(f'"{field}"' for field in (*fields, "document"))
    sql = f'INSERT INTO "{name}" ({names}) VALUES {", ".join([one] * rows)}'
    return sql + conflict_clause(name) if upsert else sql


def conflict_clause(name: str) -> str:
    """What makes an INSERT replace the row of the same key."""
    collection = BY_NAME[name]
    changed = [field for field in (*stored_columns(name), "document") if field not in collection.key]
    sets = ", ".join(f'"{field}" = excluded."{field}"' for field in changed)
    keys = ", ".join(f'"{field}"' for field in collection.key)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"


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


def document_row(collection: Collection, document: Mapping[str, object], raw: bytes) -> list[Value]:
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
    row += [lookup_hash([document.get(name) for name in fields]) for fields in lookups(collection).values()]
    row.append(raw)
    return row


@cache
def _row_of(kind: type[Struct], name: str) -> Callable[[Struct], tuple[Value, ...]]:
    """What reads a document's columns; one that a document beside others lacks is NULL."""
    fields = columns(BY_NAME[name])
    hashed = [tuple(fields.index(field) for field in each) for each in lookups(BY_NAME[name]).values()]

    def read_some(document: Struct) -> tuple[Value, ...]:
        return tuple(getattr(document, field, None) for field in fields)

    read = attrgetter(*fields) if set(fields) <= set(kind.__struct_fields__) else read_some
    if not hashed:
        return read

    def read_and_hash(document: Struct) -> tuple[Value, ...]:
        row = read(document)
        return (*row, *[lookup_hash([row[at] for at in places]) for places in hashed])

    return read_and_hash


@cache
def stored_columns(name: str) -> tuple[str, ...]:
    """All columns but the document."""
    return (*columns(BY_NAME[name]), *lookups(BY_NAME[name]))


def _key_of_row(collection: Collection, row: Sequence[Value]) -> Key:
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
