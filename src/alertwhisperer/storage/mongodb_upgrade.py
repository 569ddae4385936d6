"""An older database of MongoDB brought to this version, while nobody serves from it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from alertwhisperer.ports import Storage
from alertwhisperer.schema import BY_NAME, Collection
from alertwhisperer.storage.mongodb_documents import ID, Stored, as_mapping, of_mapping
from alertwhisperer.storage.mongodb_schema import MARK, Database, drop_index, make, missing_indexes, recognised
from alertwhisperer.storage.render_mongodb import META, mongodb_indexes
from alertwhisperer.storage.upgrade import Upgrade
from alertwhisperer.storage.upgrade_minutes import minutes_into_hours

Steps = Mapping[int, Callable[[Storage], Awaitable[str]]]
STEPS: Final[Steps] = {2: minutes_into_hours}
"""Version → what leads from it to the next besides collections and indexes; each says what it did."""


async def upgrade_database(database: Database, storage: Storage, *, steps: Steps, to: int) -> Upgrade:
    """Bring a database to this version; broken off, it is the older one still, and the same goes on.

    `storage` is open on it, whatever its version. Raises Invalid, in one sentence, if it is not ours or newer than
    this program.
    """
    before = await recognised(database, newest=to)
    new = BY_NAME.keys() - set(await database.list_collection_names())
    lacking = await missing_indexes(database)
    # First: whoever finds the index there must find it whole.
    over_ours = {each.partition(".")[0] for each in lacking if _is_over_ours(each)} - new
    made = [await _rewrite(database, BY_NAME[name]) for name in sorted(over_ours)]
    for each in lacking:
        await drop_index(database, each)
    await make(database)
    made += [f"collection {name}" for name in sorted(new)] + [f"index {name}" for name in lacking]
    made += [await steps[at](storage) for at in range(before, to) if at in steps]
    await database[META].update_one({ID: MARK}, {"$set": {"version": to}})
    return Upgrade(before, to, made)


def _is_over_ours(named: str) -> bool:
    """Whether an index, named `collection.index`, looks at fields that are hidden in documents."""
    name, _, index = named.partition(".")
    document = next(each for each in mongodb_indexes()[name] if each["name"] == index)
    fields = [*_names(document, "key"), *_names(document, "partialFilterExpression")]
    return any(field.startswith("_") for field in fields)


def _names(document: Stored, part: str) -> list[str]:
    found = document.get(part)
    return [str(name) for name in found] if isinstance(found, dict) else []


async def _rewrite(database: Database, collection: Collection) -> str:
    """Give every document the hidden fields that it has now; says how many lacked one."""
    count, there = 0, database[collection.name]
    async for stored in there.find():
        anew = of_mapping(collection, as_mapping(stored))
        if anew != stored:
            await there.replace_one({ID: stored[ID]}, anew)
            count += 1
    return f"{count:,} documents of {collection.name} written anew"
