"""The events of records as readers are told them, on engines that keep no data of an event that names its document."""

from msgspec import Raw
from msgspec.structs import replace

from alertwhisperer.domain.event import GONE, LoggedEvent, Record
from alertwhisperer.ports import Key, Reader
from alertwhisperer.schema import BY_NAME, key_of
from alertwhisperer.storage.codec import encode

Found = dict[tuple[str | int, ...], Raw]
"""(collection, *key) → the document's JSON."""


async def with_documents(reader: Reader, records: list[Record]) -> list[Record]:
    """Records with the documents that their events are about, as they stand now; GONE where one is deleted.

    Only records moved here from an engine that leaves such data out name a place: without any, nothing is read.
    """
    wanted: dict[str, dict[Key, None]] = {}
    for record in records:
        for event in record.events:
            if event.place is not None:
                name, within = record.touched[event.place]
                wanted.setdefault(name, {})[record.company_id, within] = None
    if not wanted:
        return records
    found: Found = {}
    for name, keys in wanted.items():
        documents = await reader.get_many(BY_NAME[name].document, list(keys))
        found |= {(name, *key_of(BY_NAME[name], each)): Raw(encode(each)) for each in documents}
    return [replace(each, events=[_told(event, each, found) for event in each.events]) for each in records]


def _told(event: LoggedEvent, record: Record, found: Found) -> LoggedEvent:
    if event.place is None:
        return event
    name, within = record.touched[event.place]
    data = found.get((name, record.company_id, within), GONE)
    return LoggedEvent(event.type, data, event.internal, event.place)
