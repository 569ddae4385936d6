"""The database as a whole: recognised, made, checked.

One document in `meta` says which version of `schema.py` it is of. It is written first, and whoever finds it unfinished
finishes it: a collection or an index made twice is made once, so that processes that start together need no turn.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from alertwhisperer.domain.errors import Invalid, Unavailable
from alertwhisperer.schema import BY_NAME, COLLECTIONS, VERSION
from alertwhisperer.storage.mongodb_documents import ID, Stored
from alertwhisperer.storage.mongodb_errors import told, translated, within
from alertwhisperer.storage.render_mongodb import META, TTL_INDEX, mongodb_indexes, ttl_document

MARK: Final = "schema"
SERVER_AT_LEAST: Final = (5, 0)
"""The first whose documents hold any key that the house's do (dots, for counters)."""

OPEN_SECONDS: Final = 30.0
NAMESPACE_EXISTS: Final = 48

Database = AsyncDatabase[Stored]


async def prepare(database: Database, keep_days: Mapping[str, int] | None) -> None:
    """Make the schema in an empty database, or check that the one there is of this version.

    `keep_days` says how long collections that go by age alone are kept; None leaves that as it is. Raises Invalid, in
    one sentence, if the database is not ours.
    """
    with within(OPEN_SECONDS):
        # In this order: whoever makes a database writes its mark before its first collection.
        strangers = sorted(BY_NAME.keys() & set(await database.list_collection_names()))
        mark = await database[META].find_one({ID: MARK})
        if mark is None:
            if strangers:
                named = ", ".join(strangers[:3])
                raise Invalid(
                    f"database {database.name} holds collections named {named} without Alert Whisperer's version mark; "
                    "import it, or choose another database"
                )
            mark = await _marked(database)
        _check_version(database.name, mark)
        if not mark.get("ready"):
            await make(database)
        if keep_days is not None:
            await _keep(database, keep_days)


async def missing_indexes(database: Database) -> list[str]:
    """The indexes that are not there, or are there in another form than `schema.py`'s, as `collection.index`."""
    missing: list[str] = []
    for name, indexes in mongodb_indexes().items():
        there = await database[name].index_information()
        missing += [f"{name}.{index['name']}" for index in indexes if not _is_as_wanted(index, there)]
    return missing


async def drop_index(database: Database, named: str) -> None:
    """Drop an index, named `collection.index`, if it is there."""
    name, _, index = named.partition(".")
    if index in await database[name].index_information():
        await database[name].drop_index(index)


def _is_as_wanted(wanted: Stored, there: Mapping[str, Any]) -> bool:
    """By keys and by which documents it holds; when documents go by age is set elsewhere."""
    found = there.get(str(wanted["name"]))
    return (
        found is not None
        and list(found["key"]) == list(cast("Stored", wanted["key"]).items())
        and found.get("partialFilterExpression") == wanted.get("partialFilterExpression")
        and bool(found.get("unique")) == bool(wanted.get("unique"))
    )


async def check_server(database: Database, hosts: str) -> None:
    """Invalid, in one sentence, if the server cannot do what is asked of it; Unavailable if it cannot be reached."""
    # Not by `within`, which would try for as long as it may: who is not there at the start is mostly a wrong address.
    try:
        hello = await database.client.admin.command("hello")
        build = await database.client.admin.command("buildInfo")
    except ServerSelectionTimeoutError as error:
        raise Unavailable(
            f"no primary of a MongoDB replica set answers at {hosts} ({told(error)}): check MONGO_URL and the "
            "network, and that mongod runs there"
        ) from error
    except PyMongoError as error:
        raise translated(error) from error
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Invalid(
            f"MongoDB at {hosts} is not a replica set, and only one can commit several documents at once: start it "
            "with --replSet, and run rs.initiate() in it once (docs/storage.md)"
        )
    if tuple(build["versionArray"][:2]) < SERVER_AT_LEAST:
        wanted = ".".join(map(str, SERVER_AT_LEAST))
        raise Invalid(f"MongoDB at {hosts} is of version {build['version']} and must be {wanted} or later: upgrade it")


async def _marked(database: Database) -> Stored:
    """The mark, ours or that of a process that was first."""
    await database[META].update_one({ID: MARK}, {"$setOnInsert": {"version": VERSION, "ready": False}}, upsert=True)
    return await database[META].find_one({ID: MARK}) or {}


async def recognised(database: Database, newest: int = VERSION) -> int:
    """The version of a database that is ours. Invalid if it has none, or one that is newer than `newest`."""
    mark = await database[META].find_one({ID: MARK})
    if mark is None:
        raise Invalid(f"database {database.name} has no version mark of Alert Whisperer: nothing is there to upgrade")
    return _known_version(database.name, mark, newest)


def _known_version(name: str, mark: Stored, newest: int) -> int:
    version = mark.get("version")
    if not isinstance(version, int) or version > newest:
        raise Invalid(
            f"database {name} is of version {version}, made by a newer Alert Whisperer than this ({newest}): upgrade "
            "the program, or name another database in MONGO_URL"
        )
    return version


def _check_version(name: str, mark: Stored) -> None:
    version = _known_version(name, mark, VERSION)
    if version < VERSION:
        raise Invalid(
            f"database {name} is of version {version} and this program needs {VERSION}: run `alertwhisperer db upgrade`"
        )


async def make(database: Database) -> None:
    """Make the collections and indexes that are missing."""
    indexes = mongodb_indexes()
    await asyncio.gather(*(_make_collection(database, each.name, indexes[each.name]) for each in COLLECTIONS))
    await database[META].update_one({ID: MARK}, {"$set": {"ready": True}})


async def _make_collection(database: Database, name: str, indexes: list[Stored]) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:
        pass
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:
            raise
    if indexes:
        await database.command({"createIndexes": name, "indexes": indexes})


async def _keep(database: Database, keep_days: Mapping[str, int]) -> None:
    """Let MongoDB delete at the age that is set now."""
    for collection in COLLECTIONS:
        wanted = ttl_document(collection, keep_days.get(collection.name, collection.keep_days))
        there = (await database[collection.name].index_information()).get(TTL_INDEX) if wanted else None
        if wanted and there and there.get("expireAfterSeconds") != wanted["expireAfterSeconds"]:
            index = {"name": TTL_INDEX, "expireAfterSeconds": wanted["expireAfterSeconds"]}
            await database.command({"collMod": collection.name, "index": index})
