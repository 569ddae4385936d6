"""Yesterday's database on an engine that is a server: refused, brought up to date, and said what was done."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pymongo
import pytest
from msgspec import to_builtins

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Put
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.reason import Reason
from alertwhisperer.ports import Storage
from alertwhisperer.schema import VERSION
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from alertwhisperer.storage.dynamodb_tables import VERSION_KEY
from alertwhisperer.storage.dynamodb_values import to_value
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
OWN: Final = "Yesterday_System"


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


async def test_an_index_of_mongodb_with_other_keys_is_made_anew(older: MongoSet, by_hand: Any) -> None:
    await handle(older).upgrade()
    for form in (
        {"keys": [("dedup_key", 1)]},
        {"keys": [("dedup_key", 1), ("company_id", 1)], "partialFilterExpression": {"_status_not_resolved": True}},
        {"keys": [("company_id", 1), ("dedup_key", 1)]},
    ):
        wanted = by_hand["alerts"].index_information()[INDEX]
        by_hand["alerts"].drop_index(INDEX)
        by_hand["alerts"].create_index(name=INDEX, **form)
        storage = handle(older)
        assert (await storage.check())["missing_indexes"] == f"alerts.{INDEX}"
        await storage.close()
        done = await handle(older).upgrade()
        assert done.made == ["0 documents of alerts written anew", f"index alerts.{INDEX}"]
        assert by_hand["alerts"].index_information()[INDEX] == wanted
    assert not (await handle(older).upgrade()).needed


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
    for item in own_items(dynamodb_local, "logs"):
        call.delete_item(TableName=OWN, Key=item)
        call.put_item(TableName=OWN, Item={**item, "kind": {"S": "heads"}, "seq": {"N": "1"}, "audit_head": {"S": ""}})
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


def own_items(server: DynamoDBLocal, kind: str) -> list[dict[str, Any]]:
    return [each for each in server.client.scan(TableName=OWN)["Items"] if each["kind"] == {"S": kind}]


def mark(server: DynamoDBLocal, version: int | None) -> None:
    if version is None:
        server.client.delete_item(TableName=OWN, Key=VERSION_KEY)
    else:
        server.client.put_item(TableName=OWN, Item={**VERSION_KEY, "version": {"N": str(version)}})


async def test_older_tables_are_refused_until_they_are_upgraded(
    tables: DynamoDBStorage, dynamodb_local: DynamoDBLocal
) -> None:
    done = await tables.upgrade(protected=False)
    assert (done.before, done.after, done.needed) == (VERSION - 1, VERSION, True)
    assert done.made == [
        "1 logs named",
        "3 documents of alerts written anew",
        "table Yesterday_Assets",
        f"index {INDEX} of Yesterday_Alerts",
        f"{version_2.MINUTES} minutes of counters put into their hours",
    ]
    assert not (await tables.upgrade(protected=False)).needed
    storage = handle_of(dynamodb_local)
    await version_2.assert_upgraded(storage)
    assert len(await storage.select(Alert, {**OPEN, "dedup_key": alert("a1").dedup_key})) > 0
    assert await storage.companies_with_log() == [(ACME, 1)]
    assert own_items(dynamodb_local, "heads") == []
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


async def test_an_index_with_the_keys_of_an_earlier_version_is_made_anew(
    tables: DynamoDBStorage, dynamodb_local: DynamoDBLocal
) -> None:
    """Its documents too: as they were, they lack what the index looks at now, and have what it looked at then."""
    call, table = dynamodb_local.client, "Yesterday_Alerts"
    call.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in (*EARLIER_KEYS, "id")],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": INDEX,
                    "KeySchema": EARLIER_SCHEMA,
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )
    wait_for(lambda: all(each["IndexStatus"] == "ACTIVE" for each in indexes(dynamodb_local)), seconds=20, what="late")
    earlier = alert("a9", correlated_incident_id="i1", reason=Reason(kind="opened", sentence=""))
    call.put_item(TableName=table, Item=as_it_was(earlier))
    await tables.create_tables(protected=False, expiry=False)
    assert "alertwhisperer db upgrade" in await refusal(handle_of(dynamodb_local))
    done = await tables.upgrade(protected=False)
    assert done.made[:3] == [
        "1 logs named",
        "4 documents of alerts written anew",
        f"index {INDEX} of Yesterday_Alerts",
    ]
    now = next(each["KeySchema"] for each in indexes(dynamodb_local) if each["IndexName"] == INDEX)
    assert now != EARLIER_SCHEMA
    assert call.scan(TableName=table, IndexName=INDEX)["Count"] == 4
    names = {name for item in call.scan(TableName=table)["Items"] for name in item}
    assert names.isdisjoint({"$dedup_key,id", "$company_id,correlated_incident_id", "$floats"})
    assert not (await tables.upgrade(protected=False)).needed
    storage = handle_of(dynamodb_local)
    assert await storage.select(Alert, {**OPEN, "dedup_key": earlier.dedup_key}) == [earlier]
    await storage.close()
    call.delete_item(TableName=table, Key={"company_id": {"S": ACME}, "id": {"S": "a9"}})


EARLIER_KEYS: Final = ("company_id", "$dedup_key,id")
EARLIER_SCHEMA: Final = [
    {"AttributeName": name, "KeyType": kind} for name, kind in zip(EARLIER_KEYS, ("HASH", "RANGE"), strict=True)
]


def as_it_was(document: Alert) -> dict[str, Any]:
    """An alert as the version before the last one wrote it: with all its fields, and longer keys of indexes."""
    fields = {name: to_value(value, (name,), []) for name, value in to_builtins(document).items()}
    return fields | {
        "$hash": {"B": b"12345678"},
        "$floats": {"S": '[[true,"reason","score"]]'},
        "$dedup_key,id": {"S": f"d98fe8e036ceb4d284c50860#{document.id}"},
        "$company_id,correlated_incident_id": {"S": "b5c80bac99979487c16c3e92"},
    }


async def test_documents_are_written_anew_for_an_index_that_somebody_else_has_made(
    tables: DynamoDBStorage, dynamodb_local: DynamoDBLocal
) -> None:
    """As a CloudFormation stack does, before the program's own upgrade."""
    await tables.upgrade(protected=False)
    earlier = alert("a9", reason=Reason(kind="opened", sentence=""))
    dynamodb_local.client.put_item(TableName="Yesterday_Alerts", Item=as_it_was(earlier))
    mark(dynamodb_local, VERSION - 1)
    assert (await tables.upgrade(protected=False)).made[0] == "4 documents of alerts written anew"
    found = await tables.select(Alert, {**OPEN, "dedup_key": earlier.dedup_key})
    assert found == [earlier]
    await tables.delete_many("alerts", {"company_id": ACME, "id": "a9"})
