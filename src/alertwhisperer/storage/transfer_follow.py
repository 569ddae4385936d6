"""Follows a log elsewhere: what its records touched is read again as it stands now, and copied or deleted."""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.domain.event import Record
from alertwhisperer.ports import Document, Key, Storage
from alertwhisperer.schema import BY_NAME, Collection
from alertwhisperer.storage.digest import fingerprint
from alertwhisperer.storage.transfer_documents import Within, by_keys, carried, key_in, key_within, pages, within_of
from alertwhisperer.storage.transfer_patience import patiently
from alertwhisperer.storage.transfer_state import Progress
from alertwhisperer.storage.transfer_writer import Writer

PAGE: Final = 200
EVENTS: Final = BY_NAME["events"]


class Touched(Struct, frozen=True):
    """Documents of a collection that were asked for by key, and those of them that are there."""

    collection: Collection
    keys: Sequence[Key]
    found: list[dict[str, object]]


class Follower:
    """Brings a target up to a source's logs, from where `progress` says that it stands."""

    def __init__(self, source: Storage, writer: Writer, progress: Progress) -> None:
        self._source = source
        self._writer = writer
        self._progress = progress

    async def catch_up(self) -> int:
        """Follow every log to its end; returns how many records there were. Nobody waits for writers to pause.

        Raises Conflict if records have expired before they were followed.
        """
        followed = 0
        for company_id, head in await patiently(self._source.companies_with_log):
            while (after := self._progress.head(company_id)) < head:
                records = await self._records(company_id, after)
                await self.take(company_id, records)
                followed += len(records)
                await self._progress.followed(company_id, records[-1].seq)
        await self._try_again()
        return followed

    async def _records(self, company_id: str, after: int) -> list[Record]:
        records = await patiently(lambda: self._source.records(company_id, after, PAGE, told=False))
        if [each.seq for each in records] != list(range(after + 1, after + 1 + len(records))) or not records:
            raise Conflict(
                f"the log of {company_id} no longer has record {after + 1}: its retention has passed before it was "
                "followed. Empty the target and begin anew"
            )
        return records

    async def take(self, company_id: str, records: Sequence[Record]) -> None:
        """First the documents that the records touched, then the records."""
        await self.write(await self.read(company_id, records))
        await self.copy_records(company_id, records)

    async def copy_records(self, company_id: str, records: Sequence[Record]) -> None:
        """Write the records as they are stored."""
        if records:
            async for page in pages(self._source, EVENTS, company_id, records[0].seq - 1, records[-1].seq):
                await self._writer.put(EVENTS, page)

    async def read(self, company_id: str, records: Sequence[Record]) -> list[Touched]:
        """The documents that the records touched, as they stand now, by collection; all are asked for at once."""
        keys: dict[str, list[Key]] = {}
        for name, key in named_by(company_id, records):
            keys.setdefault(name, []).append(key)
        return list(await asyncio.gather(*(self._found(BY_NAME[name], some) for name, some in keys.items())))

    async def write(self, read: Sequence[Touched]) -> None:
        """Make these documents of the target what they are: there, changed or gone."""
        for each in read:
            there = {key_in(each.collection, document) for document in each.found}
            # Deletes first: what is there may have taken over a unique field.
            await self._writer.delete(each.collection, [key for key in each.keys if key not in there])
            await self._writer.put(each.collection, each.found)

    async def refresh(self, collection: Collection, keys: Sequence[Key]) -> None:
        """Read these documents again, and write them."""
        await self.write([await self._found(collection, keys)])

    async def _found(self, collection: Collection, keys: Sequence[Key]) -> Touched:
        return Touched(collection, keys, await by_keys(self._source, collection, keys))

    async def _try_again(self) -> None:
        """What was refused may go through by now. Deleted first: two may stand in each other's way."""
        refused: dict[str, list[Key]] = {}
        for name, key in self._writer.failures:
            refused.setdefault(name, []).append(key)
        self._writer.failures.clear()
        for name, keys in refused.items():
            await self._writer.delete(BY_NAME[name], keys)
            await self.refresh(BY_NAME[name], keys)


def named_by(company_id: str, records: Sequence[Record]) -> dict[tuple[str, Key], None]:
    """(collection, key) of every document that a company's records touched, in their order."""
    touched = (pair for record in records for pair in record.touched)
    return {(name, key_within(BY_NAME[name], company_id, within)): None for name, within in touched}


async def reconcile(source: Storage, target: Storage, writer: Writer, collection: Collection, partition: str) -> None:
    """Make one partition of the target what the source's is, in one walk along both, whatever the log says."""
    after: Within = None
    async for page in pages(source, collection, partition):
        up_to = within_of(collection, page[-1]) if len(collection.key) > 1 else None
        there = [each async for some in pages(target, collection, partition, after, up_to) for each in some]
        await _settle(writer, collection, page, there)
        if up_to is None:
            return
        after = up_to
    async for rest in pages(target, collection, partition, after):
        await _settle(writer, collection, [], rest)


async def _settle(
    writer: Writer, collection: Collection, wanted: Sequence[Document], there: Sequence[Document]
) -> None:
    known = {key_in(collection, each): _print(collection, each) for each in there}
    asked = {key_in(collection, each): each for each in wanted}
    await writer.delete(collection, [key for key in known if key not in asked])
    await writer.put(collection, [each for key, each in asked.items() if known.get(key) != _print(collection, each)])


def _print(collection: Collection, document: Document) -> int | None:
    try:
        return fingerprint(carried(collection, document))
    except Invalid:
        return None
