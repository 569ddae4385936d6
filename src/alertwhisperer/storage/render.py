"""SQLite's DDL, rendered from `schema.py`.

Texts that are only looked up, never walked in order, are indexed by a hash of six bytes: an entry is a sixth as long as
one of the texts, the index as much smaller, and a commit of scattered keys has fewer pages to change.

A row is the document as JSON beside the few real columns that its key and indexes need. Tables keep SQLite's rowid:
rows stay in the order in which they came, and a new row dirties the table's last page and one index page, where a
clustered (WITHOUT ROWID) table of kilobyte rows grows deep (measured: 10.8 against 13.0 µs a row, 4 KiB pages).

An index whose entries fall anywhere changes a page for each new row once it is large. A scattered lookup is therefore
kept in blocks of so many rows: those new rows go to the pages of the last block, whatever the table holds, and a lookup
is a seek in each block.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from alertwhisperer.schema import COLLECTIONS, Collection, Index, When

INTEGER_FIELDS: Final = frozenset({"seq"})

ROW: Final = "row#"
"""SQLite's rowid by a name of ours, which an index on an expression needs; no field's name has a # in it."""

BLOCK_BITS: Final = 13
"""8,192 rows a block: 30 pages of an index hold it, and a million rows are 123 seeks of under a microsecond."""

BLOCK: Final = f'("{ROW}" >> {BLOCK_BITS})'


def columns(collection: Collection) -> tuple[str, ...]:
    """The fields of a collection that it is looked up by: key, indexes, and what retention asks for."""
    return _fields(collection, collection.indexes)


def real_columns(collection: Collection) -> tuple[str, ...]:
    """Those of them that are columns in SQLite: of the others a hash is."""
    return _fields(collection, [index for index in collection.indexes if not index.lookup])


def _fields(collection: Collection, indexes: Sequence[Index]) -> tuple[str, ...]:
    fields = [*collection.key, *(field for index in indexes for field in index.fields)]
    fields += [index.when.field for index in collection.indexes if index.when]
    if collection.age_field:
        fields.append(collection.age_field)
    return tuple(dict.fromkeys(fields))


def equal_fields(collection: Collection, index: Index) -> tuple[str, ...]:
    """The fields that a query must name to use the index; what follows them is the key's last field, for order."""
    return index.fields[:-1] if index.fields[-1] == collection.key[-1] else index.fields


def lookups(collection: Collection) -> dict[str, tuple[str, ...]]:
    """The columns that hold a hash, each with the fields it is of."""
    hashed = [equal_fields(collection, index) for index in collection.indexes if index.lookup]
    return {hash_column(fields): fields for fields in hashed}


def hash_column(fields: tuple[str, ...]) -> str:
    """The name of the column that holds the hash of some fields; no field's name has a # in it."""
    return "#".join(fields) + "#"


def lookup_hash(texts: Sequence[object]) -> int | None:
    """48 bits of BLAKE2b over texts; None if one is missing. Strong, since senders choose the texts."""
    try:
        text = "\0".join(texts)  # type: ignore[arg-type]  # what is no text is refused here, in the fastest way
    except TypeError:
        return None
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def condition(when: When) -> str:
    """The WHERE of a partial index; queries must repeat it word for word for SQLite to use the index."""
    value = "NULL" if when.value is None else literal(when.value)
    return f'"{when.field}" {"IS" if when.equals else "IS NOT"} {value}'


def table_ddl(collection: Collection) -> str:
    """CREATE TABLE of one collection."""
    blocks = any(index.scattered for index in collection.indexes)
    lines = [f'  "{ROW}" INTEGER PRIMARY KEY'] * blocks
    lines += [f'  "{each}" {_type(each)}{" NOT NULL" * (each in collection.key)}' for each in real_columns(collection)]
    lines += [f'  "{column}" INTEGER' for column in lookups(collection)]
    lines.append('  "document" TEXT NOT NULL')
    lines.append(f"  {'UNIQUE' if blocks else 'PRIMARY KEY'} ({_names(collection.key)})")
    return f'CREATE TABLE "{collection.name}" (\n' + ",\n".join(lines) + "\n)"


def index_ddl(collection: Collection, index: Index) -> str:
    """CREATE INDEX of one index."""
    unique = "UNIQUE " if index.unique else ""
    where = f" WHERE {condition(index.when)}" if index.when else ""
    fields = _names(index.fields)
    if index.lookup:
        equal = equal_fields(collection, index)
        hashed = hash_column(equal)
        fields = f'{BLOCK}, "{hashed}"' if index.scattered else _names((hashed, *index.fields[len(equal) :]))
    return f'CREATE {unique}INDEX "{collection.name}.{index.name}" ON "{collection.name}" ({fields}){where}'


def collection_ddl(collection: Collection) -> list[str]:
    """The statements that make one collection's table and its indexes."""
    return [table_ddl(collection), *(index_ddl(collection, index) for index in collection.indexes)]


def sqlite_ddl(collections: tuple[Collection, ...] = COLLECTIONS) -> list[str]:
    """Every statement that makes an empty database."""
    return [statement for collection in collections for statement in collection_ddl(collection)]


def _type(field: str) -> str:
    return "INTEGER" if field in INTEGER_FIELDS else "TEXT"


def _names(fields: tuple[str, ...]) -> str:
    return ", ".join(f'"{field}"' for field in fields)
