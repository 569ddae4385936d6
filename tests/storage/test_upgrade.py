"""Yesterday's database on an engine that is a server: refused, brought up to date, and said what was done."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pymongo
import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Put
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Storage
from alertwhisperer.schema import VERSION
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from alertwhisperer.storage.dynamodb_tables import VERSION_KEY
from alertwhisperer.storage.mongodb import MongoDBStorage
from tests.storage import version_2
from tests.support.cast import ACME
from tests.support.documents import NOON, alert, scope
from tests.support.dynamodb_local import DynamoDBLocal, running
from tests.support.mongod import MongoSet
from tests.support.processes import wait_for

NAME: Final = "yesterday"
OPEN: Final = {"company_id": ACME, "status": {"$ne": "resolved"}}
INDEX: Final = "company_id-dedup_key-open-index"


async def write(storage: Storage) -> None:
    writes = tuple(Put("alerts", alert(f"a{number}"), ABSENT) for number in range(3))
    await storage.commit(scope(), 0, Change(writes=writes), commit_id="c1", at=NOON)


async def refusal(storage: Storage) -> str:
    with pytest.raises(Invalid) as refused:
        await storage.open()
    await storage.close()
    assert "\n" not in str(refused.value)
    return str(refused.value)


# ---------------------------------------------------------------- MongoDB


@pytest.fixture
def by_hand(mongodb_server: MongoSet) -> Iterator[Any]:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongodb_server.url)
    with client:
        yield client[NAME]
    mongodb_server.drop(NAME)


def handle(servers: MongoSet) -> MongoDBStorage:
    return MongoDBStorage(servers.url, database=NAME)


@pytest.fixture
async def older(mongodb_server: MongoSet, by_hand: Any) -> MongoSet:
    """A database of the version before: without a collection, without an index, and alerts without its marker."""
    storage = handle(mongodb_server)
    await write(storage)
    await version_2.write(storage)
    await storage.close()
    by_hand["metrics"].update_many({}, {"$unset": {"minutes": 1}})
    by_hand["assets"].drop()
    by_hand["alerts"].drop_index(INDEX)
    by_hand["alerts"].update_many({}, {"$unset": {"_status_not_resolved": 1}})
    by_hand["meta"].update_one({"_id": "schema"}, {"$set": {"version": VERSION - 1}})
    return mongodb_server


async def test_an_older_mongodb_is_refused_until_it_is_upgraded(older: MongoSet) -> None:
    assert "alertwhisperer db upgrade" in await refusal(handle(older))
    done = await handle(older).upgrade()
    assert (done.before, done.after, done.needed) == (VERSION - 1, VERSION, True)
    assert done.made == [
        "3 documents of alerts written anew",
        "collection assets",
        f"index alerts.{INDEX}",
        "index assets.company_id-name-index",
        f"{version_2.MINUTES} minutes of counters put into their hours",
    ]
    storage = handle(older)
    await version_2.assert_upgraded(storage)
    assert (await storage.check())["missing_indexes"] == "none"
    assert len(await storage.select(Alert, {**OPEN, "dedup_key": alert("a1").dedup_key})) > 0
    assert await storage.count(Alert, OPEN) == 3
    assert await storage.head(ACME) == (1, "")
    await storage.close()
    again = await handle(older).upgrade()
    assert (again.needed, again.made) == (False, [])


async def test_an_upgrade_of_mongodb_that_fails_is_not_done_and_goes_on_later(older: MongoSet) -> None:
    async def broken(_: Storage) -> str:
        raise OSError("the lights went out")

    async def rename(storage: Storage) -> str:
        await storage.update_many("alerts", {}, {"$set": {"message": "upgraded"}})
        return "alerts renamed"

    with pytest.raises(OSError, match="lights"):
        await handle(older).upgrade(steps={VERSION - 1: broken})
    assert "db upgrade" in await refusal(handle(older))
    done = await handle(older).upgrade(steps={VERSION - 1: rename})
    assert done.made == ["alerts renamed"]
    storage = handle(older)
    assert {each.message for each in await storage.select(Alert, OPEN)} == {"upgraded"}
    await storage.close()


@pytest.mark.parametrize(("version", "said"), [(VERSION + 1, "newer"), (None, "no version mark")])
async def test_a_newer_mongodb_is_not_upgraded(older: MongoSet, by_hand: Any, version: int | None, said: str) -> None:
    by_hand["meta"].delete_one({"_id": "schema"})
    if version is not None:
        by_hand["meta"].insert_one({"_id": "schema", "version": version, "ready": True})
    with pytest.raises(Invalid, match=said):
        await handle(older).upgrade()
    assert "assets" not in by_hand.list_collection_names()


# ---------------------------------------------------------------- DynamoDB


@pytest.fixture(scope="module")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamoDBLocal]:
    """A server of its own: the session's takes over 20 s to drop an index when it has served a thousand tests."""
    with running(tmp_path_factory.mktemp("dynamodb")) as server:
        yield server


