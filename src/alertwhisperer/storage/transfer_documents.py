"""Documents on their way from one engine to another: how they are found, and the form in which they are carried."""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.scope import MSP
from alertwhisperer.domain.timer import SHARDS, Timer
from alertwhisperer.domain.transfer import is_own
from alertwhisperer.ports import Document, Key, Query, Storage
from alertwhisperer.schema import COLLECTIONS, Collection
from alertwhisperer.storage.codec import encode, typed, typed_fields
from alertwhisperer.storage.transfer_patience import patiently

PAGE: Final = 1_000
PAGE_OF_LARGE: Final = 50
KEYS_AT_MOST: Final = 100
TICKET: Final = "ticket#"
"""Receipts of socket tickets, which live for seconds, are in no log: they stay behind."""

RETIRED: Final = {"incidents": frozenset({"key_fields"})}
"""Fields that documents of older versions have, and nobody needs any more: they stay behind."""

Within = str | int | None
"""The last field of a key: a place in a partition. None stands before all."""


async def companies_of(storage: Storage) -> list[str]:
    """Every company that a database knows of, and the MSP itself."""
    found = await patiently(lambda: storage.find("companies", {}, {"id": 1}))
    logs = await patiently(storage.companies_with_log)
    return sorted({str(each["id"]) for each in found} | {company for company, _ in logs} | {MSP})


def partitions(collection: Collection, companies: Sequence[str]) -> list[str]:
    """The partitions in which a collection's documents lie; one whose key has no partition is one itself."""
    if len(collection.key) == 1:
        return [""]
    return list(companies) if collection.key[0] == "company_id" else [str(shard) for shard in range(SHARDS)]


async def pages(
    storage: Storage, collection: Collection, partition: str, after: Within = None, up_to: Within = None
) -> AsyncIterator[list[dict[str, object]]]:
    """A partition's documents in key order, behind `after` and up to `up_to`."""
    field = collection.key[-1]
    size = PAGE_OF_LARGE if collection.unbounded else PAGE
    while True:
        bounds: dict[str, object] = {} if after is None else {"$gt": after}
        if up_to is not None:
            bounds["$lte"] = up_to
        query = {**_whole(collection, partition), **({field: bounds} if bounds else {})}
        # A collection without partitions is small, and one engine reads all of it for any part.
        page = await _found(storage, collection, query, None if len(collection.key) == 1 else size)
        if page:
            yield page
        if len(collection.key) == 1 or len(page) < size:
            return
        after = within_of(collection, page[-1])


def _whole(collection: Collection, partition: str) -> dict[str, object]:
    return {} if len(collection.key) == 1 else {collection.key[0]: partition}


async def by_keys(storage: Storage, collection: Collection, keys: Sequence[Key]) -> list[dict[str, object]]:
    """The documents of those keys that are there."""
    found: list[dict[str, object]] = []
    grouped: dict[str, list[str | int]] = {}
    for key in dict.fromkeys(keys):
        grouped.setdefault("" if len(key) == 1 else str(key[0]), []).append(key[-1])
    for partition, withins in grouped.items():
        for start in range(0, len(withins), KEYS_AT_MOST):
            wanted = {collection.key[-1]: {"$in": withins[start : start + KEYS_AT_MOST]}}
            found += await _found(storage, collection, {**_whole(collection, partition), **wanted})
    return found


async def _found(
    storage: Storage, collection: Collection, query: Query, limit: int | None = None
) -> list[dict[str, object]]:
    return await patiently(lambda: storage.find(collection.name, query, limit=limit))


def key_within(collection: Collection, company_id: str, within: str) -> Key:
    """The key of a document that a record of a company names."""
    if len(collection.key) == 1:
        return (within,)
    if collection.key[0] == "company_id":
        return (company_id, within)
    return tuple(within.split("/", 1))


def key_in(collection: Collection, document: Document) -> Key:
    """The key of a stored document."""
    return tuple(value for name in collection.key if isinstance(value := document[name], str | int))


def within_of(collection: Collection, document: Document) -> str | int:
    """The last field of a stored document's key."""
    return key_in(collection, document)[-1]


def stays(collection: Collection, key: Key) -> bool:
    """Whether a document is of one database alone."""
    match collection.name:
        case "snapshots":
            return key[0] == MSP and is_own(str(key[-1]))
        case "receipts":
            return key[0] == MSP and str(key[-1]).startswith(TICKET)
        case _:
            return False


def carried(collection: Collection, document: Document) -> Struct:
    """A stored document as it is written elsewhere. Invalid if it is none of ours, or holds more than we know.

    Who has claimed a timer is not carried: the claim is void where it has moved to.
    """
    retired = RETIRED.get(collection.name, frozenset())
    document = {name: value for name, value in document.items() if name not in retired}
    kinds = (collection.document, *collection.beside)
    kind = next((each for each in kinds if document.keys() <= _fields(each)), None)
    if kind is None:
        unknown = sorted(document.keys() - _fields(collection.document))
        raise Invalid(f"holds fields that {collection.name} do not have: {', '.join(unknown)[:200]}")
    # Those that may be large have parts that are kept as JSON.
    made = typed(kind, encode(document)) if collection.unbounded else typed_fields(kind, document)
    return replace(made, lease_token=None, lease_until=None) if isinstance(made, Timer) else made


@cache
def _fields(kind: type[Struct]) -> frozenset[str]:
    return frozenset(kind.__struct_encode_fields__)


def ordered() -> tuple[Collection, ...]:
    """The collections as they are copied: the log last, so that a log stands only where its documents are."""
    return tuple(sorted(COLLECTIONS, key=lambda each: each.name in {"events", "snapshots"}))
