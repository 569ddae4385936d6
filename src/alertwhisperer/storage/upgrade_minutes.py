"""From version 2 to 3: the minutes of counters, which had documents of their own (`m#2026-11-21T14:05`), go into hours.

Of a SQLite file two statements of `migrate.py` do the same.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from alertwhisperer.domain.change import Delete, Put, Write
from alertwhisperer.domain.metric import Bucket, bucket_id
from alertwhisperer.ports import Storage
from alertwhisperer.schema import BY_DOCUMENT
from alertwhisperer.storage.codec import encode, typed
from alertwhisperer.storage.transfer_documents import companies_of, pages

FIRST: Final = "m#"
LAST: Final = "m$"

_METRICS: Final = BY_DOCUMENT[Bucket]


async def minutes_into_hours(storage: Storage) -> str:
    """Put each minute into its hour, and delete its document, in one; broken off, the same goes on."""
    count = 0
    for company_id in await companies_of(storage):
        async for page in pages(storage, _METRICS, company_id, FIRST, LAST):
            minutes = [typed(Bucket, encode(each)) for each in page]
            for hour, some in groupby(minutes, key=_hour_of):
                await storage.store(await _moves(storage, (company_id, hour), list(some)))
            count += len(page)
    return f"{count:,} minutes of counters put into their hours"


async def _moves(storage: Storage, hour: tuple[str, str], minutes: Sequence[Bucket]) -> list[Write]:
    company_id, bucket = hour
    found = await storage.get(Bucket, hour) or Bucket(company_id=company_id, id=bucket)
    columns = {name: dict(column) for name, column in found.minutes.items()}
    for each in minutes:
        for name, count in each.counts.items():
            columns.setdefault(name, {})[each.id[-2:]] = count
    deletes = [Delete(_METRICS.name, (company_id, each.id)) for each in minutes]
    return [Put(_METRICS.name, replace(found, minutes=columns)), *deletes]


def _hour_of(minute: Bucket) -> str:
    return bucket_id("hour", minute.id.removeprefix(FIRST))
