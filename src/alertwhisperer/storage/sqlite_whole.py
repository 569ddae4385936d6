"""A whole commit as one SQL statement, which is its own transaction.

Between two statements the writing thread needs the interpreter, which a busy event loop is slow to yield; a commit of
seven statements asks for it twenty times. So for each shape of commit (which collections, written how) a temporary view
is made once, whose INSTEAD OF trigger does everything: an INSERT into the view is the commit, from lock to fsync.
"""

# ruff: noqa: S608  # only names of schema.py are put into SQL; every value is bound
import sqlite3
from collections.abc import Sequence
from typing import Final

from alertwhisperer.schema import BY_NAME
from alertwhisperer.storage.sqlite_layout import Shape, Value
from alertwhisperer.storage.sqlite_writes import conflict_clause, stored_columns

HEAD: Final = """max(
  ifnull((SELECT max(seq) FROM events WHERE company_id = {0}), 0),
  ifnull((SELECT json_extract(document, '$.seq') FROM snapshots WHERE company_id = {0} AND id = 'head'), 0))"""
"""The seq at which a company's log stands."""

BEHIND: Final = """({2} IS NULL OR EXISTS (SELECT 1 FROM events
  WHERE company_id = {0} AND seq = {1} - 1 AND instr(substr(document, 1, 512), {2})))"""
"""Whether the record before is the commit that this one goes behind, if it has to. A record begins with its ids: taking
its JSON apart for them would cost as much as a hundred alerts."""

NOT_AT_HEAD: Final = "the log stands elsewhere"


class Statements:
    """The views of one connection, by shape."""

    def __init__(self) -> None:
        self._names: dict[Shape, str] = {}

    def knows(self, shape: Shape) -> bool:
        """Whether the view of a shape is there; inside a transaction none is made, since that might be undone."""
        return shape in self._names

    def run(self, connection: sqlite3.Connection, shape: Shape, bound: Sequence[Value]) -> None:
        """Commit: a transaction of its own, or part of the caller's, in which only shapes that are known may be run.

        bound: (company_id, seq, at, record, the commit it goes behind, all documents, the parts of the shape).
        Raises sqlite3.IntegrityError: NOT_AT_HEAD, or a row that is taken. Nothing is written then.
        """
        name = self._names.get(shape)
        if name is None:
            name = f"commit_{len(self._names)}"
            for statement in view_ddl(name, shape):
                connection.execute(statement)
            self._names[shape] = name
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
