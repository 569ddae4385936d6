"""MongoDB's indexes, rendered from `schema.py`, and the names of what documents carry for them.

A document is stored as it is, under `_id`: its key, one field after the other (a key of one field is that field alone),
so that key look-ups, key order and pages go by the primary key. What begins with one underscore is ours and hidden.
"""

from typing import Final

from alertwhisperer.schema import COLLECTIONS, Collection, Index, When

Document = dict[str, object]

META: Final = "meta"
"""The collection whose one document says which version of `schema.py` the database is of."""

AGED_AT: Final = "_aged_at"
"""The instant of `age_field` as a date, which MongoDB's TTL needs; it is rounded, the field itself is not."""

TTL_INDEX: Final = "ttl"

BY_AGE_ALONE: Final = frozenset({"deliveries", "receipts"})
"""What MongoDB itself may let go by age. Not alerts (one may belong to an open incident), not incidents (their timeline
goes with them), not audit entries (a signed anchor comes first), not the log (a snapshot and the counters come first):
those rules are `engine/retention.py`'s, whose sweeps serve every engine."""

MORE_INDEXES: Final = {"events": (Index("company_id-seq-index", ("company_id", "seq")),)}
"""The head of every log in one walk over the companies (`DISTINCT_SCAN`), which `_id`, an object, cannot give."""

DAY_SECONDS: Final = 86_400


def indexes_of(collection: Collection) -> tuple[Index, ...]:
    """The indexes of a collection, this engine's own among them."""
    return (*collection.indexes, *MORE_INDEXES.get(collection.name, ()))


def marker(when: When) -> str:
    """The hidden field of documents that a partial index of what differs from a value holds.

    MongoDB's partial indexes know no `$ne` (manual, "Partial Indexes").
    """
    return f"_{when.field}_not_{when.value}"


def condition(when: When) -> Document:
    """The filter of a partial index; queries repeat it for MongoDB to see that it may be used."""
    return {when.field: when.value} if when.equals else {marker(when): True}


def index_document(collection: Collection, index: Index) -> Document:
    """One index, as the createIndexes command takes it."""
    document: Document = {"name": index.name, "key": dict.fromkeys(index.fields, 1)}
    partial = condition(index.when) if index.when else {}
    if index.unique:
        document["unique"] = True
        # What is missing or null is no duplicate. Any text is at least the empty one.
        partial |= {field: {"$gte": ""} for field in index.fields if field not in collection.key}
    if partial:
        document["partialFilterExpression"] = partial
    return document


def ttl_document(collection: Collection, keep_days: int | None) -> Document | None:
    """The TTL index of a collection that goes by age alone; None for the others, and for what is kept for ever."""
    if collection.name not in BY_AGE_ALONE or keep_days is None:
        return None
    return {"name": TTL_INDEX, "key": {AGED_AT: 1}, "expireAfterSeconds": keep_days * DAY_SECONDS}


def mongodb_indexes(collections: tuple[Collection, ...] = COLLECTIONS) -> dict[str, list[Document]]:
    """Collection → its indexes, as an empty database gets them."""
    rendered: dict[str, list[Document]] = {}
    for collection in collections:
        indexes = [index_document(collection, index) for index in indexes_of(collection)]
        ttl = ttl_document(collection, collection.keep_days)
        rendered[collection.name] = [*indexes, ttl] if ttl else indexes
    return rendered
