"""Writes of whole documents as few, large statements, and the statements that look them up by key."""

# ruff: noqa: S608  # only names of schema.py are put into SQL; every value is bound
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from msgspec import json, to_builtins

from alertwhisperer.domain.change import ABSENT
from alertwhisperer.domain.errors import Stale
from alertwhisperer.ports import Key
from alertwhisperer.schema import BY_NAME, Collection
from alertwhisperer.storage.codec import check_columns, decode
from alertwhisperer.storage.render import lookup_hash, lookups, real_columns
from alertwhisperer.storage.sqlite_layout import Expected, Layout, Value

ROWS_AT_MOST: Final = 256
"""Rows of one INSERT. Larger ones save nothing."""

ROWS_AS_THEY_COME: Final = 64
"""Up to so many rows are one INSERT; more are cut into powers of two, so that few statements serve all."""


def run(connection: sqlite3.Connection, layout: Layout) -> None:
    """Write it all, part by part, inside the caller's transaction. Raises Stale if an expectation does not hold."""
    for expected in layout.expected:
        _check(connection, expected)
    for name, keys in layout.deletes.items():
        connection.execute(delete_sql(name), (keys_json(keys),))
    for verb, name in layout.rows:
        insert(connection, name, layout.flat_rows((verb, name)), upsert=verb == "upsert")


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


@cache
def by_ids_sql(name: str) -> str:
    """SELECT of (key within the company, document) by company and a JSON list of keys within it."""
    company, within = BY_NAME[name].key
    match = f'row."{company}" = ?1 AND row."{within}" = json_extract(key.value, \'$[0]\')'
    return f'SELECT row."{within}", row.document FROM json_each(?2) AS key CROSS JOIN "{name}" AS row ON {match}'


def keys_json(keys: Iterable[Key]) -> str:
    """Keys as the JSON that `delete_sql` and `by_keys_sql` take."""
    return json.encode(list(keys)).decode()


def document_row(collection: Collection, document: Mapping[str, object], raw: bytes) -> list[Value]:
    """The row of a document given as a mapping. Invalid unless `check_columns` takes it."""
    check_columns(collection, document)
    row: list[Value] = []
    for name in real_columns(collection):
        value = document.get(name)
        row.append(value if isinstance(value, str | int) else None)
    row += [lookup_hash([document.get(name) for name in fields]) for fields in lookups(collection).values()]
    row.append(raw)
    return row


@cache
def stored_columns(name: str) -> tuple[str, ...]:
    """All columns but the document."""
    return (*real_columns(BY_NAME[name]), *lookups(BY_NAME[name]))


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
