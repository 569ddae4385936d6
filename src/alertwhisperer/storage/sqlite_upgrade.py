"""Tables of an older layout made anew from their documents, as `schema.py` has them now."""

# ruff: noqa: S608  # only names of schema.py are put into SQL; every value is bound
import sqlite3
from itertools import islice
from typing import Final

from alertwhisperer.schema import COLLECTIONS, Collection
from alertwhisperer.storage.codec import decode
from alertwhisperer.storage.render import collection_ddl
from alertwhisperer.storage.sqlite_writes import ROWS_AT_MOST, document_row, insert

OLD: Final = "#old"


def lay_out_anew(connection: sqlite3.Connection) -> None:
    """Make each table that is not laid out as it would be now, inside the caller's transaction."""
    for collection in COLLECTIONS:
        found = connection.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL", (collection.name,)
        ).fetchall()
        if {sql for _, _, sql in found} != set(collection_ddl(collection)):
            for name in (name for kind, name, _ in found if kind == "index"):
                connection.execute(f'DROP INDEX "{name}"')
            _make(connection, collection, is_there=bool(found))


def _make(connection: sqlite3.Connection, collection: Collection, *, is_there: bool) -> None:
    old = collection.name + OLD
    if is_there:
        connection.execute(f'ALTER TABLE "{collection.name}" RENAME TO "{old}"')
    for statement in collection_ddl(collection):
        connection.execute(statement)
    if is_there:
        _fill(connection, collection, old)
        connection.execute(f'DROP TABLE "{old}"')


def _fill(connection: sqlite3.Connection, collection: Collection, old: str) -> None:
    """In the order in which they came, as the tables keep them."""
    raws = (row[0].encode() for row in connection.execute(f'SELECT document FROM "{old}" ORDER BY rowid'))
    while some := list(islice(raws, ROWS_AT_MOST)):
        rows = [value for raw in some for value in document_row(collection, decode(raw), raw)]
        insert(connection, collection.name, rows, upsert=False)
