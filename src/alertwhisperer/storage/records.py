"""The log's record of a commit: as readers in this process hear it, as the log keeps it, and as it is read again.

The log keeps no document twice: an event about what was written beside it holds a place in `touched`, and gets the
document, as it then stands, from its row when the record is read.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Raw, Struct
from msgspec.structs import replace

from alertwhisperer.domain.change import Change, Event, Put
from alertwhisperer.domain.event import GONE, LoggedEvent, Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Reader
from alertwhisperer.schema import BY_NAME, key_of
from alertwhisperer.storage.codec import Written, encode
from alertwhisperer.storage.values import check_value

Place = tuple[str, str]
"""A document: its collection, and its key within the company."""


class Touched(Struct, frozen=True):
    """What a commit writes. `places`: `id()` of a document of the company → its place in `names`, and its JSON."""

    names: list[Place]
    places: dict[int, tuple[int, bytes]]


def touched_by(written: Sequence[Written]) -> Touched:
    """What these writes touch."""
    places: dict[int, tuple[int, bytes]] = {}
    names: list[Place] = []
    for at, each in enumerate(written):
        of_company = each.collection.key[0] == "company_id"
        within = str(each.key[1]) if of_company else "/".join(map(str, each.key))
        names.append((each.collection.name, within))
        if of_company and isinstance(each.write, Put) and each.raw is not None:
            places[id(each.write.document)] = (at, each.raw)
    return Touched(names, places)


def make_record(scope: Scope, seq: int, change: Change, touched: Touched, *, commit_id: str, at: Instant) -> Record:
    """The record with its events told in full; a told document that is also written shares its bytes.

    Invalid if the body of a delivery holds what engines cannot all keep, as it would be in a document of its own.
    """
    for each in change.deliveries:
        check_value(each.body, "deliveries.body")
    return Record(
        company_id=scope.company_id,
        seq=seq,
        commit_id=commit_id,
        at=at,
        actor=scope.actor,
        events=[_told(event, touched) for event in change.events],
        counts=dict(change.counts),
        audit_head=change.audit_head,
        touched=touched.names,
        deliveries=list(change.deliveries),
    )


def _told(event: Event, touched: Touched) -> LoggedEvent:
    written = touched.places.get(id(event.document))
    if written is None:
        return LoggedEvent(event.type, Raw(encode(event.document)), event.internal)
    place, raw = written
    return LoggedEvent(event.type, Raw(raw), event.internal, place)


def kept(record: Record) -> Record:
    """The record as the log keeps it."""
    return replace(record, events=[each if each.place is None else _with(each, GONE) for each in record.events])


def told_places(records: Iterable[Record]) -> dict[str, list[str]]:
    """The documents that some records of one company tell of: keys within the company, by collection."""
    wanted: dict[str, dict[str, None]] = {}
    for record in records:
        for event in record.events:
            if event.place is not None:
                name, within = record.touched[event.place]
                wanted.setdefault(name, {})[within] = None
    return {name: list(keys) for name, keys in wanted.items()}


def with_documents(record: Record, found: Mapping[Place, Raw]) -> Record:
    """A record from the log with the documents that its events tell of, GONE where one is not there any more."""
    events = [
        each if each.place is None else _with(each, found.get(record.touched[each.place], GONE))
        for each in record.events
    ]
    return replace(record, events=events)


async def told_in_full(reader: Reader, company_id: str, records: Sequence[Record]) -> list[Record]:
    """Some records of a company's log with the documents that their events tell of, read by key."""
    found: dict[Place, Raw] = {}
    for name, ids in told_places(records).items():
        of = BY_NAME[name]
        for document in await reader.get_many(of.document, [(company_id, each) for each in ids]):
            found[name, str(key_of(of, document)[1])] = Raw(encode(document))
    return [with_documents(each, found) for each in records]


def _with(event: LoggedEvent, data: Raw) -> LoggedEvent:
    return LoggedEvent(event.type, data, event.internal, event.place)
