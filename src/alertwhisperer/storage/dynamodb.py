"""DynamoDB: a table for each collection, every commit one TransactWriteItems (DESIGN §3, §4)."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, Unpack
from weakref import WeakValueDictionary

from msgspec import Struct

from alertwhisperer.domain.change import ABSENT, Change, Write
from alertwhisperer.domain.errors import Invalid, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Document, Key, Limits, Query, Ring, Sort
from alertwhisperer.schema import COLLECTIONS, VERSION
from alertwhisperer.storage.adapter import Adapter
from alertwhisperer.storage.codec import (
    check_key_parts,
    collection_named,
    collection_of,
    encode_writes,
    typed,
    typed_fields,
)
from alertwhisperer.storage.dynamodb_calls import Calls
from alertwhisperer.storage.dynamodb_doorbell import Bells
from alertwhisperer.storage.dynamodb_heads import Heads
from alertwhisperer.storage.dynamodb_log import Appender, fresh_token
from alertwhisperer.storage.dynamodb_plan import described
from alertwhisperer.storage.dynamodb_search import Found, Order, Search
from alertwhisperer.storage.dynamodb_tables import Tables
from alertwhisperer.storage.dynamodb_upgrade import STEPS, Steps, upgrade_tables
from alertwhisperer.storage.dynamodb_wanted import edited, in_chunks, of_document, of_written
from alertwhisperer.storage.dynamodb_writes import LIMITS, TRIES, Changed, Wanted, Writes
from alertwhisperer.storage.match import matches, project
from alertwhisperer.storage.options import DynamoDBOptions
from alertwhisperer.storage.query import And, check_limit, parse_projection, parse_query, parse_sort
from alertwhisperer.storage.records import make_record, told_in_full, touched_by
from alertwhisperer.storage.render_dynamodb import PREFIX, normal_prefix
from alertwhisperer.storage.update import Edit, parse_update
from alertwhisperer.storage.upgrade import Upgrade

T = TypeVar("T", bound=Struct)
R = TypeVar("R")

REGION: Final = "us-east-1"
DEADLINE_SECONDS: Final = 10.0


class Explanation(Struct, frozen=True):
    """How a query is answered. `cost` grows: items, range, index, partition, table."""

    table: str
    index: str | None
    key_condition: str
    cost: str


class DynamoDBStorage(Adapter):
    """`ports.Storage` on DynamoDB, shared by any number of processes.

    Opens itself at first use; makes tables only by `create_tables`, or at `open` with the option `create`.
    """

    look_every_seconds = 60.0

    def __init__(self, **options: Unpack[DynamoDBOptions]) -> None:
        super().__init__()
        self.prefix = normal_prefix(options.get("table_prefix", PREFIX))
        self._create = options.get("create", False)
        self._calls = self._make_calls(
            region=options.get("region", REGION),
            endpoint_url=options.get("endpoint_url"),
            deadline_seconds=options.get("deadline_seconds", DEADLINE_SECONDS),
        )
        self._tables = Tables(self._calls, self.prefix)
        scans = options.get("allow_scan", False)
        self._search = Search(self._calls, self.prefix, options.get("clock"), allow_scan=scans)
        self._writes = Writes(self._calls, self._search, self.prefix, options.get("keep_days") or {})
        self._heads = Heads(self._calls, self._search, self.prefix)
        self._appender = Appender(self._writes, self._heads, self._search)
        self._doorbell = Bells(self._calls, self.prefix, self._search.now)
        self._opening = asyncio.Lock()
        self._open = False
        self._closed = False
        self._pending: set[asyncio.Task[Any]] = set()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # ------------------------------------------------------------ Storage

    async def open(self) -> None:
        """See `ports.Storage.open`."""
        if self._closed:
            raise Unavailable("the database is closed")
        async with self._opening:
            if not self._open:
                await self._calls.open()
                try:
                    if self._create:
                        await self._tables.create()
                    await self._tables.check()
                except BaseException:
                    await self._calls.close()
                    raise
                self._open = True

    async def upgrade(self, *, protected: bool = True, steps: Steps = STEPS, to: int = VERSION) -> Upgrade:
        """Bring tables of an older version to this one; see `dynamodb_upgrade.upgrade_tables`."""
        await self._calls.open()
        self._open = True
        return await upgrade_tables(self._tables, self, protected=protected, steps=steps, to=to)

    async def close(self) -> None:
        """See `ports.Storage.close`."""
        self._closed = True
        while self._pending:
            await asyncio.wait(self._pending)
        await self._doorbell.close()
        await self._calls.close()

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[bool]:
        """See `ports.Storage.moment`. Each read is of a moment of its own."""
        yield False

    async def check(self) -> dict[str, object]:
        """See `ports.Storage.check`. Reads, and writes one small item of ours."""
        await self.open()
        facts = await self._tables.check()
        await self._tables.probe()
        return {
            "engine": "dynamodb",
            "region": self._calls.region,
            "endpoint": self._calls.where,
            "table_prefix": self.prefix,
            **facts,
        }

    @property
    def limits(self) -> Limits:
        """See `ports.Log.limits`."""
        return LIMITS

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
        await self.open()
        written = encode_writes(change.writes, scope.company_id)
        record = make_record(scope, base_seq + 1, change, touched_by(written), commit_id=commit_id, at=at)
        return await self._finish(self._commit(record, [of_written(each) for each in written], after))

    async def _commit(self, record: Record, wanted: list[Wanted], after: str | None) -> Record:
        """One at a time for each company of this process: each goes behind the one before."""
        turn = self._turns.setdefault(record.company_id, asyncio.Lock())
        async with turn:
            await self._appender.append(record, wanted, after)
            self._doorbell.committed(record)
            self._tell(record)
        return record

    async def head(self, company_id: str) -> tuple[int, str]:
        """See `ports.Log.head`."""
        await self.open()
        head = await self._heads.one(company_id)
        return head.seq, head.audit_head

    async def records(self, company_id: str, after: int, limit: int = 1000, *, told: bool = True) -> list[Record]:
        """See `ports.Log.records`."""
        await self.open()
        records = await self._search.records(company_id, after, limit)
        return await told_in_full(self, company_id, records) if told else records

    async def companies_with_log(self) -> list[tuple[str, int]]:
        """See `ports.Log.companies_with_log`."""
        await self.open()
        return [(company_id, head.seq) for company_id, head in (await self._heads.all()).items()]

    async def store(self, writes: Sequence[Write]) -> None:
        """See `ports.Log.store`."""
        await self.open()
        await self._finish(self._store([of_written(each) for each in encode_writes(writes)]))

    async def doorbell(self) -> AsyncIterator[Ring]:
        """See `ports.Log.doorbell`."""
        await self.open()
        async for ring in self._doorbell.rings():
            yield ring

    # ------------------------------------------------------------ Reader

    async def get_many(self, kind: type[T], keys: Sequence[Key]) -> list[T]:
        """See `ports.Reader.get_many`."""
        collection = collection_of(kind)
        for key in keys:
            check_key_parts(collection, key)
        await self.open()
        return [_typed(kind, each) for each in await self._search.by_keys(collection, keys)]

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
        collection, tree = collection_of(kind), parse_query(query)
        if before is not None:
            check_key_parts(collection, before)
            if sort:
                raise Invalid("`before` pages the default order only", "before")
        order = Order(parse_sort(sort or ()), descending=True)
        await self.open()
        found = await self._search.find(collection, tree, order, limit=check_limit(limit), before=before)
        return [_typed(kind, each) for each in found]

    async def count(self, kind: type[Struct], query: Query) -> int:
        """See `ports.Reader.count`. What an index counts may lag by moments."""
        collection, tree = collection_of(kind), parse_query(query)
        await self.open()
        return await self._search.count(collection, tree)

    # ------------------------------------------------------------ DatabaseAdapter

    async def insert_many(self, collection: str, documents: Sequence[Document]) -> list[str]:
        """See `ports.DatabaseAdapter.insert_many`. More than one transaction holds go in several: each all or none."""
        into = collection_named(collection)
        wanted = [of_document(into, document, expect=ABSENT) for document in documents]
        await self.open()
        for chunk in in_chunks(wanted):
            await self._finish(self._store(chunk))
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
        source, tree = collection_named(collection), parse_query(query)
        kept, order = parse_projection(projection), Order(parse_sort(sort or ()))
        await self.open()
        found = await self._search.find(source, tree, order, limit=check_limit(limit))
        return [project(each.stored.fields, kept) for each in found]

    async def count_documents(self, collection: str, query: Query) -> int:
        """See `ports.DatabaseAdapter.count_documents`."""
        source, tree = collection_named(collection), parse_query(query)
        await self.open()
        return await self._search.count(source, tree)

    # ------------------------------------------------------------ DynamoDB alone

    async def create_tables(self, *, protected: bool = True, expiry: bool = True) -> list[str]:
        """Make the tables that are missing; returns their names. See `Tables.create`."""
        await self._calls.open()
        return await self._tables.create(protected=protected, expiry=expiry)

    def explain(self, collection: str, query: Query, *, limited: bool = False) -> Explanation:
        """How a query would be answered; nothing is sent. Invalid where it would be refused."""
        source = collection_named(collection)
        plan = self._search.plan(source, parse_query(query), limited=limited)
        index = plan.gsi.name if plan.gsi else plan.way if plan.way in {"guards", "roster"} else None
        return Explanation(self._search.table(source), index, described(source, plan), plan.cost)

    @property
    def operations(self) -> Counter[str]:
        """Requests so far by kind (`query`, `transact_write_items` …); `….items` counts the items within."""
        return self._calls.operations

    # ------------------------------------------------------------ inside

    def _make_calls(self, *, region: str, endpoint_url: str | None, deadline_seconds: float) -> Calls:
        return Calls(region=region, endpoint_url=endpoint_url, deadline_seconds=deadline_seconds)

    async def _finish(self, work: Coroutine[Any, Any, R]) -> R:
        """Do it to its end, even if whoever waits for it gives up."""
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._pending.discard(task)
        if not task.cancelled():
            task.exception()  # Whoever waited has it; if nobody did, nobody asks.

    async def _store(self, wanted: Sequence[Wanted]) -> None:
        begun = self._heads.listing(wanted)
        try:
            await self._writes.run(wanted, begun, token=fresh_token(secrets.token_hex(8)))
        finally:
            self._heads.wrote(wanted)
        self._heads.listed(begun)

    async def _update(self, collection: str, query: Query, update: Mapping[str, object], limit: int | None) -> int:
        return await self._edit(collection, query, parse_update(update), limit)

    async def _delete(self, collection: str, query: Query, limit: int | None) -> int:
        return await self._edit(collection, query, None, limit)

    async def _edit(self, collection: str, query: Query, edits: tuple[Edit, ...] | None, limit: int | None) -> int:
        """Update, or (`edits` None) delete; more than one transaction holds go in several: each all or none."""
        source, tree = collection_named(collection), parse_query(query)
        await self.open()
        for _ in range(TRIES):
            found = await self._search.find(source, tree, Order(), limit=limit)
            chunks = list(in_chunks([edited(source, each, edits) for each in found]))
            try:
                if chunks:
                    await self._finish(self._store(chunks[0]))
            except Changed:
                continue
            rest = [await self._finish(self._store_again(tree, chunk, edits)) for chunk in chunks[1:]]
            return len(chunks[0]) + sum(rest) if chunks else 0
        raise Unavailable("other processes keep changing these documents", retry_after=1)

    async def _store_again(self, tree: And, chunk: Sequence[Wanted], edits: tuple[Edit, ...] | None) -> int:
        """Write a later part of an update; what others have changed meanwhile is edited anew, if it still matches."""
        wanted = list(chunk)
        for _ in range(TRIES):
            try:
                await self._store(wanted)
            except Changed:
                source = wanted[0].collection
                found = await self._search.by_keys(source, [each.key for each in chunk])
                wanted = [edited(source, each, edits) for each in found if matches(each.stored.fields, tree)]
            else:
                return len(wanted)
        raise Unavailable("other processes keep changing these documents", retry_after=1)


def _typed(kind: type[T], found: Found) -> T:
    return typed(kind, found.raw) if found.raw is not None else typed_fields(kind, found.stored.fields)
