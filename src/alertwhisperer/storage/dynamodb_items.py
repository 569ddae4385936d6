"""Documents as DynamoDB items, and back without loss.

A document's fields are the item's attributes, of DynamoDB's own types. Names that begin with `$` are ours, since no
document has such a key:

- `$hash`: of the whole document; what a careful write finds unchanged.
- `$w`: the document is whole, so that empty fields are left out (`dynamodb_slim.py`).
- `$floats`: paths of the floats without a fraction that nothing else tells from integers.
- `$packed` (and `$parts`): the document as compressed JSON, of collections that are `unbounded`, or when it is too
  large as an item. Parts lie in the table of our own items.
- `$dk`: a key of an index, made of `dedup_key`, or of several fields: initials, since names are billed as well.
- `$name`: a field whose own attribute cannot hold it: `ttl`, and index keys that are not texts. A list with its value,
  empty if the field is missing.
"""

import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Final

from msgspec import Struct, json

from alertwhisperer.domain.instant import is_instant, moment
from alertwhisperer.ports import Key
from alertwhisperer.schema import COLLECTIONS, Collection, Gsi, When
from alertwhisperer.storage.codec import decode
from alertwhisperer.storage.dynamodb_slim import SHAPES, Notes
from alertwhisperer.storage.dynamodb_values import Value, make_float, scalar, to_plain, to_value
from alertwhisperer.storage.render import INTEGER_FIELDS
from alertwhisperer.storage.values import is_key_size

Item = dict[str, Value]
Fields = dict[str, object]

TTL: Final = "ttl"
HASH: Final = "$hash"
WHOLE: Final = "$w"
FLOATS: Final = "$floats"
PACKED: Final = "$packed"
PARTS: Final = "$parts"
NOT_A_TEXT: Final = "$"
"""Stands in an index for a sort field that is not a text, so that the document is in the index all the same."""

ITEM_AT_MOST: Final = 395_000
"""Bytes of an item, estimated from above; DynamoDB ends at 409,600."""

PACKED_AT_MOST: Final = 402_000
"""A document that is not `unbounded` (400,000 bytes at most) always fits so: zlib adds 0.03 % to what is random."""

PART_BYTES: Final = 380_000
DAY_SECONDS: Final = 86_400
DIGEST_BYTES: Final = 12
SMALL_BYTES: Final = 400
"""Allowance for the attributes of ours in an item."""


class Encoded(Struct, frozen=True):
    """An item, the parts that did not fit into it, and how many bytes each is billed for (estimated from above)."""

    item: Item
    size: int
    parts: tuple[bytes, ...] = ()


class Stored(Struct, frozen=True):
    """A document as it was read: its fields, what proves it unchanged, and how many parts lie beside it."""

    fields: Fields
    hash: bytes
    parts: int = 0


def encode_item(
    collection: Collection, document: Mapping[str, object], raw: bytes, *, keep_days: int | None = None
) -> Encoded:
    """The item of a document whose JSON is `raw`. With `keep_days` it expires so many days after its age field."""
    frame = _frame(collection, document, raw, keep_days)
    if not collection.unbounded:
        item = _native(collection, document, frame)
        size = len(raw) + len(item.get(FLOATS, {"S": ""})["S"]) + SMALL_BYTES
        if size <= ITEM_AT_MOST:
            return Encoded(item, size)
    packed = zlib.compress(raw, 3)
    if len(packed) <= PACKED_AT_MOST:
        return Encoded({**frame, PACKED: {"B": packed}}, len(packed) + SMALL_BYTES)
    parts = tuple(packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES))
    return Encoded({**frame, PARTS: {"N": str(len(parts))}}, SMALL_BYTES, parts)


def _frame(collection: Collection, document: Mapping[str, object], raw: bytes, keep_days: int | None) -> Item:
    """The attributes that are not the document's own fields: keys of table and indexes, hash, expiry."""
    item: Item = {name: scalar(document[name]) for name in collection.key}
    item[HASH] = {"B": blake2b(raw, digest_size=8).digest()}
    item |= {name: {"S": text} for name, text in index_texts(collection, document)}
    at = document.get(collection.age_field) if collection.age_field else None
    if keep_days is not None and isinstance(at, str) and is_instant(at):
        item[TTL] = {"N": str(int(moment(at).timestamp()) + keep_days * DAY_SECONDS)}
    return item


def _native(collection: Collection, document: Mapping[str, object], frame: Item) -> Item:
    floats: Notes = []
    shape = SHAPES.get(collection.name)
    fields = shape.fields(document, (), floats) if shape else None
    if fields is not None and all(is_key_text(document[name]) for name in own_index_fields(collection)):
        item = {**fields, **frame, WHOLE: {"BOOL": True}}
    else:
        floats.clear()
        item = _as_it_is(collection, document, frame, floats)
    if floats:
        item[FLOATS] = {"S": json.encode(floats).decode()}
    return item


def _as_it_is(collection: Collection, document: Mapping[str, object], frame: Item, floats: Notes) -> Item:
    """The item of a document with whatever fields."""
    item = dict(frame)
    taken = {TTL, *own_index_fields(collection)}
    for name, value in document.items():
        if name in collection.key:
            continue
        if name not in taken:
            item[name] = to_value(value, (name,), floats)
        elif not is_key_text(value) or name == TTL:
            item[f"${name}"] = {"L": [to_value(value, (name,), floats)]}
    for name in own_index_fields(collection):
        if name not in document and item.get(name) == {"S": NOT_A_TEXT}:
            item[f"${name}"] = {"L": []}
    return item


