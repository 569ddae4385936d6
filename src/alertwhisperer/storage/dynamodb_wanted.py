"""What is to be written, from what was asked for: a commit's writes, documents of the public adapter, and edits."""

from collections.abc import Iterator, Sequence

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Document
from alertwhisperer.schema import Collection
from alertwhisperer.storage.codec import Written, check_stored, decode, encode
from alertwhisperer.storage.dynamodb_search import Found
from alertwhisperer.storage.dynamodb_writes import LIMITS, Wanted
from alertwhisperer.storage.update import Edit, apply_update
from alertwhisperer.storage.values import check_value


def of_written(written: Written) -> Wanted:
    """What a commit or `store` writes."""
    fields = decode(written.raw) if written.raw is not None else None
    return Wanted(written.collection, written.key, fields, written.raw, written.write.expect)


def of_document(collection: Collection, document: Document, *, expect: Document | None = None) -> Wanted:
    """A document of the public adapter. Invalid if it is none that engines can all keep."""
    check_value(document, "")
    raw = encode(document)
    check_stored(collection, raw)
    key = tuple(document.get(name) for name in collection.key)
    return Wanted(collection, key, dict(document), raw, expect)  # type: ignore[arg-type]  # checked when written


def edited(collection: Collection, found: Found, edits: tuple[Edit, ...] | None) -> Wanted:
    """What was found, with these edits, or (None) deleted; Invalid if they change its key."""
    if edits is None:
        return Wanted(collection, found.key, None, None, seen=found.stored)
    after = apply_update(found.stored.fields, edits)
    for name in collection.key:
        if after.get(name) != found.stored.fields[name]:
            raise Invalid(f"is part of the key of {collection.name} and cannot change", name)
    made = of_document(collection, after)
    return Wanted(collection, found.key, made.fields, made.raw, seen=found.stored)


def in_chunks(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Parts that one transaction holds, in order."""
    chunk: list[Wanted] = []
    count = size = 0
    for each in wanted:
        unique = sum(index.unique for index in each.collection.indexes)
        items, length = 1 + 2 * unique + (len(each.key) == 1), len(each.raw or b"")
        if chunk and (count + items > (LIMITS.writes or 0) or size + length > (LIMITS.bytes or 0)):
            yield chunk
            chunk, count, size = [], 0, 0
        chunk.append(each)
        count, size = count + items, size + length
    if chunk:
        yield chunk
