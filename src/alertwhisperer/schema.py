"""Every collection, declared once: its document, key, indexes and how long it is kept.

SQLite's DDL, MongoDB's indexes, DynamoDB's tables and their CloudFormation are rendered from here.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from msgspec import Struct

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.audit import AuditEntry
from alertwhisperer.domain.company import Company, CompanyConfig
from alertwhisperer.domain.delivery import Intake, Receipt
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.metric import Bucket, FoldCursor
from alertwhisperer.domain.snapshot import Snapshot
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.domain.timer import Timer
from alertwhisperer.domain.transfer import Fence, Hold, Transfer
from alertwhisperer.domain.user import User

VERSION: Final = 3
"""Raised with every change of what is stored; `db upgrade` knows the steps between."""


class When(Struct, frozen=True):
    """The rows a partial index holds: those whose `field` equals (or, if not `equals`, differs from) `value`."""

    field: str
    value: str | None
    equals: bool = True


class Index(Struct, frozen=True):
    """An index over top-level fields, in order. `name` is document 3's where it names one.

    A `lookup` is only asked for equal texts (but for a last field that is the key's, which gives the order), so that an
    engine may keep hashes in their place. One that is `scattered` besides is written much and asked seldom: an engine
    may keep it in blocks by age, so that new entries lie side by side, and look into each.
    """

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    when: When | None = None
    lookup: bool = False
    scattered: bool = False


class Gsi(Struct, frozen=True):
    """A global secondary index of DynamoDB, where each is billed with every write: the few that are worth it.

    One field alone is the document's own attribute. Several together, and what only some documents have (`when`), are
    attributes of ours. Unique indexes need none: guard items hold them. `of` is what the index is asked for: documents
    that are few among many.
    """

    name: str
    partition: tuple[str, ...]
    sort: tuple[str, ...] = ()
    when: When | None = None
    of: When | None = None


class Collection(Struct, frozen=True, kw_only=True):
    """One kind of document. `key` is the partition field and, where there is one, the sort field.

    `age_field` is the instant from which retention counts, `keep_days` the default (None: for ever).
    `beside` are other documents kept under keys of the same form. An `unbounded` one may exceed an item of an engine
    that has a limit: such an engine compresses and splits it. One that `expires` may go by itself when its days have
    passed: nothing else hangs on it. `gsis` are DynamoDB's indexes, which the others' `indexes` map to.
    """

    name: str
    document: type[Struct]
    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()
    age_field: str | None = None
    keep_days: int | None = None
    beside: tuple[type[Struct], ...] = ()
    unbounded: bool = False
    expires: bool = False
    gsis: tuple[Gsi, ...] = ()


_STILL_OPEN: Final = When("status", "resolved", equals=False)


def _open_ones() -> Index:
    """Those not resolved, in key order: few among many, and listed newest first; counted without their documents."""
    return Index("company_id-open-index", ("company_id", "id", "status"), when=_STILL_OPEN)


def _of_company(
    name: str,
    document: type[Struct],
    *indexes: Index,
    age: str | None = None,
    days: int | None = None,
    gsis: tuple[Gsi, ...] = (),
    expires: bool = False,
) -> Collection:
    return Collection(
        name=name,
        document=document,
        key=("company_id", "id"),
        indexes=indexes,
        age_field=age,
        keep_days=days,
        gsis=gsis,
        expires=expires,
    )


COLLECTIONS: Final[tuple[Collection, ...]] = (
    Collection(
        name="companies",
        document=Company,
        key=("id",),
        indexes=(Index("api_key-index", ("api_key",), unique=True),),
        gsis=(Gsi("api_key-index", ("api_key",)),),
    ),
    Collection(
        name="users",
        document=User,
        key=("id",),
        indexes=(Index("email-index", ("email",), unique=True),),
        gsis=(Gsi("email-index", ("email",)),),
    ),
    _of_company(
        "alerts",
        Alert,
        _open_ones(),
        Index(
            "company_id-correlated_incident_id-index",
            ("company_id", "correlated_incident_id", "id"),
            lookup=True,
            scattered=True,
        ),
        Index(
            "company_id-dedup_key-open-index",
            ("company_id", "dedup_key"),
            lookup=True,
            scattered=True,
            when=_STILL_OPEN,
        ),
        age="resolved_at",
        days=90,
        gsis=(
            Gsi("company_id-timestamp-index", ("company_id",), ("timestamp",)),
            # Both of the open ones and of a dedup key: keys alone are read, of which the open ones are few.
            Gsi("company_id-dedup_key-open-index", ("company_id",), ("dedup_key",), when=_STILL_OPEN),
            Gsi("company_id-correlated_incident_id-index", ("company_id", "correlated_incident_id"), ("id",)),
        ),
    ),
    _of_company(
        "incidents",
        Incident,
        _open_ones(),
        Index(
            "company_id-correlation_key-open-index",
            ("company_id", "correlation_key"),
            lookup=True,
            when=_STILL_OPEN,
        ),
        Index(
            "company_id-correlation_key-resolved-index",
            ("company_id", "correlation_key", "id"),
            lookup=True,
            when=When("status", "resolved"),
        ),
        age="resolved_at",
        days=730,
        gsis=(
            Gsi("company_id-status-index", ("company_id",), ("status",), of=_STILL_OPEN),
            Gsi("company_id-correlation_key-index", ("company_id", "correlation_key"), ("id",)),
        ),
    ),
    _of_company(
        "timeline",
        TimelineEntry,
        Index("company_id-incident_id-index", ("company_id", "incident_id", "id")),
        gsis=(Gsi("company_id-incident_id-index", ("company_id", "incident_id"), ("id",)),),
    ),
    Collection(
        name="deliveries",
        document=Intake,
        key=("company_id", "id"),
        age_field="received_at",
        keep_days=30,
        unbounded=True,
        expires=True,
    ),
    _of_company(
        "receipts",
        Receipt,
        # Its ids are the senders' own: only this finds the old ones without reading all of a busy company's.
        Index("company_id-received_at-index", ("company_id", "received_at")),
        age="received_at",
        days=1,
        expires=True,
    ),
    _of_company(
        "assets",
        Asset,
        Index("company_id-name-index", ("company_id", "name"), unique=True),
    ),
    _of_company("audit_logs", AuditEntry, age="timestamp", days=365),
    Collection(
        name="company_configs",
        document=CompanyConfig,
        key=("company_id", "config_type"),
    ),
    Collection(
        name="events",
        document=Record,
        key=("company_id", "seq"),
        age_field="at",
        keep_days=2,
        unbounded=True,
    ),
    Collection(name="timers", document=Timer, key=("shard", "id")),
    Collection(name="metrics", document=Bucket, key=("company_id", "id"), beside=(FoldCursor,)),
    Collection(name="snapshots", document=Snapshot, key=("company_id", "id"), beside=(Fence, Hold, Transfer)),
)

BY_NAME: Final = {collection.name: collection for collection in COLLECTIONS}
BY_DOCUMENT: Final = {
    document: collection for collection in COLLECTIONS for document in (collection.document, *collection.beside)
}


def _key_reader(key: tuple[str, ...]) -> Callable[[Struct], tuple[str | int, ...]]:
    if len(key) > 1:
        return attrgetter(*key)
    only = attrgetter(key[0])
    return lambda document: (only(document),)


_KEYS: Final = {collection.name: _key_reader(collection.key) for collection in COLLECTIONS}


def key_of(collection: Collection, document: Struct) -> tuple[str | int, ...]:
    """The key of a document, in the order of the collection's key fields."""
    return _KEYS[collection.name](document)
