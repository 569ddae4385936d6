"""The events of records as readers are told them, on engines that keep no data of an event that names its document."""

from collections.abc import Sequence

from msgspec import Raw
from msgspec.structs import replace

from alertwhisperer.domain.event import GONE, LoggedEvent, Record
from alertwhisperer.ports import Key, Reader
from alertwhisperer.schema import BY_NAME, key_of
from alertwhisperer.storage.codec import encode

Place = tuple[str, str]
"""What a record says it touched: collection, and key within the company."""


async def with_documents(reader: Reader, records: list[Record]) -> list[Record]:
    """Records with the documents that their events are about, as they stand now; GONE where one is deleted.

    Only records moved here from an engine that leaves such data out name a place: without any, nothing is read.
    """
    if not any(event.place is not None for record in records for event in record.events):
        return records
    return [await _with_documents(reader, record) for record in records]


async def _with_documents(reader: Reader, record: Record) -> Record:
    wanted: dict[str, list[Key]] = {}
    for event in record.events:
        if event.place is not None:
            name, within = record.touched[event.place]
            wanted.setdefault(name, []).append((record.company_id, within))
    found: dict[Place, Raw] = {}
    for name, keys in wanted.items():
        documents = await reader.get_many(BY_NAME[name].document, list(dict.fromkeys(keys)))
        found |= {(name, str(key_of(BY_NAME[name], each)[-1])): Raw(encode(each)) for each in documents}
    return replace(record, events=[_told(event, record.touched, found) for event in record.events])


def _told(event: LoggedEvent, touched: Sequence[Place], found: dict[Place, Raw]) -> LoggedEvent:
    if event.place is None:
        return event
    return LoggedEvent(event.type, found.get(touched[event.place], GONE), event.internal, event.place)
