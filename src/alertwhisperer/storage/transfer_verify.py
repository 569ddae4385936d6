"""Compares two databases: how many documents each collection has, and a digest of all of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.instant import Instant, plus
from alertwhisperer.domain.scope import MSP
from alertwhisperer.ports import Document, Storage
from alertwhisperer.schema import Collection
from alertwhisperer.storage.digest import Digest, fingerprint
from alertwhisperer.storage.transfer_documents import carried, companies_of, key_in, ordered, pages, partitions, stays

DAY_SECONDS: Final = 86_400
MARGIN_SECONDS: Final = 3_600
"""What an engine deletes by itself within so long is left out: it may be gone on one side and not on the other."""


class Contents(Struct):
    """What one side has of a collection. `unreadable` are documents that are none of ours, by key."""

    digest: Digest = field(default_factory=Digest)
    seen: int = 0
    unreadable: list[str] = field(default_factory=list)

    def join(self, other: "Contents") -> None:
        """Add another partition's."""
        self.digest.join(other.digest)
        self.seen += other.seen
        self.unreadable += other.unreadable

    def agrees(self, other: "Contents") -> bool:
        """Whether both have the same, and all of it could be read."""
        return self.digest == other.digest and not self.unreadable and not other.unreadable

    @property
    def count(self) -> int:
        """Documents, but for those about to expire."""
        return self.digest.count + len(self.unreadable)


class Comparison(Struct):
    """One collection on both sides.

    `differing` are the partitions that do not agree, `strays` are of the source, and of no company it knows; they are
    not looked for where reads are billed.
    """

    collection: Collection
    source: Contents
    target: Contents
    differing: list[str]
    strays: int

    @property
    def agrees(self) -> bool:
        """Whether the target has all that the source has, and nothing else."""
        return not self.differing and not self.strays


class Verifier:
    """Reads both sides of a transfer. `keep_days` says when the engine that deletes by itself does so."""

    def __init__(self, source: Storage, target: Storage, keep_days: Mapping[str, int], now: Instant) -> None:
        self._source = source
        self._target = target
        self._keep_days = keep_days
        self._now = now

    async def compare(self, collections: Sequence[Collection] | None = None) -> list[Comparison]:
        """Each collection (default: all) on both sides."""
        companies = sorted({*await companies_of(self._source), *await companies_of(self._target)})
        return [await self._compare(each, partitions(each, companies)) for each in collections or ordered()]

    async def _compare(self, collection: Collection, parts: Sequence[str]) -> Comparison:
        # Where reads are billed, all that is in no company's partition would only be found by reading everything again.
        billed = self._source.limits.writes is not None
        known = 0 if billed else await self._source.count_documents(collection.name, {})
        found = Comparison(collection, Contents(), Contents(), [], 0)
        for part in parts:
            source, target = await asyncio.gather(
                self._contents(self._source, collection, part), self._contents(self._target, collection, part)
            )
            if not source.agrees(target):
                found.differing.append(part)
            found.source.join(source)
            found.target.join(target)
        found.strays = max(0, known - found.source.seen)
        return found

    async def _contents(self, storage: Storage, collection: Collection, part: str) -> Contents:
        contents, fading = Contents(), self._fading_before(collection)
        async for page in pages(storage, collection, part):
            contents.seen += len(page)
            for document in page:
                # What stays is the MSP's own: of companies' documents, which are many, it is not asked.
                staying = part == MSP and stays(collection, key_in(collection, document))
                if not staying and not _fades(collection, document, fading):
                    _add(contents, collection, document)
        return contents

    def _fading_before(self, collection: Collection) -> Instant | None:
        """What is older, one of the engines has deleted by itself, or is about to."""
        days = self._keep_days.get(collection.name)
        if days is None or collection.name not in self._source.expiring | self._target.expiring:
            return None
        return plus(self._now, MARGIN_SECONDS - days * DAY_SECONDS)


def _fades(collection: Collection, document: Document, before: Instant | None) -> bool:
    at = document.get(collection.age_field) if before is not None and collection.age_field else None
    return before is not None and isinstance(at, str) and at < before


def _add(contents: Contents, collection: Collection, document: Document) -> None:
    try:
        contents.digest.add(fingerprint(carried(collection, document)))
    except Invalid:
        contents.unreadable.append("/".join(map(str, key_in(collection, document))))
