"""Documents to JSON bytes and back, and the log's record of a commit. Each document is encoded once a commit."""

from collections.abc import Mapping
from functools import cache
from typing import Final, TypeVar

from msgspec import Raw, Struct, ValidationError, json

from alertwhisperer.domain.change import Change, Delete, Put, Write
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.event import LoggedEvent, Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.schema import BY_NAME, Collection, key_of
from alertwhisperer.storage.values import STORED_AT_MOST, check_value

T = TypeVar("T", bound=Struct)
Encoded = dict[int, bytes]
"""id() of a document of the change in hand → its JSON; alive only as long as the change is."""

_encoder: Final = json.Encoder()
_objects: Final = json.Decoder(dict[str, object])


def encode(document: Struct | Mapping[str, object]) -> bytes:
    """The JSON of a document, in UTF-8."""
    try:
        return _encoder.encode(document)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise Invalid(f"cannot be kept as JSON: {error}") from error


def decode(document: bytes) -> dict[str, object]:
    """The fields of a stored document."""
    return _objects.decode(document)


@cache
def decoder(kind: type[T]) -> json.Decoder[T]:
    """The typed decoder of a kind of document."""
    return json.Decoder(kind)


def encode_writes(writes: tuple[Write, ...]) -> Encoded:
    """The JSON of every document that is put. Invalid if one is too large, or holds what engines cannot all keep."""
    encoded: Encoded = {}
    for write in writes:
        if isinstance(write, Put):
            encoded[id(write.document)] = encode_put(collection_named(write.collection), write.document)
    return encoded


def encode_put(collection: Collection, document: Struct) -> bytes:
    """The JSON of one document, checked at the door of the collection."""
    for name in _free_fields(type(document)):
        value = getattr(document, name)
        if value:
            check_value(value, name)
    raw = encode(document)
    check_stored(collection, raw)
    return raw


def check_stored(collection: Collection, raw: bytes) -> None:
    """Invalid if the document is larger than engines hold, or has a NUL character in it."""
    if len(raw) > STORED_AT_MOST and not collection.unbounded:
        raise Invalid(f"a document of {collection.name} must not exceed {STORED_AT_MOST} bytes; this has {len(raw)}")
    if b"\\u0000" in raw:
        check_value(decode(raw), "")


@cache
def _free_fields(kind: type[Struct]) -> tuple[str, ...]:
    """The fields of a document that hold whatever somebody sent: those whose values are not typed."""
    return tuple(name for name, hint in kind.__annotations__.items() if "object" in str(hint))


def collection_named(name: str) -> Collection:
    """The collection of that name; Invalid if there is none."""
    collection = BY_NAME.get(name)
    if collection is None:
        raise Invalid(f"there is no collection {name!r}", "collection")
    return collection


def make_record(scope: Scope, seq: int, change: Change, encoded: Encoded, *, commit_id: str, at: Instant) -> Record:
    """The log's record of a commit; a told document that is also written shares its bytes."""
    events = [
        LoggedEvent(event.type, Raw(encoded.get(id(event.document)) or encode(event.document)), event.internal)
        for event in change.events
    ]
    return Record(
        company_id=scope.company_id,
        seq=seq,
        commit_id=commit_id,
        at=at,
        actor=scope.actor,
        events=events,
        counts=dict(change.counts),
        audit_head=change.audit_head,
        touched=[touched(write) for write in change.writes],
    )


def touched(write: Write) -> tuple[str, str]:
    """(collection, key within the company) of a write, as the record lists it."""
    collection = collection_named(write.collection)
    key = write.key if isinstance(write, Delete) else key_of(collection, write.document)
    within = key[1:] if collection.key[0] == "company_id" else key
    return write.collection, "/".join(map(str, within))


def check_scope(scope: Scope, writes: tuple[Write, ...]) -> None:
    """Invalid if a write is for another company than the scope's: a last fence behind the engine's own."""
    for write in writes:
        collection = collection_named(write.collection)
        if collection.key[0] != "company_id":
            continue
        owner = write.key[0] if isinstance(write, Delete) else key_of(collection, write.document)[0]
        if owner != scope.company_id:
            raise Invalid(f"a commit of {scope.company_id} cannot write {write.collection} of {owner}", "company_id")


def typed(kind: type[T], raw: bytes) -> T:
    """A stored document as its Struct; Invalid if it was put in by hand and does not have the Struct's fields."""
    try:
        read: json.Decoder[T] = decoder(kind)
        return read.decode(raw)
    except ValidationError as error:
        raise Invalid(f"a stored document is not a {kind.__name__}: {error}") from error