def is_key_text(value: object) -> bool:
    """Whether a value can be a key of an index as it is."""
    return isinstance(value, str) and is_key_size(value) and value != NOT_A_TEXT


def decode_item(collection: Collection, item: Item, parts: Sequence[bytes] = ()) -> Stored:
    """The document of an item; `parts` are what `part_count` asked for."""
    digest = item[HASH]["B"] if HASH in item else b""
    packed = b"".join(parts) if parts else item[PACKED]["B"] if PACKED in item else None
    if packed is not None:
        return Stored(decode(zlib.decompress(packed)), digest, len(parts))
    fields: Fields = {name: to_plain(value) for name, value in item.items() if name[0] != "$" and name != TTL}
    for name, value in item.items():
        if name[0] == "$" and "L" in value:
            fields.pop(name[1:], None)
            fields |= {name[1:]: to_plain(each) for each in value["L"]}
    if WHOLE in item:
        fields = SHAPES[collection.name].filled(fields)
    if FLOATS in item:
        for positive, *path in json.decode(item[FLOATS]["S"]):
            make_float(fields, path, positive=positive)
    return Stored(fields, digest)


def raw_of(item: Item, parts: Sequence[bytes] = ()) -> bytes | None:
    """The JSON of a packed item, as it was written; None if it is not packed."""
    packed = b"".join(parts) if parts else item[PACKED]["B"] if PACKED in item else None
    return zlib.decompress(packed) if packed is not None else None


def part_count(item: Item) -> int:
    """How many parts of the document lie beside the item."""
    return int(item[PARTS]["N"]) if PARTS in item else 0


def expired(item: Item, now: float | None) -> bool:
    """Whether the item is past its time, though DynamoDB has not removed it yet."""
    return now is not None and TTL in item and float(item[TTL]["N"]) <= now


def key_of_item(collection: Collection, item: Item) -> Key:
    """The document's key, which every index holds too."""
    return tuple(int(item[name]["N"]) if "N" in item[name] else item[name]["S"] for name in collection.key)


def key_item(collection: Collection, key: Key) -> Item:
    """A key as DynamoDB takes it."""
    return {name: scalar(value) for name, value in zip(collection.key, key, strict=True)}


def is_possible_key(collection: Collection, key: Key) -> bool:
    """Whether a document could be stored under the key at all."""
    return all(
        isinstance(value, int) and not isinstance(value, bool)
        if name in INTEGER_FIELDS
        else isinstance(value, str) and is_key_size(value)
        for name, value in zip(collection.key, key, strict=True)
    )


# ---------------------------------------------------------------- indexes


def attribute(collection: Collection, gsi: Gsi, fields: tuple[str, ...]) -> str:
    """The attribute that is an index's key: the field itself, or one of ours made of one or several."""
    return fields[0] if _is_own(collection, gsi, fields) else _made_name(fields)


@cache
def _made_name(fields: tuple[str, ...]) -> str:
    """`$cii` of (company_id, correlated_incident_id): of all but the partition's field, the words' first letters."""
    return "$" + "".join(word[0] for name in fields if name != "company_id" for word in name.split("_"))


def _is_own(collection: Collection, gsi: Gsi, fields: tuple[str, ...]) -> bool:
    return len(fields) == 1 and (fields[0] in collection.key or gsi.when is None)


def made_keys(collection: Collection) -> frozenset[str]:
    """The attributes of ours that are keys of an index: what a document must carry to be in it."""
    places = [(gsi, fields) for gsi in collection.gsis for fields in (gsi.partition, gsi.sort) if fields]
    return frozenset(
        attribute(collection, gsi, fields) for gsi, fields in places if not _is_own(collection, gsi, fields)
    )


def own_index_fields(collection: Collection) -> tuple[str, ...]:
    """The fields, not of the table's key, whose own attributes are keys of an index."""
    return _OWN_INDEX_FIELDS[collection.name]


_OWN_INDEX_FIELDS: Final = {
    collection.name: tuple(
        fields[0]
        for gsi in collection.gsis
        for fields in (gsi.partition, gsi.sort)
        if fields and _is_own(collection, gsi, fields) and fields[0] not in collection.key
    )
    for collection in COLLECTIONS
}


def index_texts(collection: Collection, document: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The attributes that are keys of an index, each with its text; a document without them is not in the index."""
    for gsi in collection.gsis:
        if gsi.when is not None and not holds(gsi.when, document):
            continue
        for fields in (gsi.partition, gsi.sort):
            if not fields or (len(fields) == 1 and fields[0] in collection.key):
                continue
            text = _index_text(collection, gsi, fields, document)
            if text is not None:
                yield attribute(collection, gsi, fields), text


def _index_text(
    collection: Collection, gsi: Gsi, fields: tuple[str, ...], document: Mapping[str, object]
) -> str | None:
    values = [document.get(name) for name in fields]
    if _is_own(collection, gsi, fields):
        if is_key_text(values[0]):
            return str(values[0])
        return NOT_A_TEXT if fields == gsi.sort else None
    return digest(values) if fields == gsi.sort or all(isinstance(value, str) for value in values) else None


def digest(values: Sequence[object]) -> str:
    """What stands for some texts in an index's key."""
    return urlsafe_b64encode(hash_of(values)).decode()


def hash_of(values: Sequence[object]) -> bytes:
    """12 bytes of BLAKE2b over some texts; strong, since senders choose the texts."""
    texts = "\0".join(value if isinstance(value, str) else "\1" for value in values)
    return blake2b(texts.encode(), digest_size=DIGEST_BYTES).digest()


def holds(when: When, document: Mapping[str, object]) -> bool:
    """Whether a document is among those of a partial index."""
    return (document.get(when.field) == when.value) is when.equals
