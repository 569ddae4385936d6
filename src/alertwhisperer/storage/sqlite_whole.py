"""A whole commit as one SQL statement, which is its own transaction.

Between two statements the writing thread needs the interpreter, which a busy event loop is slow to yield; a commit of
seven statements asks for it twenty times. So for each shape of commit (which collections, written how) a temporary view
is made once, whose INSTEAD OF trigger does everything: an INSERT into the view is the commit, from lock to fsync.

Documents go in as one blob, and rows as JSON lists of columns with the place of their document in the blob.
"""

# ruff: noqa: S608  # only names of schema.py are put into SQL; every value is bound
import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, json

from alertwhisperer.schema import BY_NAME
from alertwhisperer.storage.sqlite_writes import Prepared, Value, conflict_clause, keys_json, stored_columns

HEAD: Final = """max(
  ifnull((SELECT max(seq) FROM events WHERE company_id = {0}), 0),
  ifnull((SELECT json_extract(document, '$.seq') FROM snapshots WHERE company_id = {0} AND id = 'head'), 0))"""
"""The seq at which a company's log stands."""

BEHIND: Final = """({2} IS NULL OR EXISTS (SELECT 1 FROM events
  WHERE company_id = {0} AND seq = {1} - 1 AND instr(substr(document, 1, 512), {2})))"""
"""Whether the record before is the commit that this one goes behind, if it has to. A record begins with its ids: taking
its JSON apart for them would cost as much as a hundred alerts."""

NOT_AT_HEAD: Final = "the log stands elsewhere"

Shape = tuple[tuple[str, str], ...]
"""(verb, collection) of each part, in the order in which they are done."""


class Whole(Struct, frozen=True):
    """A commit laid out for one statement: the parts' lists in the order of its shape, and all documents end to end."""

    shape: Shape
    parts: list[str]
    documents: bytes


def lay_out(prepared: Prepared) -> Whole:
    """What `prepare` gave, for one statement."""
    shape: list[tuple[str, str]] = []
    parts: list[str] = []
    documents: list[bytes] = []
    offset = 1
    for name, keys in prepared.deletes.items():
        shape.append(("delete", name))
        parts.append(keys_json(keys))
    for verb, kinds in (("insert", prepared.inserts), ("upsert", prepared.upserts)):
        for name, flat in kinds.items():
            rows, offset = _places(flat, len(stored_columns(name)), offset, documents)
            shape.append((verb, name))
            parts.append(json.encode(rows).decode())
    return Whole(tuple(shape), parts, b"".join(documents))


def _places(flat: Sequence[Value], width: int, offset: int, documents: list[bytes]) -> tuple[list[list[Value]], int]:
    rows: list[list[Value]] = []
    for start in range(0, len(flat), width + 1):
        row = list(flat[start : start + width])
        document = flat[start + width]
        if isinstance(document, bytes):
            documents.append(document)
            row += (offset, len(document))
            offset += len(document)
        rows.append(row)
    return rows, offset


class Statements:
    """The views of one connection, by shape."""

    def __init__(self) -> None:
        self._names: dict[Shape, str] = {}

    def run(self, connection: sqlite3.Connection, whole: Whole, record: tuple[Value, ...]) -> None:
        """Commit; outside any transaction. `record` is (company_id, seq, at, JSON, the commit it goes behind).

        Raises sqlite3.IntegrityError: NOT_AT_HEAD, or a row that is taken. Nothing is written then.
        """
        name = self._names.get(whole.shape)
        if name is None:
            name = f"commit_{len(self._names)}"
            for statement in view_ddl(name, whole.shape):
                connection.execute(statement)
            self._names[whole.shape] = name
        bound = (*record, whole.documents, *whole.parts)
        connection.execute(f'INSERT INTO temp."{name}" VALUES ({", ".join("?" * len(bound))})', bound)


def view_ddl(name: str, shape: Shape) -> list[str]:
    """The view of a shape, and its trigger."""
    fields = ["company_id", "seq", "at", "record", "after", "documents", *(f"part{at}" for at in range(len(shape)))]
    columns = ", ".join(f"NULL AS {field}" for field in fields)
    record = "NEW.company_id, NEW.seq, NEW.at, CAST(NEW.record AS TEXT)"
    elsewhere = f"NEW.seq - 1 <> {HEAD.format('NEW.company_id')}"
    elsewhere += f" OR NOT {BEHIND.format('NEW.company_id', 'NEW.seq', 'NEW.after')}"
    steps = [
        f"SELECT RAISE(ABORT, '{NOT_AT_HEAD}') WHERE {elsewhere}",
        f"INSERT INTO events (company_id, seq, at, document) VALUES ({record})",
        *(_step(verb, collection, f"NEW.part{at}") for at, (verb, collection) in enumerate(shape)),
    ]
    body = ";\n".join(steps)
    return [
        f'CREATE TEMP VIEW "{name}" AS SELECT {columns}',
        f'CREATE TEMP TRIGGER "{name}_do" INSTEAD OF INSERT ON temp."{name}" BEGIN\n{body};\nEND',
    ]


def _step(verb: str, name: str, rows: str) -> str:
    if verb == "delete":
        fields = BY_NAME[name].key
        names = ", ".join(f'"{field}"' for field in fields)
        places = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(len(fields)))
        return f'DELETE FROM "{name}" WHERE ({names}) IN (SELECT {places} FROM json_each({rows}))'
    fields = stored_columns(name)
    names = ", ".join(f'"{field}"' for field in (*fields, "document"))
    values = [f"json_extract(value, '$[{at}]')" for at in range(len(fields) + 2)]
    document = f"CAST(substr(NEW.documents, {values[-2]}, {values[-1]}) AS TEXT)"
    clause = conflict_clause(name) if verb == "upsert" else ""
    return (
        f'INSERT INTO "{name}" ({names}) SELECT {", ".join(values[:-2])}, {document} FROM json_each({rows})'
        f" WHERE true{clause}"
    )
