"""SQLite, the embedded engine: one file, one writing thread, a few reading ones (DESIGN §3, §4)."""

# ruff: noqa: S608  # only names of schema.py are put into SQL; every value is bound
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Raw, Struct, json

from alertwhisperer.domain.change import Change, Write
from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Document, Key, Limits, Query, Ring, Sort
from alertwhisperer.schema import VERSION, Collection
from alertwhisperer.storage.adapter import Adapter
from alertwhisperer.storage.codec import (
    check_key_parts,
    check_stored,
    collection_named,
    collection_of,
    decode,
    encode,
    typed,
)
from alertwhisperer.storage.match import project
from alertwhisperer.storage.query import And, Compare, check_limit, parse_projection, parse_query, parse_sort
from alertwhisperer.storage.records import Place, Touched, kept, make_record, told_places, with_documents
from alertwhisperer.storage.sqlite_layout import Value, lay_out
from alertwhisperer.storage.sqlite_session import Session
from alertwhisperer.storage.sqlite_translate import Bound, Sql, order_by, where
from alertwhisperer.storage.sqlite_whole import BEHIND, HEAD, Statements
from alertwhisperer.storage.sqlite_writes import by_ids_sql, by_keys_sql, document_row, insert, keys_json, run
from alertwhisperer.storage.update import Edit, apply_update, parse_update
from alertwhisperer.storage.values import check_value

T = TypeVar("T", bound=Struct)
R = TypeVar("R")

_log: Final = logging.getLogger(__name__)
_record_json: Final = json.Encoder()

_APPEND: Final = f"""INSERT INTO events (company_id, seq, at, document)
SELECT ?1, ?2, ?3, CAST(?4 AS TEXT) WHERE ?2 - 1 = {HEAD.format("?1")} AND {BEHIND.format("?1", "?2", "?5")}"""
_AUDIT_HEAD: Final = """SELECT document ->> 'seq' AS seq, ifnull(document ->> 'audit_head', '')
FROM (SELECT document FROM (SELECT document FROM events WHERE company_id = ?1 ORDER BY seq DESC LIMIT 1)
UNION ALL SELECT document FROM snapshots WHERE company_id = ?1 AND id = 'head') ORDER BY seq DESC LIMIT 1"""
_COMPANIES: Final = """WITH RECURSIVE company(id) AS (
  SELECT min(company_id) FROM events
  UNION ALL SELECT (SELECT min(company_id) FROM events WHERE company_id > company.id) FROM company WHERE id IS NOT NULL
)
SELECT (SELECT max(seq) FROM events WHERE company_id = company.id), id FROM company WHERE id IS NOT NULL
UNION ALL SELECT json_extract(document, '$.seq'), company_id FROM snapshots WHERE id = 'head'"""
_RECORDS: Final = "SELECT document FROM events WHERE company_id = ? AND seq > ? ORDER BY seq LIMIT ?"


