"""Lays a change out for SQLite in one pass: each document is encoded once, and its row read off it.

Done in the caller's thread. The writing thread hands the finished lists to SQLite, which runs without the interpreter's
lock: documents as one blob, rows as JSON lists of columns with the place of their document in the blob.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from typing import Final

from msgspec import Struct, json

from alertwhisperer.domain.change import Delete, Write
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Key
from alertwhisperer.schema import BY_NAME, Collection
from alertwhisperer.storage.codec import check_key_texts, check_stored, collection_named, encode, free_fields_of
from alertwhisperer.storage.render import lookup_hash, lookups, real_columns
from alertwhisperer.storage.values import KEY_SURELY, STORED_AT_MOST, check_value

Value = str | int | bytes | None
Row = tuple[Value, ...]
"""The columns of a row, then where its document begins in the blob (from 1) and how many bytes it has."""

Shape = tuple[tuple[str, str], ...]
"""(verb, collection) of each part of a change: `delete`, `insert` or `upsert`, in the order in which they are done."""

HASHES_AT_MOST: Final = 4_096


class Expected(Struct, frozen=True):
    """What must be so of one stored document before anything is written."""

    collection: str
    key: Key
    expect: Mapping[str, object]


class Layout(Struct):
    """A change for one transaction. `places`: `id()` of a document → its place in `touched`, and its JSON."""

    expected: list[Expected]
    deletes: dict[str, list[Key]]
    rows: dict[tuple[str, str], list[Row]]
    documents: list[bytes]
    touched: list[tuple[str, str]]
    places: dict[int, tuple[int, bytes]]

    @property
    def shape(self) -> Shape:
        """The parts, deletes first."""
        return (*(("delete", name) for name in self.deletes), *self.rows)

    def parts(self) -> list[str]:
        """Each part's keys or rows as JSON, in the order of the shape."""
        lists: list[object] = [*self.deletes.values(), *self.rows.values()]
        return [json.encode(each).decode() for each in lists]

    def flat_rows(self, part: tuple[str, str]) -> list[Value]:
        """The rows of a part end to end, each with its document at the end."""
        blob = b"".join(self.documents)
        flat: list[Value] = []
        for *fields, start, size in self.rows[part]:
            flat += fields
            if isinstance(start, int) and isinstance(size, int):
                flat.append(blob[start - 1 : start - 1 + size])
        return flat


class _Plan(Struct, frozen=True):
    """How documents of one Struct become rows of one collection."""

    collection: Collection
    upsert: tuple[str, str]
    free_fields: tuple[str, ...]
    of_company: bool
    row: Callable[[Struct], Row]

    def encode(self, document: Struct) -> bytes:
        """The document's JSON, once it is known to be what every engine can keep."""
        for field in self.free_fields:
            if value := getattr(document, field):
                check_value(value, field)
        raw = encode(document)
        # A single byte is ruled out several times as fast as the whole escape.
        if len(raw) > STORED_AT_MOST or (b"\\" in raw and b"\\u0000" in raw):
            check_stored(self.collection, raw)
        return raw


def lay_out(writes: Sequence[Write], company_id: str | None = None) -> Layout:
    """Encode and lay out writes.

    Invalid if a document is too large or holds what engines cannot all keep, or (with `company_id`) if one belongs to
    another company: a last fence behind the engine's own.
    """
    layout = Layout([], {}, {}, [], [], {})
    documents, touched, places = layout.documents, layout.touched, layout.places
    start = 1
    for write in writes:
        if isinstance(write, Delete):
            _lay_out_delete(layout, write, company_id)
            continue
        document, expect, name = write.document, write.expect, write.collection
        plan = _plan(name, type(document))
        raw, row = plan.encode(document), plan.row(document)
        within = row[1]
        # Most keys are short ids of the company: that is seen here, since this is asked of every document.
        if row[0] != company_id or not isinstance(within, str) or not 0 < len(within) <= KEY_SURELY:
            check_key_texts(plan.collection, row)
        if plan.of_company:
            if company_id is not None and row[0] != company_id:
                raise _foreign(write, row[0], company_id)
            places[id(document)] = (len(touched), raw)
            touched.append((name, str(within)))
        else:
            touched.append((name, _within(plan.collection, row)))
        part = plan.upsert if expect is None else _part(layout, plan, row, expect)
        size = len(raw)
        rows = layout.rows.get(part)
        if rows is None:
            rows = layout.rows[part] = []
        rows.append((*row, start, size))
        documents.append(raw)
        start += size
    # In one order, whatever the decisions' was: each shape is a statement of its own.
    layout.rows = dict(sorted(layout.rows.items()))
    return layout


def _part(layout: Layout, plan: _Plan, row: Row, expect: Mapping[str, object]) -> tuple[str, str]:
    """The part to which a row with an expectation goes: one that is not there yet is inserted, and that is all."""
    name = plan.collection.name
    if not expect:
        return ("insert", name)
    layout.expected.append(Expected(name, _key(plan.collection, row), expect))
    return plan.upsert


def _lay_out_delete(layout: Layout, write: Delete, company_id: str | None) -> None:
    collection = collection_named(write.collection)
    if company_id is not None and collection.key[0] == "company_id" and write.key[0] != company_id:
        raise _foreign(write, write.key[0], company_id)
    check_key_texts(collection, write.key)
    layout.deletes.setdefault(write.collection, []).append(write.key)
    layout.touched.append((write.collection, _within(collection, write.key)))
    if write.expect is not None:
        layout.expected.append(Expected(write.collection, write.key, write.expect))


def _foreign(write: Write, owner: object, company_id: str | None) -> Invalid:
    return Invalid(f"a commit of {company_id} cannot write {write.collection} of {owner}", "company_id")


def _within(collection: Collection, row: Sequence[Value]) -> str:
    """The key within the company, as the record lists it."""
    if collection.key[0] == "company_id":
        return str(row[1])
    return "/".join(map(str, row[: len(collection.key)]))


def _key(collection: Collection, row: Row) -> Key:
    return tuple(value for value in row[: len(collection.key)] if isinstance(value, str | int))


@cache
def _plan(name: str, kind: type[Struct]) -> _Plan:
    collection = collection_named(name)
    free_fields = free_fields_of(name, kind)
    of_company = collection.key[0] == "company_id"
    return _Plan(collection, ("upsert", name), free_fields, of_company, row_reader(kind, name))


@cache
def row_reader(kind: type[Struct], name: str) -> Callable[[Struct], Row]:
    """What reads a document's columns, key first; one that a document beside others lacks is NULL."""
    fields = real_columns(BY_NAME[name])
    hashed = [attrgetter(*each) for each in lookups(BY_NAME[name]).values()]

    def read_some(document: Struct) -> Row:
        return tuple(getattr(document, field, None) for field in fields)

    several = len(fields) > 1 and set(fields) <= set(kind.__struct_fields__)
    read = attrgetter(*fields) if several else read_some
    if not hashed:
        return read

    def read_and_hash(document: Struct) -> Row:
        return (*read(document), *[_hash(each(document)) for each in hashed])

    return read_and_hash


_hash: Final = lru_cache(HASHES_AT_MOST)(lookup_hash)
