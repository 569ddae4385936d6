"""Finds documents: walks the way that the planner chose, and compares every document with the whole query.

What is found by an index is read again from its table by key, as it is now. An index lags behind by moments, so it may
lack what was just written: what the newest records of the log touched is looked at too, whatever the index says.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import moment
from alertwhisperer.ports import Clock, Key
from alertwhisperer.schema import BY_NAME, Collection
from alertwhisperer.storage.codec import typed
from alertwhisperer.storage.dynamodb_calls import Calls
from alertwhisperer.storage.dynamodb_items import (
    Item,
    Stored,
    decode_item,
    expired,
    is_possible_key,
    key_item,
    key_of_item,
    part_count,
    raw_of,
)
from alertwhisperer.storage.dynamodb_plan import Facts, Plan, Span, choose, key_names
from alertwhisperer.storage.dynamodb_values import scalar
from alertwhisperer.storage.match import matches, sort_documents
from alertwhisperer.storage.query import And, By, Compare
from alertwhisperer.storage.render_dynamodb import own_table, table_name

LAG_SECONDS: Final = 30.0
"""An index is taken to hold what is older than this."""

TAIL_AT_MOST: Final = 200
TAIL_PAGE: Final = 8
LEAST_PAGE: Final = 25
ROSTER: Final = "roster#"


class Found(Struct, frozen=True):
    """A document, and the item it was read from."""

    key: Key
    stored: Stored
    item: Item
    raw: bytes | None


class Order(Struct, frozen=True):
    """How what is found is sorted: by `steps`, ties by key."""

    steps: tuple[By, ...] = ()
    descending: bool = False

    def forward(self, collection: Collection) -> bool | None:
        """Which way to walk one partition so that it comes in this order; None if none does."""
        if not self.steps:
            return not self.descending
        only = self.steps[0] if len(self.steps) == 1 else None
        return not only.descending if only and only.path == collection.key[-1:] else None


class Search:
    """Reads documents of any collection."""

    def __init__(self, calls: Calls, prefix: str, clock: Clock | None, *, allow_scan: bool) -> None:
        self._calls = calls
        self._prefix = prefix
        self._clock = clock
        self._allow_scan = allow_scan

    def now(self) -> float | None:
        """Unix time, by which items expire; None without a clock."""
        return moment(self._clock.now()).timestamp() if self._clock else None

    def table(self, collection: Collection) -> str:
        """The table of a collection."""
        return table_name(self._prefix, collection.name)

    def plan(self, collection: Collection, tree: And, *, limited: bool) -> Plan:
        """The way that would be taken."""
        return choose(collection, tree, limited=limited, allow_scan=self._allow_scan)

    async def find(
        self,
        collection: Collection,
        tree: And,
        order: Order,
        *,
        limit: int | None = None,
        before: Key | None = None,
    ) -> list[Found]:
        """What matches, in order; with `before`, only what has a lesser key."""
        if before is not None:
            tree = _below(collection, tree, before)
        plan = self.plan(collection, tree, limited=limit is not None)
        forward = order.forward(collection)
        early = limit if plan.ordered and forward is not None else None
        found: dict[Key, Found] = {}
        walk = self._walk(collection, tree, plan, forward=forward is not False, page=early)
        async for items in walk:
            for one in await self.decode(collection, items):
                if (before is None or one.key < before) and matches(one.stored.fields, tree):
                    found[one.key] = one
            if early is not None and len(found) >= early:
                break
        await walk.aclose()
        return _sorted(collection, found.values(), order)[:limit]

    async def count(self, collection: Collection, tree: And) -> int:
        """How many match."""
        plan = self.plan(collection, tree, limited=False)
        if not plan.exact:
            return len(await self.find(collection, tree, Order()))
        total = 0
        for span in plan.spans:
            asked = self._query(collection, plan, span, Select="COUNT")
            async for page in self._calls.pages("query", **asked):
                total += page["Count"]
        return total

    async def by_keys(self, collection: Collection, keys: Iterable[Key]) -> list[Found]:
        """Those of the keys that are there, as they are now, in no order."""
        possible = [key_item(collection, key) for key in dict.fromkeys(keys) if is_possible_key(collection, key)]
        return await self.decode(collection, await self._calls.get_many(self.table(collection), possible))

    async def decode(self, collection: Collection, items: Iterable[Item]) -> list[Found]:
        """The documents of items that have not expired."""
        now = self.now()
        found: list[Found] = []
        for item in items:
            if not expired(item, now):
                key = key_of_item(collection, item)
                parts = await self._parts(collection, key, part_count(item)) if part_count(item) else []
                found.append(Found(key, decode_item(collection, item, parts), item, raw_of(item, parts)))
        return found

    async def records(self, company_id: str, after: int, limit: int) -> list[Record]:
        """Records behind `after`, oldest first."""
        events = BY_NAME["events"]
        span = Span(company_id, (">", after))
        asked = self._query(events, Plan(way="spans", cost="range"), span, Limit=limit)
        found: list[Record] = []
        async for page in self._calls.pages("query", **asked):
            found += await self._as_records(page["Items"])
            if len(found) >= limit:
                break
        return found[:limit]

    async def newest(self, company_id: str) -> Record | None:
        """The newest record of a company; None if there is none (any more)."""
        asked = self._log_backwards(company_id, 1)
        answer = await self._calls.read("query", **asked)
        records = await self._as_records(answer["Items"])
        return records[0] if records else None

    async def _as_records(self, items: Iterable[Item]) -> list[Record]:
        return [typed(Record, each.raw or b"") for each in await self.decode(BY_NAME["events"], items)]

    # ------------------------------------------------------------ ways

    async def _walk(
        self, collection: Collection, tree: And, plan: Plan, *, forward: bool, page: int | None
    ) -> AsyncGenerator[list[Item]]:
        if plan.way == "scan":
            async for each in self._calls.pages("scan", TableName=self.table(collection), ConsistentRead=True):
                yield each["Items"]
        else:
            yield await self._items(collection, await self._keys(collection, tree, plan))
        for span in plan.spans:
            async for items in self._walk_span(collection, plan, span, forward=forward, page=page):
                yield items

    async def _keys(self, collection: Collection, tree: And, plan: Plan) -> Sequence[Key]:
        """The keys that are known before anything is walked."""
        match plan.way:
            case "guards":
                return await self._holders(plan.guards)
            case "roster":
                return await self._roster(collection)
            case _:
                return await self._touched(collection, tree) if plan.gsi else plan.keys

    async def _walk_span(
        self, collection: Collection, plan: Plan, span: Span, *, forward: bool, page: int | None
    ) -> AsyncIterator[list[Item]]:
        asked = self._query(collection, plan, span, ScanIndexForward=forward)
        if page is not None:
            asked["Limit"] = max(page, LEAST_PAGE)
        async for each in self._calls.pages("query", **asked):
            items = each["Items"]
            if plan.gsi is not None:
                items = await self._items(collection, [key_of_item(collection, item) for item in items])
            yield items

    def _query(self, collection: Collection, plan: Plan, span: Span, **more: Any) -> dict[str, Any]:
        names = key_names(collection, plan.gsi)
        condition, values = "#p = :p", {":p": scalar(span.partition)}
        if span.sort:
            operator, *operands = span.sort
            condition += " AND " + ("#s BETWEEN :a AND :b" if operator == "between" else f"#s {operator} :a")
            values |= {name: scalar_bound(operand) for name, operand in zip((":a", ":b"), operands, strict=False)}
        asked: dict[str, Any] = {
            "TableName": self.table(collection),
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": dict(zip(("#p", "#s")[: 2 if span.sort else 1], names, strict=False)),
            "ExpressionAttributeValues": values,
            **more,
        }
        return asked | ({"IndexName": plan.gsi.name} if plan.gsi else {"ConsistentRead": True})

    async def _items(self, collection: Collection, keys: Iterable[Key]) -> list[Item]:
        wanted = [key_item(collection, key) for key in dict.fromkeys(keys)]
        return await self._calls.get_many(self.table(collection), wanted)

    async def _holders(self, guards: Sequence[str]) -> list[Key]:
        wanted = [{"kind": {"S": guard}, "id": {"S": "guard"}} for guard in dict.fromkeys(guards)]
        found = await self._calls.get_many(own_table(self._prefix), wanted)
        return [tuple(each["S"] for each in item["holder"]["L"]) for item in found]

    async def _roster(self, collection: Collection) -> list[Key]:
        found: list[Key] = []
        async for page in self._calls.pages("query", **own_query(self._prefix, ROSTER + collection.name)):
            found += [(item["id"]["S"],) for item in page["Items"]]
        return found

    async def _touched(self, collection: Collection, tree: And) -> list[Key]:
        """Keys of the collection that the newest records touched."""
        found: list[Key] = []
        for company_id in Facts(tree).keys(collection.key[0]) or ():
            async for record in self._tail(str(company_id)):
                found += [(company_id, key) for name, key in record.touched if name == collection.name]
        return found

    async def _tail(self, company_id: str) -> AsyncIterator[Record]:
        """The records that an index may not have caught up with, newest first."""
        now = self.now()
        seen = 0
        async for page in self._calls.pages("query", **self._log_backwards(company_id, TAIL_PAGE)):
            for record in await self._as_records(page["Items"]):
                seen += 1
                if seen > TAIL_AT_MOST or (now is not None and now - moment(record.at).timestamp() > LAG_SECONDS):
                    return
                yield record

    def _log_backwards(self, company_id: str, page: int) -> dict[str, Any]:
        way, span = Plan(way="spans", cost="range"), Span(company_id)
        return self._query(BY_NAME["events"], way, span, ScanIndexForward=False, Limit=page)

    async def _parts(self, collection: Collection, key: Key, count: int) -> list[bytes]:
        wanted = [part_key(collection, key, number) for number in range(count)]
        found = await self._calls.get_many(own_table(self._prefix), wanted)
        by_id = {item["id"]["S"]: item["part"]["B"] for item in found}
        return [by_id[each["id"]["S"]] for each in wanted]


def part_key(collection: Collection, key: Key, number: int) -> Item:
    """Where a part of a large document lies."""
    return {"kind": {"S": "#".join(("part", collection.name, *map(str, key)))}, "id": {"S": f"{number:04}"}}


def own_query(prefix: str, kind: str) -> dict[str, Any]:
    """The query of all our own items of a kind."""
    return {
        "TableName": own_table(prefix),
        "KeyConditionExpression": "kind = :k",
        "ExpressionAttributeValues": {":k": {"S": kind}},
        "ConsistentRead": True,
    }


def scalar_bound(value: str | float) -> dict[str, str]:
    """A bound of a key as DynamoDB takes it."""
    return {"S": value} if isinstance(value, str) else {"N": repr(value)}


def _below(collection: Collection, tree: And, before: Key) -> And:
    """The query with its range ended at a key, where that is in the one partition asked for."""
    if len(before) > 1 and Facts(tree).keys(collection.key[0]) == before[:1]:
        return And((*tree.conditions, Compare((collection.key[1],), "lt", before[1])))
    return tree


def _sorted(collection: Collection, found: Iterable[Found], order: Order) -> list[Found]:
    by_fields = {id(each.stored.fields): each for each in found}
    then = [By((name,), order.descending) for name in collection.key]
    ordered = sort_documents([each.stored.fields for each in by_fields.values()], order.steps, then)
    return [by_fields[id(fields)] for fields in ordered]
