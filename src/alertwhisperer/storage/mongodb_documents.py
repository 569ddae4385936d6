"""Documents as MongoDB keeps them, and back.

Those of `unbounded` collections may be large, and most of one is read by nobody but its own Struct: they are kept as
JSON bytes beside the few fields that are looked up, compressed when they are large.
"""

import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Final, TypeVar

from bson import Int64
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from msgspec import Struct, to_builtins

from alertwhisperer.domain.change import Put
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.instant import moment
from alertwhisperer.ports import Key
from alertwhisperer.schema import Collection, When
from alertwhisperer.storage.codec import Written, check_columns, check_stored, decode, encode, typed, typed_fields
from alertwhisperer.storage.render import columns
from alertwhisperer.storage.render_mongodb import AGED_AT, BY_AGE_ALONE, marker
from alertwhisperer.storage.values import check_value

T = TypeVar("T", bound=Struct)
Stored = dict[str, object]

ID: Final = "_id"
JSON: Final = "_json"
ZLIB: Final = "_zlib"

COMPRESSED_FROM: Final = 1 << 20
"""Bytes. Below, MongoDB's own compression of its blocks does, and costs the event loop nothing."""

STORED_BYTES_AT_MOST: Final = 16_000_000
"""A little below MongoDB's 16 MiB a document."""

ALSO_NATIVE: Final = {"events": ("commit_id", "audit_head")}


class _PlainInt(TypeDecoder):
    """64-bit integers come back as `int`: the driver's own kind is not JSON to msgspec."""

    bson_type = Int64

    def transform_bson(self, value: Int64) -> int:
        return int(value)


CODEC: Final[CodecOptions[Stored]] = CodecOptions(document_class=dict, type_registry=TypeRegistry([_PlainInt()]))


@cache
def native_fields(collection: Collection) -> frozenset[str] | None:
    """The fields that MongoDB can look at; None for all."""
    if not collection.unbounded:
        return None
    return frozenset((*columns(collection), *ALSO_NATIVE.get(collection.name, ())))


def stored_key(collection: Collection, key: Key) -> object:
    """The `_id` of a key."""
    return key[0] if len(key) == 1 else dict(zip(collection.key, key, strict=True))


def of_written(written: Written) -> Stored:
    """The stored form of a `Put`."""
    if not isinstance(written.write, Put) or written.raw is None:
        raise TypeError("only a put has a document")
    document: Stored = to_builtins(written.write.document) if not written.collection.unbounded else {}
    if written.collection.unbounded:
        names = native_fields(written.collection) or ()
        document = {name: value for name in names if (value := getattr(written.write.document, name, None)) is not None}
        document |= _packed(written.collection, written.raw)
    return {ID: stored_key(written.collection, written.key), **document, **_hidden(written.collection, document)}


def of_mapping(collection: Collection, document: Mapping[str, object]) -> Stored:
    """The stored form of a document of the public adapter; Invalid if engines cannot all hold it."""
    check_value(document, "")
    raw = encode(document)
    check_stored(collection, raw)
    check_columns(collection, document)
    plain = decode(raw)
    key = tuple(value for name in collection.key if isinstance(value := plain[name], str | int))
    native = native_fields(collection)
    if native is not None:
        body = {name: plain[name] for name in native if name in plain} | _packed(collection, raw)
    else:
        body = {escaped(name): value for name, value in plain.items()}
    return {ID: stored_key(collection, key), **body, **_hidden(collection, plain)}


def as_mapping(stored: Stored) -> dict[str, object]:
    """A stored document as it was inserted."""
    raw = _unpacked(stored)
    if raw is not None:
        return decode(raw)
    # A field of ours has one underscore in front; one of somebody's own has one more than it was given.
    ours = [name for name in stored if name[:1] == "_"]
    if any(name.startswith("__") for name in ours):
        return {
            name.removeprefix("_"): value
            for name, value in stored.items()
            if not name.startswith("_") or name.startswith("__")
        }
    document = dict(stored)
    for name in ours:
        del document[name]
    return document


def as_struct(kind: type[T], stored: Stored) -> T:
    """A stored document as its Struct; Invalid if it was put in by hand and does not have the Struct's fields."""
    raw = _unpacked(stored)
    if raw is not None:
        return typed(kind, raw)
    return typed_fields(kind, stored)


def escaped(name: str) -> str:
    """The stored name of a field: what begins with one underscore is ours."""
    return f"_{name}" if name.startswith("_") else name


@cache
def _markers(collection: Collection) -> tuple[When, ...]:
    return tuple(dict.fromkeys(each.when for each in collection.indexes if each.when and not each.when.equals))


def _hidden(collection: Collection, fields: Mapping[str, object]) -> Stored:
    hidden: Stored = {marker(when): True for when in _markers(collection) if fields.get(when.field) != when.value}
    if collection.name in BY_AGE_ALONE and collection.age_field:
        aged_at = fields.get(collection.age_field)
        if isinstance(aged_at, str):
            with suppress(ValueError):  # put in by hand, and no instant: it stays
                hidden[AGED_AT] = moment(aged_at)
    return hidden


def _packed(collection: Collection, raw: bytes) -> Stored:
    if len(raw) < COMPRESSED_FROM:
        return {JSON: raw}
    packed = zlib.compress(raw, 1)
    if len(packed) > STORED_BYTES_AT_MOST:
        message = f"a document of {collection.name} must not exceed {STORED_BYTES_AT_MOST} bytes when compressed"
        raise Invalid(f"{message}; this has {len(packed)}: send less at a time")
    return {ZLIB: packed}


def _unpacked(stored: Stored) -> bytes | None:
    if isinstance(raw := stored.get(JSON), bytes):
        return raw
    if isinstance(packed := stored.get(ZLIB), bytes):
        return zlib.decompress(packed)
    return None
