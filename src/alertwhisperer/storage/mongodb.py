"""MongoDB, on a replica set: native documents, one transaction a commit (DESIGN §3, §4)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from msgspec import Struct
from pymongo import ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from alertwhisperer.domain.change import Change, Write
from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Document, Key, Limits, Query, Ring, Sort
from alertwhisperer.schema import COLLECTIONS, VERSION, Collection
from alertwhisperer.storage.adapter import Adapter
from alertwhisperer.storage.codec import Written, check_key_parts, collection_named, collection_of, encode_writes
from alertwhisperer.storage.match import project
from alertwhisperer.storage.mongodb_documents import ID, Stored, as_mapping, as_struct, of_mapping, stored_key
from alertwhisperer.storage.mongodb_errors import within
from alertwhisperer.storage.mongodb_find import Wanted, count, delete, find
from alertwhisperer.storage.mongodb_log import append, head, heads
from alertwhisperer.storage.mongodb_schema import missing_indexes
from alertwhisperer.storage.mongodb_session import COMMIT_SECONDS, Session
from alertwhisperer.storage.mongodb_upgrade import STEPS, Steps, upgrade_database
from alertwhisperer.storage.mongodb_writes import DUPLICATE_KEY, prepare, run
from alertwhisperer.storage.query import check_limit, parse_projection, parse_query, parse_sort
from alertwhisperer.storage.records import make_record, told_in_full, touched_by
from alertwhisperer.storage.update import Edit, apply_update, parse_update
from alertwhisperer.storage.upgrade import Upgrade

T = TypeVar("T", bound=Struct)

_log: Final = logging.getLogger(__name__)


class MongoDBStorage(Adapter):
    """`ports.Storage` on one database of a replica set, shared by any number of processes.

    Opens itself at first use. `read_seconds` bounds a typed read, `long_read_seconds` one of the public adapter,
    `commit_seconds` how long a commit is tried, elections included. `keep_days`: see `mongodb_schema.prepare`.
    """

    def __init__(
        self,
        url: str,
        *,
        database: str | None = None,
        keep_days: Mapping[str, int] | None = None,
        read_seconds: float = 10.0,
        long_read_seconds: float = 30.0,
        commit_seconds: float = COMMIT_SECONDS,
    ) -> None:
        super().__init__()
        self._session = Session(url, database, keep_days, commit_seconds=commit_seconds)
        self._read_seconds = read_seconds
        self._long_read_seconds = long_read_seconds
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # ------------------------------------------------------------ Storage

    async def open(self) -> None:
        """See `ports.Storage.open`."""
        await self._session.open()

    async def upgrade(self, *, steps: Steps = STEPS, to: int = VERSION) -> Upgrade:
        """Bring a database of an older version to this one; see `mongodb_upgrade.upgrade_database`."""
        return await self._session.unprepared(lambda found: upgrade_database(found, self, steps=steps, to=to))

    async def close(self) -> None:
        """See `ports.Storage.close`."""
        await self._session.close()

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[bool]:
        """See `ports.Storage.moment`: by a snapshot session, which a server keeps for minutes."""
        database = await self._session.open()
        async with database.client.start_session(snapshot=True) as session, session.bind():
            yield True

    async def check(self) -> dict[str, object]:
        """See `ports.Storage.check`. Writes the version mark as it is."""
        database = await self._session.open()
        with within(self._read_seconds):
            mark = await database["meta"].find_one_and_update({ID: "schema"}, {"$set": {"version": VERSION}}) or {}
            hello = await database.client.admin.command("hello")
            build = await database.client.admin.command("buildInfo")
            stats = await database.command("dbStats")
            missing = await missing_indexes(database)
        return {
            "engine": "mongodb",
            "hosts": self._session.hosts,
            "database": self._session.name,
            "mongodb_version": build["version"],
            "replica_set": hello.get("setName", "(sharded)"),
            "members": len(hello.get("hosts", [])),
            "schema_version": mark.get("version"),
            "schema_wanted": VERSION,
            "size_bytes": int(stats["storageSize"] + stats["indexSize"]),
            "missing_indexes": ", ".join(missing) or "none",
        }

    @property
    def limits(self) -> Limits:
        """See `ports.Log.limits`."""
        return Limits()

    @property
    def expiring(self) -> frozenset[str]:
        """See `ports.Storage.expiring`."""
        return frozenset(each.name for each in COLLECTIONS if each.expires)

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
        written = encode_writes(change.writes, scope.company_id)
        record = make_record(scope, base_seq + 1, change, touched_by(written), commit_id=commit_id, at=at)
        return await self._session.finish(self._commit(record, written, after))

    async def head(self, company_id: str) -> tuple[int, str]:
        """See `ports.Log.head`."""
        database = await self._session.open()
        with within(self._read_seconds):
            return await head(database, company_id)

    async def records(self, company_id: str, after: int, limit: int = 1000, *, told: bool = True) -> list[Record]:
        """See `ports.Log.records`."""
        query = {"company_id": company_id, "seq": {"$gt": after}}
        records = await self.select(Record, query, sort=[("seq", 1)], limit=limit)
        return await told_in_full(self, company_id, records) if told else records

    async def companies_with_log(self) -> list[tuple[str, int]]:
        """See `ports.Log.companies_with_log`."""
        database = await self._session.open()
        with within(self._read_seconds):
            return await heads(database)

    async def store(self, writes: Sequence[Write]) -> None:
        """See `ports.Log.store`."""
        prepared = prepare(encode_writes(writes))
        database = await self._session.open()

        async def act(session: AsyncClientSession, _: int) -> None:
            await run(database, session, prepared)

        if writes:
            await self._session.finish(self._session.transact(act))

    async def doorbell(self) -> AsyncIterator[Ring]:
        """See `ports.Log.doorbell`."""
        await self._session.open()
        async for ring in self._session.doorbell.rings():
            yield ring

    # ------------------------------------------------------------ Reader

    async def get_many(self, kind: type[T], keys: Sequence[Key]) -> list[T]:
        """See `ports.Reader.get_many`."""
        source = collection_of(kind)
        for key in keys:
            check_key_parts(source, key)
        ids = [stored_key(source, key) for key in keys]
        where: Stored = {ID: ids[0]} if len(ids) == 1 else {ID: {"$in": ids}}
        collection = await self._session.collection(source.name)
        with within(self._read_seconds):
            return [as_struct(kind, each) async for each in collection.find(where)] if ids else []

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
        source = collection_of(kind)
        if before is not None:
            check_key_parts(source, before)
            if sort:
                raise Invalid("`before` pages the default order only", "before")
        wanted = Wanted(
            source=source,
            tree=parse_query(query),
            steps=parse_sort(sort or ()),
            key_descending=True,
            limit=check_limit(limit),
            before=before,
        )
        return [as_struct(kind, each) for each in await self._find(wanted, self._read_seconds)]

    async def count(self, kind: type[Struct], query: Query) -> int:
        """See `ports.Reader.count`."""
        return await self._count(collection_of(kind), query, self._read_seconds)

    # ------------------------------------------------------------ DatabaseAdapter

    async def insert_many(self, collection: str, documents: Sequence[Document]) -> list[str]:
        """See `ports.DatabaseAdapter.insert_many`."""
        into = collection_named(collection)
        stored = [of_mapping(into, document) for document in documents]
        there = await self._session.collection(collection)

        async def act(session: AsyncClientSession, _: int) -> None:
            await _insert(there, stored, session)

        if stored:
            await self._session.finish(self._session.transact(act))
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
        source, kept = collection_named(collection), parse_projection(projection)
        wanted = Wanted(source=source, tree=parse_query(query), steps=parse_sort(sort or ()), limit=check_limit(limit))
        return [project(as_mapping(each), kept) for each in await self._find(wanted, self._long_read_seconds)]

    async def count_documents(self, collection: str, query: Query) -> int:
        """See `ports.DatabaseAdapter.count_documents`."""
        return await self._count(collection_named(collection), query, self._long_read_seconds)

    # ------------------------------------------------------------ inside

    async def _commit(self, record: Record, written: Sequence[Written], after: str | None) -> Record:
        """One at a time for each company of this process: each begins where the one before has ended."""
        turn = self._turns.setdefault(record.company_id, asyncio.Lock())
        async with turn:
            await append(self._session, record, written, after)
            self._tell(record)
        self._session.doorbell.ring(frozenset({record.company_id}))
        return record

    async def _find(self, wanted: Wanted, seconds: float) -> list[Stored]:
        collection = await self._session.collection(wanted.source.name)
        with within(seconds):
            return await find(collection, wanted)

    async def _count(self, source: Collection, query: Query, seconds: float) -> int:
        collection = await self._session.collection(source.name)
        with within(seconds):
            return await count(collection, Wanted(source=source, tree=parse_query(query)))

    async def _update(self, collection: str, query: Query, update: Mapping[str, object], limit: int | None) -> int:
        source, edits = collection_named(collection), parse_update(update)
        wanted = Wanted(source=source, tree=parse_query(query), limit=limit)
        stored = await self._session.collection(collection)

        async def act(session: AsyncClientSession, _: int) -> int:
            before = [as_mapping(each) for each in await find(stored, wanted, session)]
            after = [_edited(source, document, edits) for document in before]
            await _replace(stored, after, session)
            return len(before)

        return await self._session.finish(self._session.transact(act))

    async def _delete(self, collection: str, query: Query, limit: int | None) -> int:
        wanted = Wanted(source=collection_named(collection), tree=parse_query(query), limit=limit)
        stored = await self._session.collection(collection)
        with within(self._long_read_seconds):
            return await delete(stored, wanted)


def _edited(source: Collection, document: dict[str, object], edits: tuple[Edit, ...]) -> Stored:
    after = apply_update(document, edits)
    for name in source.key:
        if after.get(name) != document[name]:
            raise Invalid(f"is part of the key of {source.name} and cannot change", name)
    return of_mapping(source, after)


async def _insert(collection: AsyncCollection[Stored], stored: list[Stored], session: AsyncClientSession) -> None:
    with _conflicts():
        await collection.insert_many(stored, session=session)


async def _replace(collection: AsyncCollection[Stored], stored: list[Stored], session: AsyncClientSession) -> None:
    if stored:
        with _conflicts():
            await collection.bulk_write([ReplaceOne({ID: each[ID]}, each) for each in stored], session=session)


@contextmanager
def _conflicts() -> Iterator[None]:
    """Inside a transaction: a key or unique field that is taken is a Conflict."""
    try:
        yield
    except BulkWriteError as error:
        if error.details["writeErrors"][0]["code"] == DUPLICATE_KEY:
            raise Conflict("its key, or a unique field of it, is taken") from error
        raise