class SQLiteStorage(Adapter):
    """`ports.Storage` on one SQLite file, shared by any number of processes of one machine.

    Opens itself at first use. `read_seconds` bounds a typed read, `long_read_seconds` one of the public adapter.
    """

    def __init__(
        self, path: str | Path, *, readers: int = 4, read_seconds: float = 1.0, long_read_seconds: float = 30.0
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self._session = Session(self.path, readers=readers, read_seconds=read_seconds)
        self._long_read_seconds = long_read_seconds
        self._statements = Statements()

    # ------------------------------------------------------------ Storage

    async def open(self) -> None:
        """See `ports.Storage.open`."""
        await self._session.open()

    async def close(self) -> None:
        """See `ports.Storage.close`."""
        await self._session.close()

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[bool]:
        """See `ports.Storage.moment`. Each read is of a moment of its own."""
        yield False

    async def check(self) -> dict[str, object]:
        """See `ports.Storage.check`. Takes the write lock, and writes nothing."""
        await self.write(lambda _: None)
        found = await self._session.read(lambda connection: connection.execute("PRAGMA user_version").fetchone()[0])
        log = self.path.with_name(self.path.name + "-wal")
        return {
            "engine": "sqlite",
            "path": str(self.path),
            "sqlite_version": sqlite3.sqlite_version,
            "schema_version": found,
            "schema_wanted": VERSION,
            "size_bytes": self.path.stat().st_size,
            "wal_bytes": log.stat().st_size if log.exists() else 0,
            "disk_free_bytes": shutil.disk_usage(self.path.parent).free,
        }

    @property
    def limits(self) -> Limits:
        """See `ports.Log.limits`."""
        return Limits()

    @property
    def expiring(self) -> frozenset[str]:
        """See `ports.Storage.expiring`."""
        return frozenset()

    # ------------------------------------------------------------ Log

    async def commit(
        self,
        scope: Scope,
        base_seq: int,
        change: Change,
        *,
        commit_id: str,
        at: Instant,
        after: str | None = None,
    ) -> Record:
        """See `ports.Log.commit`."""
        await self._session.open()
        layout = lay_out(change.writes, scope.company_id)
        touched = Touched(layout.touched, layout.places)
        record = make_record(scope, base_seq + 1, change, touched, commit_id=commit_id, at=at)
        appended = (record.company_id, record.seq, at, _record_json.encode(kept(record)), after)
        whole = None if layout.expected else (*appended, b"".join(layout.documents), *layout.parts())

        def act(connection: sqlite3.Connection) -> Record:
            if self._statements.knows(layout.shape) and alone(connection):
                return record
            if not connection.execute(_APPEND, appended).rowcount:
                raise Conflict(f"the log of {scope.company_id} does not stand at {base_seq}")
            run(connection, layout)
            return record

        def alone(connection: sqlite3.Connection) -> Record | None:
            if whole is None:
                return None
            try:
                self._statements.run(connection, layout.shape, whole)
            except sqlite3.IntegrityError:
                return None  # `act` finds out why
            return record

        return await self._session.write(act, alone=alone, done=self._tell)

    async def head(self, company_id: str) -> tuple[int, str]:
        """See `ports.Log.head`."""
        rows = await self._rows(_AUDIT_HEAD, (company_id,))
        return (rows[0][0], rows[0][1].decode()) if rows else (0, "")

    async def records(self, company_id: str, after: int, limit: int = 1000, *, told: bool = True) -> list[Record]:
        """See `ports.Log.records`."""

        def ask(connection: sqlite3.Connection) -> list[Record]:
            rows = connection.execute(_RECORDS, (company_id, after, limit))
            records = [typed(Record, row[0]) for row in rows]
            return [_with_documents(connection, record) for record in records] if told else records

        return await self._session.read(ask)

    async def companies_with_log(self) -> list[tuple[str, int]]:
        """See `ports.Log.companies_with_log`."""
        heads: dict[str, int] = {}
        for seq, company in await self._rows(_COMPANIES, ()):
            heads[company.decode()] = max(seq, heads.get(company.decode(), 0))
        return sorted(heads.items())

    async def store(self, writes: Sequence[Write]) -> None:
        """See `ports.Log.store`."""
        layout = lay_out(writes)
        await self.write(lambda connection: run(connection, layout))

    async def doorbell(self) -> AsyncIterator[Ring]:
        """See `ports.Log.doorbell`."""
        await self._session.open()
        async for ring in self._session.doorbell.rings():
            yield ring

    # ------------------------------------------------------------ Reader

    async def get_many(self, kind: type[T], keys: Sequence[Key]) -> list[T]:
        """See `ports.Reader.get_many`."""
        collection = collection_of(kind)
        for key in keys:
            check_key_parts(collection, key)
        return await self._documents(kind, by_keys_sql(collection.name), (keys_json(keys),))

    async def select(
        self,
        kind: type[T],
        query: Query,
        *,
        sort: Sort | None = None,
        limit: int | None = None,
        before: Key | None = None,
    ) -> list[T]:
        """See `ports.Reader.select`. Ties of a sort go by key, greatest first; `before` goes with the default order."""
        collection = collection_of(kind)
        tree = parse_query(query)
        asked = where(collection, tree)
        if before is not None:
            asked = _below(collection, tree, asked, before, sort)
        order = order_by(collection, parse_sort(sort or ()), key_descending=True)
        sql, bound = _select("document", asked, order, limit)
        return await self._documents(kind, sql, bound)

    async def count(self, kind: type[Struct], query: Query) -> int:
        """See `ports.Reader.count`."""
        return await self._count(collection_of(kind), query, None)

    # ------------------------------------------------------------ DatabaseAdapter

    async def insert_many(self, collection: str, documents: Sequence[Document]) -> list[str]:
        """See `ports.DatabaseAdapter.insert_many`."""
        into = collection_named(collection)
        rows = [value for document in documents for value in _checked_row(into, document)]
        await self.write(lambda connection: insert(connection, collection, rows, upsert=False))
        return [str(document[into.key[-1]]) for document in documents]

    async def find(
        self,
        collection: str,
        query: Query,
        projection: Mapping[str, int] | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> list[dict[str, object]]:
        """See `ports.DatabaseAdapter.find`."""
        source = collection_named(collection)
        kept = parse_projection(projection)
        order = order_by(source, parse_sort(sort or ()), key_descending=False)
        sql, bound = _select("document", where(source, parse_query(query)), order, limit)

        def ask(connection: sqlite3.Connection) -> list[dict[str, object]]:
            return [project(decode(row[0]), kept) for row in connection.execute(sql, bound)]

        return await self._session.read(ask, seconds=self._long_read_seconds)

    async def count_documents(self, collection: str, query: Query) -> int:
        """See `ports.DatabaseAdapter.count_documents`."""
        return await self._count(collection_named(collection), query, self._long_read_seconds)

    # ------------------------------------------------------------ SQLite alone

    async def write(self, act: Callable[[sqlite3.Connection], R]) -> R:
        """Run something of our own in the writing thread, inside a transaction that is undone if it raises."""
        return await self._session.write(act)

    @property
    def groups(self) -> int:
        """Transactions so far: of one moment's writes, many share one."""
        return self._session.groups

    # ------------------------------------------------------------ inside

    async def _documents(self, kind: type[T], sql: str, bound: tuple[Bound, ...]) -> list[T]:
        def ask(connection: sqlite3.Connection) -> list[T]:
            return [typed(kind, row[0]) for row in connection.execute(sql, bound)]

        return await self._session.read(ask)

    async def _rows(self, sql: str, bound: tuple[Bound, ...]) -> list[tuple[int, bytes]]:
        return await self._session.read(lambda connection: connection.execute(sql, bound).fetchall())

    async def _count(self, collection: Collection, query: Query, seconds: float | None) -> int:
        asked = where(collection, parse_query(query))
        sql = f"SELECT count(*) FROM {asked.source} WHERE {asked.text}"
        rows = await self._session.read(lambda each: each.execute(sql, asked.bound).fetchall(), seconds=seconds)
        return int(rows[0][0])

    async def _update(self, collection: str, query: Query, update: Mapping[str, object], limit: int | None) -> int:
        source, edits = collection_named(collection), parse_update(update)
        sql, bound = _in_key_order(source, query, limit)

        def act(connection: sqlite3.Connection) -> int:
            before = [decode(row[0].encode()) for row in connection.execute(sql, bound)]
            rows = [value for document in before for value in _edited(source, document, edits)]
            insert(connection, source.name, rows, upsert=True)
            return len(before)

        return await self.write(act)

    async def _delete(self, collection: str, query: Query, limit: int | None) -> int:
        source = collection_named(collection)
        order = order_by(source, (), key_descending=False)
        picked, bound = _select("rowid", where(source, parse_query(query)), order, limit)
        sql = f'DELETE FROM "{source.name}" WHERE rowid IN ({picked})'
        return await self.write(lambda connection: connection.execute(sql, bound).rowcount)


def _with_documents(connection: sqlite3.Connection, record: Record) -> Record:
    """A record from the log with the documents that its events are about, as they stand now."""
    found: dict[Place, Raw] = {}
    for name, ids in told_places([record]).items():
        rows = connection.execute(by_ids_sql(name), (record.company_id, keys_json([(each,) for each in ids])))
        found.update({(name, row[0].decode()): Raw(row[1]) for row in rows})
    return with_documents(record, found)


def _below(collection: Collection, tree: And, asked: Sql, before: Key, sort: Sort | None) -> Sql:
    check_key_parts(collection, before)
    if sort:
        raise Invalid("`before` pages the default order only", "before")
    names = ", ".join(f'"{name}"' for name in collection.key)
    places = ", ".join("?" * len(before))
    if len(before) > 1 and Compare((collection.key[0],), "eq", before[0]) in tree.conditions:
        # The same within one partition, and said so that an index ending in the sort field can begin there.
        names, places, before = f'"{collection.key[1]}"', "?", before[1:]
    return Sql(f"({asked.text}) AND ({names}) < ({places})", asked.bound + before, asked.source)


def _select(what: str, asked: Sql, order: Sql, limit: int | None) -> tuple[str, tuple[Bound, ...]]:
    text = f"SELECT {what} FROM {asked.source} WHERE {asked.text} ORDER BY {order.text}"
    bound = asked.bound + order.bound
    return (text, bound) if check_limit(limit) is None else (f"{text} LIMIT ?", (*bound, limit))


def _in_key_order(collection: Collection, query: Query, limit: int | None) -> tuple[str, tuple[Bound, ...]]:
    order = order_by(collection, (), key_descending=False)
    return _select("document", where(collection, parse_query(query)), order, limit)


def _checked_row(collection: Collection, document: Document) -> list[Value]:
    check_value(document, "")
    raw = encode(document)
    check_stored(collection, raw)
    return document_row(collection, document, raw)


def _edited(collection: Collection, document: dict[str, object], edits: tuple[Edit, ...]) -> list[Value]:
    after = apply_update(document, edits)
    for name in collection.key:
        if after.get(name) != document[name]:
            raise Invalid(f"is part of the key of {collection.name} and cannot change", name)
    return _checked_row(collection, after)
