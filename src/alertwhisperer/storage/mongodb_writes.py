"""Writes of whole documents inside a transaction: few commands, and who was not as expected when one fails."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, to_builtins
from pymongo import DeleteOne, InsertOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from alertwhisperer.domain.change import ABSENT, Put
from alertwhisperer.domain.errors import Stale
from alertwhisperer.schema import Collection
from alertwhisperer.storage.codec import Written
from alertwhisperer.storage.mongodb_documents import ID, Stored, as_mapping, native_fields, of_written, stored_key

Operation = InsertOne[Stored] | ReplaceOne[Stored] | DeleteOne
Scalars = str | int | float | bool | None

DUPLICATE_KEY: Final = 11000


class Prepared(Struct):
    """The writes of one transaction. `looked_at` are expectations that are read before; the others are in the filters.

    deletes: by collection, those that expect nothing; writes: by collection, in the order in which they are sent.
    """

    looked_at: list[Written]
    deletes: dict[str, list[object]]
    conditional_deletes: dict[str, list[Written]]
    inserts: dict[str, list[Written]]
    replaces: dict[str, list[Written]]


def prepare(written: Sequence[Written]) -> Prepared:
    """Lay out writes for `run`."""
    prepared = Prepared([], defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list))
    for each in written:
        name, expect = each.collection.name, each.write.expect
        if expect and not _is_filter(each.collection, expect):
            prepared.looked_at.append(each)
        if isinstance(each.write, Put):
            (prepared.inserts if expect is not None and not expect else prepared.replaces)[name].append(each)
        elif expect is None:
            prepared.deletes[name].append(stored_key(each.collection, each.key))
        elif expect:
            prepared.conditional_deletes[name].append(each)
        else:
            prepared.looked_at.append(each)
    return prepared


async def run(database: AsyncDatabase[Stored], session: AsyncClientSession, prepared: Prepared) -> None:
    """Write it all, inside the session's transaction. Raises Stale if an expectation does not hold."""
    if prepared.looked_at:
        await _look(database, session, prepared.looked_at)
    for name, keys in prepared.deletes.items():
        await database[name].delete_many({ID: {"$in": keys}}, session=session)
    for several in (prepared.conditional_deletes, prepared.inserts, prepared.replaces):
        for name, writes in several.items():
            await _send(database, session, name, writes)


def _is_filter(collection: Collection, expect: Mapping[str, object]) -> bool:
    """Whether equalities in a filter say just that: not of objects (order of keys) or lists (any of its elements)."""
    native = native_fields(collection)
    seen = native is None or native >= expect.keys()
    return seen and all(isinstance(value, Scalars) for value in expect.values())


async def _send(database: AsyncDatabase[Stored], session: AsyncClientSession, name: str, writes: list[Written]) -> None:
    operations = [_operation(each) for each in writes]
    try:
        done = await database[name].bulk_write(operations, session=session)
    except BulkWriteError as error:
        first = error.details["writeErrors"][0]
        if first["code"] == DUPLICATE_KEY:
            taken = writes[first["index"]]
            raise Stale(name, taken.key) from error
        raise
    told = done.inserted_count + done.matched_count + done.upserted_count + done.deleted_count
    if told < len(writes):
        expecting = [each for each in writes if each.write.expect]
        # As others see them: within the transaction they are partly what was just written.
        await _look(database, None, expecting)
        raise Stale(name, expecting[0].key)


def _operation(written: Written) -> Operation:
    key, expect = stored_key(written.collection, written.key), written.write.expect
    where: Stored = {ID: key}
    if expect and _is_filter(written.collection, expect):
        where |= expect
    if not isinstance(written.write, Put):
        return DeleteOne(where)
    document = of_written(written)
    if expect == ABSENT:
        return InsertOne(document)
    return ReplaceOne(where, document, upsert=expect is None)


async def _look(
    database: AsyncDatabase[Stored], session: AsyncClientSession | None, expecting: Sequence[Written]
) -> None:
    """Raise Stale for the first whose document is not as expected."""
    by_name: dict[str, list[Written]] = defaultdict(list)
    for each in expecting:
        by_name[each.collection.name].append(each)
    for name, some in by_name.items():
        keys = [stored_key(each.collection, each.key) for each in some]
        found = [as_mapping(each) async for each in database[name].find({ID: {"$in": keys}}, session=session)]
        there = {tuple(each[field] for field in some[0].collection.key): each for each in found}
        for each in some:
            if not _holds(there.get(each.key), each.write.expect or {}):
                raise Stale(name, each.key)


def _holds(document: Mapping[str, object] | None, expect: Mapping[str, object]) -> bool:
    """Whether each field expected (a missing one counts as null) has the value expected; ABSENT: it is not there."""
    if not expect:
        return document is None
    return document is not None and all(document.get(name) == to_builtins(value) for name, value in expect.items())
