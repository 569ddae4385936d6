"""Documents to JSON bytes and back, and the log's record of a commit. Each document is encoded once a commit."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, TypeVar, cast

from msgspec import Raw, Struct, ValidationError, convert, json

from alertwhisperer.domain.change import Change, Delete, Put, Write
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.event import LoggedEvent, Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Key
from alertwhisperer.schema import BY_DOCUMENT, BY_NAME, Collection, key_of
from alertwhisperer.storage.values import STORED_AT_MOST, check_value

T = TypeVar("T", bound=Struct)

_encoder: Final = json.Encoder()
_objects: Final = json.Decoder(dict[str, object])

_decoders: Final[dict[type[Struct], json.Decoder[Struct]]] = {kind: json.Decoder(kind) for kind in BY_DOCUMENT}
"""Made here, by the one thread that imports this: msgspec (0.22) describes a Struct to itself when the first decoder of
it is made, and two threads that do so at once crash the process (SIGSEGV, half of all starts with four threads)."""


def encode(document: Struct | Mapping[str, object]) -> bytes:
    """The JSON of a document, in UTF-8."""
    try:
        return _encoder.encode(document)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise Invalid(f"cannot be kept as JSON: {error}") from error


def decode(document: bytes) -> dict[str, object]:
    """The fields of a stored document."""
    return _objects.decode(document)


class Written(Struct, frozen=True, gc=False):
    """One write with its collection, key and JSON (None for a delete)."""

    write: Write
    collection: Collection
    key: Key
    raw: bytes | None


def encode_writes(writes: Sequence[Write], company_id: str | None = None) -> list[Written]:
    """Each write with the JSON of its document.

    Invalid if one is too large or holds what engines cannot all keep, or (with `company_id`) if one belongs to another
    company: a last fence behind the engine's own.
    """
    written: list[Written] = []
    for write in writes:
        if isinstance(write, Delete):
            each = Written(write, collection_named(write.collection), write.key, None)
        else:
            document = write.document
            collection = collection_named(write.collection)
            for name in free_fields_of(write.collection, type(document)):
                if value := getattr(document, name):
                    check_value(value, name)
            raw = encode(document)
            check_stored(collection, raw)
            each = Written(write, collection, key_of(collection, document), raw)
        if company_id is not None and each.key[0] != company_id and each.collection.key[0] == "company_id":
            message = f"a commit of {company_id} cannot write {each.collection.name} of {each.key[0]}"
            raise Invalid(message, "company_id")
        written.append(each)
    return written


@cache
def free_fields_of(name: str, kind: type[Struct]) -> tuple[str, ...]:
    """The fields of a collection's document that hold whatever somebody sent: those that are not typed."""
    collection = collection_named(name)
    if kind not in {collection.document, *collection.beside}:
        raise Invalid(f"a {kind.__name__} is not a document of {name}")
    return tuple(field for field, hint in kind.__annotations__.items() if "object" in str(hint))


def check_stored(collection: Collection, raw: bytes) -> None:
    """Invalid if the document is larger than engines hold, or has a NUL character in it."""
    if len(raw) > STORED_AT_MOST and not collection.unbounded:
        raise Invalid(f"a document of {collection.name} must not exceed {STORED_AT_MOST} bytes; this has {len(raw)}")
    if b"\\" in raw and b"\\u0000" in raw:  # the first is four times as fast to rule out
        check_value(decode(raw), "")


def collection_named(name: str) -> Collection:
    """The collection of that name; Invalid if there is none."""
    collection = BY_NAME.get(name)
    if collection is None:
        raise Invalid(f"there is no collection {name!r}", "collection")
    return collection


def make_record(
    scope: Scope, seq: int, change: Change, written: Sequence[Written], *, commit_id: str, at: Instant
) -> Record:
    """The log's record of a commit; a told document that is also written shares its bytes."""
    known = {id(each.write.document): each.raw for each in written if isinstance(each.write, Put)}
    events = [
        LoggedEvent(event.type, Raw(known.get(id(event.document)) or encode(event.document)), event.internal)
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
        touched=[(each.collection.name, _within(each)) for each in written],
    )


def _within(written: Written) -> str:
    """The key within the company, as the record lists it."""
    key = written.key
    if written.collection.key[0] == "company_id":
        return key[1] if isinstance(key[1], str) else str(key[1])
    return "/".join(map(str, key))


def typed(kind: type[T], raw: bytes) -> T:
    """A stored document as its Struct; Invalid if it was put in by hand and does not have the Struct's fields."""
    try:
        return cast("T", _decoders[kind].decode(raw))
    except ValidationError as error:
        raise Invalid(f"a stored document is not a {kind.__name__}: {error}") from error


def typed_fields(kind: type[T], fields: Mapping[str, object]) -> T:
    """`typed`, of a document whose fields an engine keeps natively."""
    try:
        return convert(fields, kind)
    except ValidationError as error:
        raise Invalid(f"a stored document is not a {kind.__name__}: {error}") from error
