"""Writes what is carried over, in batches that the engine likes; what it refuses is set aside with its reason."""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.change import ABSENT, Delete, Put, Write
from alertwhisperer.domain.errors import AlertWhispererError, Conflict, Invalid, Stale
from alertwhisperer.domain.transfer import Failure
from alertwhisperer.ports import Document, Key, Storage
from alertwhisperer.schema import Collection
from alertwhisperer.storage.codec import encode
from alertwhisperer.storage.transfer_documents import carried, key_in, stays
from alertwhisperer.storage.transfer_patience import patiently

BATCH: Final = 500
BATCH_WHERE_LIMITED: Final = 25
"""DynamoDB: a transaction that seldom has to be taken apart."""

BATCH_BYTES: Final = 1_500_000
BATCHES_AT_ONCE: Final = 8


class _Item(Struct, frozen=True):
    key: Key
    write: Write
    size: int


class Writer:
    """Puts and deletes documents in a target. `failures` are those that it could not, `written` counts the others."""

    def __init__(self, storage: Storage) -> None:
        self.written = 0
        self.failures: dict[tuple[str, Key], Failure] = {}
        self._storage = storage
        self._batch = BATCH if storage.limits.writes is None else BATCH_WHERE_LIMITED
        self._turns = asyncio.Semaphore(BATCHES_AT_ONCE)

    async def put(self, collection: Collection, documents: Sequence[Document], *, new: bool = False) -> None:
        """Write documents of one collection; none of them twice.

        `new`: they are hardly there yet, so engines need not look for what they replace. What is there is replaced.
        """
        items: list[_Item] = []
        for document in documents:
            key = key_in(collection, document)
            if stays(collection, key):
                continue
            try:
                made = carried(collection, document)
            except Invalid as error:
                self._set_aside(collection, key, error)
                continue
            items.append(_Item(key, Put(collection.name, made), len(encode(made))))
        await self._all(collection, items, new=new)

    async def delete(self, collection: Collection, keys: Sequence[Key]) -> None:
        """Delete documents by key, whether they are there or not."""
        items = [_Item(key, Delete(collection.name, key), 0) for key in keys if not stays(collection, key)]
        await self._all(collection, items)

    async def _all(self, collection: Collection, items: Sequence[_Item], *, new: bool = False) -> None:
        batches = [self._in_turn(collection, batch, new) for batch in _batches(items, self._batch)]
        for outcome in await asyncio.gather(*batches, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _in_turn(self, collection: Collection, batch: Sequence[_Item], new: bool) -> None:  # noqa: FBT001
        async with self._turns:
            if not (new and await self._inserted(collection, batch)):
                await self._write(collection, batch)

    async def _inserted(self, collection: Collection, batch: Sequence[_Item]) -> bool:
        """Insert all of a batch; False, and nothing is written, if one of them is there."""
        try:
            await self._store([replace(each.write, expect=ABSENT) for each in batch])
        except (Invalid, Stale):
            return False
        self._count(collection, batch)
        return True

    async def _write(self, collection: Collection, batch: Sequence[_Item]) -> None:
        """All of a batch at once; one that is refused is halved until the culprit stands alone."""
        try:
            await self._store([each.write for each in batch])
        except (Invalid, Conflict) as error:
            if len(batch) == 1:
                self._set_aside(collection, batch[0].key, error)
                return
            middle = len(batch) // 2
            await self._write(collection, batch[:middle])
            await self._write(collection, batch[middle:])
        else:
            self._count(collection, batch)

    def _count(self, collection: Collection, batch: Sequence[_Item]) -> None:
        self.written += len(batch)
        for each in batch:
            self.failures.pop((collection.name, each.key), None)

    async def _store(self, writes: Sequence[Write]) -> None:
        """What is stored twice is stored once, so a lost answer is no matter."""
        await patiently(lambda: self._storage.store(writes))

    def _set_aside(self, collection: Collection, key: Key, error: AlertWhispererError) -> None:
        field = f"{error.field}: " if isinstance(error, Invalid) and error.field else ""
        self.failures[collection.name, key] = Failure(collection.name, key, f"{field}{error}")


def _batches(items: Sequence[_Item], at_most: int) -> list[list[_Item]]:
    batches: list[list[_Item]] = []
    size = 0
    for each in items:
        if not batches or len(batches[-1]) == at_most or size + each.size > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(each)
        size += each.size
    return batches