@pytest.fixture
async def tables(dynamodb_local: DynamoDBLocal) -> AsyncIterator[DynamoDBStorage]:
    """Tables of the version before: without a table and without an index. A handle that is not open yet."""
    made = handle_of(dynamodb_local)
    if len(await made.create_tables(protected=False, expiry=False)) > 1:
        mark(dynamodb_local, VERSION)
        await write(made)
        await version_2.write(made)
    await made.close()
    call = dynamodb_local.client
    call.delete_table(TableName="Yesterday_Assets")
    if any(each["IndexName"] == INDEX for each in indexes(dynamodb_local)):
        call.update_table(TableName="Yesterday_Alerts", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": INDEX}}])
    wait_for(lambda: all(each["IndexName"] != INDEX for each in indexes(dynamodb_local)), seconds=20, what="it stays")
    mark(dynamodb_local, VERSION - 1)
    older = handle_of(dynamodb_local)
    yield older
    await older.close()


def handle_of(server: DynamoDBLocal) -> DynamoDBStorage:
    return DynamoDBStorage(table_prefix="Yesterday", endpoint_url=server.url, allow_scan=True)


def indexes(server: DynamoDBLocal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.client.describe_table(TableName="Yesterday_Alerts")["Table"][
        "GlobalSecondaryIndexes"
    ]
    return found


def mark(server: DynamoDBLocal, version: int | None) -> None:
    if version is None:
        server.client.delete_item(TableName="Yesterday_System", Key=VERSION_KEY)
    else:
        server.client.put_item(TableName="Yesterday_System", Item={**VERSION_KEY, "version": {"N": str(version)}})


async def test_older_tables_are_refused_until_they_are_upgraded(
    tables: DynamoDBStorage, dynamodb_local: DynamoDBLocal
) -> None:
    done = await tables.upgrade(protected=False)
    assert (done.before, done.after, done.needed) == (VERSION - 1, VERSION, True)
    assert done.made == [
        "3 documents of alerts written anew",
        "table Yesterday_Assets",
        f"index {INDEX} of Yesterday_Alerts",
        f"{version_2.MINUTES} minutes of counters put into their hours",
    ]
    assert not (await tables.upgrade(protected=False)).needed
    storage = handle_of(dynamodb_local)
    await version_2.assert_upgraded(storage)
    assert len(await storage.select(Alert, {**OPEN, "dedup_key": alert("a1").dedup_key})) > 0
    assert await storage.head(ACME) == (1, "")
    await storage.close()


async def test_older_tables_say_what_to_run(tables: DynamoDBStorage, dynamodb_local: DynamoDBLocal) -> None:
    await tables.upgrade(protected=False)
    mark(dynamodb_local, VERSION - 1)
    assert "alertwhisperer db upgrade" in await refusal(handle_of(dynamodb_local))


async def test_a_step_that_fails_leaves_the_tables_of_the_older_version(
    tables: DynamoDBStorage, dynamodb_local: DynamoDBLocal
) -> None:
    async def broken(_: Storage) -> str:
        raise OSError("the lights went out")

    with pytest.raises(OSError, match="lights"):
        await tables.upgrade(protected=False, steps={VERSION - 1: broken})
    assert "db upgrade" in await refusal(handle_of(dynamodb_local))


@pytest.mark.parametrize(("version", "said"), [(VERSION + 1, "newer"), (None, "no version mark")])
async def test_newer_tables_are_not_upgraded(
    tables: DynamoDBStorage, dynamodb_local: DynamoDBLocal, version: int | None, said: str
) -> None:
    mark(dynamodb_local, version)
    with pytest.raises(Invalid, match=said):
        await tables.upgrade(protected=False)
    assert "Yesterday_Assets" not in dynamodb_local.client.list_tables()["TableNames"]
