"""Documents to JSON bytes and back, and the log's record of a commit. Each document is encoded once a commit."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, TypeVar, cast

from msgspec import Struct, ValidationError, convert, json

from alertwhisperer.domain.change import Delete, Write
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Key
from alertwhisperer.schema import BY_DOCUMENT, BY_NAME, Collection, key_of
from alertwhisperer.storage.render import INTEGER_FIELDS, columns
from alertwhisperer.storage.values import KEY_AT_MOST, KEY_SURELY, STORED_AT_MOST, check_value, is_key_size

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
        check_key_texts(each.collection, each.key)
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


def check_key_texts(collection: Collection, values: Iterable[object]) -> None:
    """Invalid if a text of a key, whose fields `values` begins with, is empty or too long for some engine."""
    for name, value in zip(collection.key, values, strict=False):
        # Most are short: that is seen here, since this is asked of every document.
        if isinstance(value, str) and not 0 < len(value) <= KEY_SURELY and not is_key_size(value):
            raise Invalid(f"must have 1 to {KEY_AT_MOST} bytes: it is part of the key of {collection.name}", name)


def check_columns(collection: Collection, document: Mapping[str, object]) -> None:
    """Invalid unless the document has its key, and texts (or nothing) in the fields by which it is looked up."""
    check_key_texts(collection, map(document.get, collection.key))
    for name in columns(collection):
        value = document.get(name)
        wanted = int if name in INTEGER_FIELDS else str
        if value is None and name not in collection.key:
            continue
        if not isinstance(value, wanted) or isinstance(value, bool):
            word = "an integer" if wanted is int else "a text"
            raise Invalid(f"must be {word}: {collection.name} is looked up by it", name)


def collection_named(name: str) -> Collection:
    """The collection of that name; Invalid if there is none."""
    collection = BY_NAME.get(name)
    if collection is None:
        raise Invalid(f"there is no collection {name!r}", "collection")
    return collection


def collection_of(kind: type[Struct]) -> Collection:
    """The collection of a kind of document; Invalid if it is of none."""
    collection = BY_DOCUMENT.get(kind)
    if collection is None:
        raise Invalid(f"{kind.__name__} is not a document of any collection")
    return collection


def check_key_parts(collection: Collection, key: Key) -> None:
    """Invalid unless a key has as many parts as the collection's."""
    if len(key) != len(collection.key):
        raise Invalid(f"a key of {collection.name} is {collection.key}", "key")


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
