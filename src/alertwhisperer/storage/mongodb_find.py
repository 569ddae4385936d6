"""Asking a collection: MongoDB does what it does as the house would, `match.py` the rest."""

from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from alertwhisperer.schema import Collection
from alertwhisperer.storage.match import matches, sort_documents
from alertwhisperer.storage.mongodb_documents import ID, Stored, as_mapping
from alertwhisperer.storage.mongodb_translate import Ask, may_differ, translate
from alertwhisperer.storage.query import And, By
from alertwhisperer.storage.render import columns


class Wanted(Struct, frozen=True, kw_only=True):
    """A question to a collection: which documents, in which order (ties by key), and how many of them."""

    source: Collection
    tree: And
    steps: tuple[By, ...] = ()
    key_descending: bool = False
    limit: int | None = None
    before: tuple[str | int, ...] | None = None

    @property
    def ask(self) -> Ask:
        """The question as MongoDB takes it."""
        return translate(self.source, self.tree, self.steps, key_descending=self.key_descending, before=self.before)


async def find(
    collection: AsyncCollection[Stored], wanted: Wanted, session: AsyncClientSession | None = None
) -> list[Stored]:
    """The documents that match, as they are stored."""
    ask = wanted.ask
    if ask.sort is None:
        return await _sorted_here(collection, wanted, ask, session)
    found: list[Stored] = []
    limit = 0 if wanted.limit is None or ask.rest else wanted.limit
    cursor = collection.find(
        ask.filter, sort=ask.sort, limit=limit, hint=ask.hint, session=session, allow_disk_use=True
    )
    async with cursor:
        async for each in _held(cursor, ask):
            found.append(each)
            if len(found) == wanted.limit:
                break
    free = [step for step in wanted.steps if step.path[0] not in columns(wanted.source)]
    if free and any(may_differ(as_mapping(each), free) for each in found):
        return await _sorted_here(collection, wanted, ask, session)
    return found


async def count(collection: AsyncCollection[Stored], wanted: Wanted) -> int:
    """How many match."""
    ask = wanted.ask
    if ask.rest is None:
        hint: dict[str, Any] = {"hint": ask.hint} if ask.hint else {}
        return await collection.count_documents(ask.filter, **hint)
    return len([each async for each in _held(collection.find(ask.filter, hint=ask.hint), ask)])


async def delete(collection: AsyncCollection[Stored], wanted: Wanted) -> int:
    """Delete those that match, or (with a limit) the first by key; returns how many."""
    ask = wanted.ask
    if ask.rest is not None:
        ids = [each[ID] for each in await find(collection, wanted)]
        return (await collection.delete_many({ID: {"$in": ids}})).deleted_count
    if wanted.limit is None:
        return (await collection.delete_many(ask.filter, hint=ask.hint)).deleted_count
    gone = await collection.find_one_and_delete(ask.filter, {ID: 1}, sort=ask.sort, hint=ask.hint)
    return int(gone is not None)


async def _sorted_here(
    collection: AsyncCollection[Stored], wanted: Wanted, ask: Ask, session: AsyncClientSession | None
) -> list[Stored]:
    """Those that match, all of them read and sorted by the reference."""
    cursor = collection.find(ask.filter, hint=ask.hint, session=session)
    pairs = [(as_mapping(each), each) async for each in _held(cursor, ask)]
    stored = {id(document): each for document, each in pairs}
    by_key = [By((name,), descending=wanted.key_descending) for name in wanted.source.key]
    ordered = sort_documents((document for document, _ in pairs), wanted.steps, by_key)
    return [stored[id(document)] for document in ordered[: wanted.limit]]


async def _held(found: AsyncIterator[Stored], ask: Ask) -> AsyncIterator[Stored]:
    """Those for which what MongoDB could not look at holds too."""
    async for each in found:
        if ask.rest is None or matches(as_mapping(each), ask.rest):
            yield each
