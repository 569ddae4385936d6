"""Older tables of DynamoDB brought to this version, while nobody serves from them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from alertwhisperer.domain.errors import Conflict
from alertwhisperer.ports import Storage
from alertwhisperer.schema import Collection
from alertwhisperer.storage.dynamodb_tables import Tables
from alertwhisperer.storage.transfer_documents import companies_of, pages, partitions
from alertwhisperer.storage.transfer_writer import Writer
from alertwhisperer.storage.upgrade import Upgrade
from alertwhisperer.storage.upgrade_minutes import minutes_into_hours

Steps = Mapping[int, Callable[[Storage], Awaitable[str]]]
STEPS: Final[Steps] = {2: minutes_into_hours}
"""Version → what leads from it to the next besides tables and indexes; each says what it did."""


async def upgrade_tables(tables: Tables, storage: Storage, *, protected: bool, steps: Steps, to: int) -> Upgrade:
    """Bring the tables to this version; broken off, they are the older ones still, and the same goes on.

    `storage` is open on them, whatever their version. Raises Invalid, in one sentence, if they are not ours, or newer
    than this program; Conflict if a document cannot be given what a new index looks at.
    """
    before = await tables.recognised(newest=to)
    logs = await tables.list_logs()
    lacking = await tables.lacking()
    # First: whoever finds the index there must find it whole. A stack may have made it before, over nothing yet.
    written = {each.name: await _rewrite(storage, each) for each in await tables.outdated()}
    made = [f"{logs:,} logs named"] if logs else []
    made += [f"{count:,} documents of {name} written anew" for name, count in written.items() if count]
    made += [f"table {name}" for name in await tables.create(protected=protected)]
    for each in lacking:
        if each.outdated:
            await tables.drop_index(each.table, each.name)
    for each in lacking:
        await tables.add_index(each.table, each.name)
        made.append(f"index {each.name} of {each.table}")
    await tables.wait()
    made += [await steps[at](storage) for at in range(before, to) if at in steps]
    await tables.mark(to)
    return Upgrade(before, to, made)


async def _rewrite(storage: Storage, collection: Collection) -> int:
    writer = Writer(storage)
    for partition in partitions(collection, await companies_of(storage)):
        async for page in pages(storage, collection, partition):
            await writer.put(collection, page)
    for failure in writer.failures.values():
        raise Conflict(f"{collection.name} {'/'.join(map(str, failure.key))} cannot be written anew: {failure.why}")
    return writer.written
