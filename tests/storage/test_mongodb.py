"""What is MongoDB's own: how it is opened, lost answers, elections, expiry, large documents, indexes."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import Context
from itertools import count
from pathlib import Path
from typing import Any, Final

import pymongo
import pytest
from pymongo.errors import OperationFailure

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Put
from alertwhisperer.domain.delivery import Delivery, Intake, Receipt
from alertwhisperer.domain.errors import Conflict, Invalid, OutcomeUnknown, Stale, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.ports import Query
from alertwhisperer.schema import BY_NAME, VERSION
from alertwhisperer.storage.mongodb import MongoDBStorage
from alertwhisperer.storage.mongodb_find import Wanted
from alertwhisperer.storage.query import parse_query, parse_sort
from tests.support.cast import ACME
from tests.support.documents import NOON, alert, scope
from tests.support.mongod import Mongod, MongoSet, running

_numbers: Final = count(1)


@pytest.fixture
def database(mongodb_server: MongoSet) -> Iterator[str]:
    name = f"own_{next(_numbers)}"
    yield name
    mongodb_server.members[0].heal()
    mongodb_server.drop(name)


@pytest.fixture
async def storage(mongodb_server: MongoSet, database: str) -> AsyncIterator[MongoDBStorage]:
    made = MongoDBStorage(mongodb_server.url, database=database)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def by_hand(mongodb_server: MongoSet, database: str) -> Iterator[Any]:
    """The database as somebody with a shell sees it."""
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongodb_server.url)
    with client:
        yield client[database]


async def commit(storage: MongoDBStorage, base_seq: int, *writes: Put, company_id: str = ACME) -> Record:
    change = Change(writes=writes)
    return await storage.commit(scope(company_id), base_seq, change, commit_id=f"c{base_seq}", at=NOON)


# ---------------------------------------------------------------- opening


async def refusal(url: str, database: str) -> str:
    storage = MongoDBStorage(url, database=database)
    with pytest.raises(Invalid) as refused:
        await storage.open()
    await storage.close()
    return str(refused.value)


async def test_a_server_alone_is_refused_with_what_to_do(tmp_path: Path) -> None:
    server = Mongod(tmp_path, replica_set=None)
    server.start()
    try:
        said = await refusal(f"mongodb://{server.address}", "x")
    finally:
        server.kill()
    assert "is not a replica set" in said
    assert "rs.initiate()" in said


async def test_nobody_at_the_address_is_unavailable() -> None:
    storage = MongoDBStorage("mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=300")
    with pytest.raises(Unavailable, match="replica set"):
        await storage.open()
    await storage.close()


@pytest.mark.parametrize("url", ["", "http://x", "mongodb://", "mongodb://a:b:c/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        MongoDBStorage(url)
    assert refused.value.field == "MONGO_URL"


async def test_a_database_of_somebody_else_is_refused_and_left_alone(
    mongodb_server: MongoSet, database: str, by_hand: Any
) -> None:
    by_hand["alerts"].insert_one({"_id": 1})
    assert "without Alert Whisperer's version mark" in await refusal(mongodb_server.url, database)
    assert by_hand.list_collection_names() == ["alerts"]


@pytest.mark.parametrize(("version", "said"), [(0, "db upgrade"), (99, "newer Alert Whisperer"), (None, "newer")])
async def test_a_database_of_another_version_is_refused(
    mongodb_server: MongoSet, database: str, by_hand: Any, version: int | None, said: str
) -> None:
    by_hand["meta"].insert_one({"_id": "schema", "version": version, "ready": True})
    assert said in await refusal(mongodb_server.url, database)


async def test_processes_that_start_together_all_start(mongodb_server: MongoSet, database: str) -> None:
    storages = [MongoDBStorage(mongodb_server.url, database=database) for _ in range(6)]
    await asyncio.gather(*(each.open() for each in storages))
    for number, each in enumerate(storages):
        await commit(each, number)
        assert (await each.check())["missing_indexes"] == "none"
    await asyncio.gather(*(each.close() for each in storages))


async def test_what_a_process_that_died_left_unfinished_is_finished(
    mongodb_server: MongoSet, database: str, by_hand: Any
) -> None:
    by_hand["meta"].insert_one({"_id": "schema", "version": VERSION, "ready": False})
    by_hand.create_collection("alerts")
    storage = MongoDBStorage(mongodb_server.url, database=database)
    await storage.open()
    assert (await storage.check())["missing_indexes"] == "none"
    by_hand["alerts"].drop_index("company_id-open-index")
    assert (await storage.check())["missing_indexes"] == "alerts.company_id-open-index"
    await storage.close()


# ---------------------------------------------------------------- lost answers


@pytest.mark.parametrize("commands", [["insert"], ["update"], ["commitTransaction"], ["find"]], ids=str)
@pytest.mark.parametrize("times", [1, 3])
async def test_a_lost_answer_is_settled_within_the_commit(
    storage: MongoDBStorage, mongodb_server: MongoSet, commands: list[str], times: int
) -> None:
    heard: list[int] = []
    storage.on_commit(lambda record: heard.append(record.seq))
    await commit(storage, 0)
    mongodb_server.members[0].fail(commands, times=times, closeConnection=True)
    assert (await commit(storage, 1, Put("alerts", alert("a1"), ABSENT), Put("alerts", alert("a2")))).seq == 2
    assert [record.seq for record in await storage.records(ACME, 0)] == [1, 2]
    assert await storage.count(Alert, {}) == 2
    assert heard == [1, 2]


async def test_a_commit_that_was_done_before_its_connection_broke_is_done_once(
    storage: MongoDBStorage, mongodb_server: MongoSet
) -> None:
    # The server commits, then says that it may not have: a failover during the wait for the majority looks like this.
    mongodb_server.members[0].fail(
        ["commitTransaction"], times=2, writeConcernError={"code": 91, "errmsg": "shutting down"}
    )
    assert (await commit(storage, 0, Put("alerts", alert("a1"), ABSENT))).seq == 1
    assert [record.commit_id for record in await storage.records(ACME, 0)] == ["c0"]


async def test_an_outcome_that_stays_unknown_is_said_to_be(
    mongodb_server: MongoSet, storage: MongoDBStorage, database: str
) -> None:
    hasty = MongoDBStorage(mongodb_server.url, database=database, commit_seconds=0.5)
    await hasty.open()
    mongodb_server.members[0].fail(
        ["commitTransaction"], times=1_000, writeConcernError={"code": 91, "errmsg": "shutting down"}
    )
    with pytest.raises(OutcomeUnknown):
        await commit(hasty, 0)
    mongodb_server.members[0].heal()
    await hasty.close()
    # Here it had happened, and the log says so.
    assert [record.commit_id for record in await storage.records(ACME, 0)] == ["c0"]
    with pytest.raises(Conflict):
        await commit(storage, 0)


async def test_what_a_dead_process_left_open_is_ended_for_it(storage: MongoDBStorage, mongodb_server: MongoSet) -> None:
    """A killed process's transaction outlives it for a minute, and holds the next place in the log."""
    dead: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongodb_server.url, appname="alertwhisperer")
    with dead, dead.start_session() as session:
        session.start_transaction()
        events = dead[storage._session.name]["events"]
        events.insert_one({"_id": {"company_id": ACME, "seq": 1}}, session=session)
        assert (await commit(storage, 0, Put("alerts", alert("a1")))).seq == 1
        with pytest.raises(OperationFailure) as refused:
            session.commit_transaction()
    assert refused.value.has_error_label("TransientTransactionError")


async def test_a_collision_is_tried_again(storage: MongoDBStorage, mongodb_server: MongoSet) -> None:
    mongodb_server.members[0].fail(
        ["insert", "update"], times=3, errorCode=112, errorLabels=["TransientTransactionError"]
    )
    assert (await commit(storage, 0, Put("alerts", alert("a1")))).seq == 1


async def test_a_server_that_keeps_failing_is_unavailable_and_has_written_nothing(
    mongodb_server: MongoSet, storage: MongoDBStorage, database: str
) -> None:
    hasty = MongoDBStorage(mongodb_server.url, database=database, commit_seconds=0.3)
    await hasty.open()
    mongodb_server.members[0].fail(["insert"], times=1_000, closeConnection=True)
    with pytest.raises(Unavailable) as refused:
        await commit(hasty, 0)
    assert not isinstance(refused.value, OutcomeUnknown)
    mongodb_server.members[0].heal()
    await hasty.close()
    assert await storage.head(ACME) == (0, "")


@pytest.mark.parametrize("code", [13, 18], ids=["Unauthorized", "AuthenticationFailed"])
async def test_rights_that_end_while_it_runs_are_no_fault_of_who_writes(
    storage: MongoDBStorage, mongodb_server: MongoSet, code: int
) -> None:
    """Unavailable, which a sender hears as 503 and sends again: many drop what is refused by a 4xx."""
    await commit(storage, 0)
    mongodb_server.members[0].fail(["insert"], times=1, errorCode=code)
    with pytest.raises(Unavailable, match="MONGO_URL"):
        await commit(storage, 1)
    assert (await commit(storage, 1)).seq == 2


async def test_the_one_whose_expectation_failed_is_named_among_many(storage: MongoDBStorage) -> None:
    await commit(storage, 0, *(Put("alerts", alert(f"a{n}")) for n in range(5)))
    occurred = [Put("alerts", alert(f"a{n}", occurrences=2), {"occurrences": 1 + (n == 3)}) for n in range(5)]
    with pytest.raises(Stale) as refused:
        await commit(storage, 1, *occurred)
    assert refused.value.key == (ACME, "a3")
    assert await storage.count(Alert, {"occurrences": 2}) == 0


# ---------------------------------------------------------------- elections


async def test_an_election_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    with running(tmp_path, size=3) as servers:
        storage = MongoDBStorage(servers.url, database="failover")
        await storage.open()
        rings = 0

        async def listen() -> None:
            nonlocal rings
            other = MongoDBStorage(servers.url, database="failover")
            async for _ in other.doorbell():
                rings += 1
                if rings_wanted.is_set():
                    break
            await other.close()

        rings_wanted = asyncio.Event()
        listening = asyncio.ensure_future(listen())
        answered: list[int] = []
        for seq in range(60):
            if seq == 20:
                first = servers.primary()
                assert first is not None
                first.kill()
            answered.append((await commit(storage, seq, Put("alerts", alert(f"a{seq}"), ABSENT))).seq)
        assert [record.seq for record in await storage.records(ACME, 0)] == answered == list(range(1, 61))
        assert await storage.count(Alert, {}) == 60
        rings_wanted.set()
        await commit(storage, 60)
        await asyncio.wait_for(listening, timeout=20)
        await storage.close()


# ---------------------------------------------------------------- expiry


def days_ago(days: float) -> str:
    at = time.gmtime(time.time() - days * 86_400)
    return time.strftime("%Y-%m-%dT%H:%M:%S.123456Z", at)


async def test_mongodb_lets_go_by_age_what_goes_by_age_alone(storage: MongoDBStorage, mongodb_server: MongoSet) -> None:
    def receipt(name: str, days: float) -> Receipt:
        return Receipt(company_id=ACME, id=name, received_at=days_ago(days), status=200, answer="{}")

    old = alert("a1", status="resolved", resolved_at=days_ago(400))
    await storage.store(
        [Put("receipts", receipt("old", 1.1)), Put("receipts", receipt("new", 0.9)), Put("alerts", old)]
    )
    server = mongodb_server.members[0]
    try:
        server.command("setParameter", ttlMonitorEnabled=True)
        async with asyncio.timeout(20):
            while len(kept := await storage.select(Receipt, {})) > 1:
                await asyncio.sleep(0.1)
    finally:
        server.command("setParameter", ttlMonitorEnabled=False)
    assert [(each.id, each.received_at[-8:]) for each in kept] == [("new", ".123456Z")]
    assert await storage.get(Alert, (ACME, "a1")) == old


async def test_days_that_are_set_change_the_expiry(mongodb_server: MongoSet, database: str, by_hand: Any) -> None:
    for keep_days, seconds in (({"deliveries": 7}, 7 * 86_400), (None, 7 * 86_400), ({"deliveries": 60}, 60 * 86_400)):
        storage = MongoDBStorage(mongodb_server.url, database=database, keep_days=keep_days)
        await storage.open()
        assert by_hand["deliveries"].index_information()["ttl"]["expireAfterSeconds"] == seconds
        await storage.close()


# ---------------------------------------------------------------- large documents


def intake(body: str) -> Intake:
    delivery = Delivery(id="d1", source="alerts", received_at=NOON, body=body)
    return Intake(company_id=ACME, id="i1", received_at=NOON, deliveries=[delivery])


@pytest.mark.parametrize("body", ["x" * 100, "x" * 40_000_000], ids=["small", "40 MB"])
async def test_a_delivery_of_any_size_comes_back_as_it_was(storage: MongoDBStorage, body: str) -> None:
    await commit(storage, 0, Put("deliveries", intake(body)))
    assert await storage.get(Intake, (ACME, "i1")) == intake(body)
    found = await storage.find_one("deliveries", {"company_id": ACME, "deliveries.source": "alerts"}, {"id": 1})
    assert found == {"id": "i1"}
    assert await storage.count_documents("deliveries", {"deliveries.source": "other"}) == 0
    assert await storage.update_one("deliveries", {"deliveries.id": "d1"}, {"$set": {"received_at": "later"}}) == 1
    assert await storage.delete_many("deliveries", {"deliveries.source": "alerts", "received_at": "later"}) == 1


async def test_what_does_not_fit_is_refused_with_what_to_do(storage: MongoDBStorage) -> None:
    noise = random.Random(1).randbytes(18_000_000).hex()
    with pytest.raises(Invalid, match="send less at a time"):
        await commit(storage, 0, Put("deliveries", intake(noise)))
    assert await storage.head(ACME) == (0, "")


# ---------------------------------------------------------------- indexes


OPEN: Query = {"company_id": ACME, "status": {"$ne": "resolved"}}


@pytest.mark.parametrize(
    ("collection", "query", "sort", "index"),
    [
        ("alerts", {"company_id": ACME, "id": "a1"}, [], "_id_"),
        ("alerts", {"company_id": ACME}, [], "_id_"),
        ("alerts", {"company_id": ACME, "id": {"$gt": "a", "$lt": "b"}}, [("id", 1)], "_id_"),
        ("alerts", OPEN, [], "company_id-open-index"),
        ("alerts", {**OPEN, "dedup_key": {"$in": ["k1", "k2"]}}, None, "company_id-dedup_key-open-index"),
        (
            "alerts",
            {"company_id": ACME, "correlated_incident_id": "i1"},
            [],
            "company_id-correlated_incident_id-index",
        ),
        ("incidents", {"company_id": ACME, "status": "resolved"}, [], "_id_"),
        (
            "incidents",
            {"company_id": ACME, "status": "resolved", "correlation_key": "k"},
            [],
            "company_id-correlation_key-resolved-index",
        ),
        ("timeline", {"company_id": ACME, "incident_id": "i1"}, [], "company_id-incident_id-index"),
        ("assets", {"company_id": ACME, "name": "db-01"}, None, "company_id-name-index"),
        ("users", {"email": "ada@acme.example"}, None, "email-index"),
        ("companies", {"api_key": "x"}, None, "api_key-index"),
        ("timers", {"shard": "1", "id": {"$lt": "2026"}}, [("id", 1)], "_id_"),
        ("events", {"company_id": ACME, "seq": {"$gt": 7}}, [("seq", 1)], "_id_"),
        ("receipts", {"company_id": ACME, "received_at": {"$lt": NOON}}, None, "company_id-received_at-index"),
    ],
)
async def test_each_question_of_the_product_goes_by_its_index(
    storage: MongoDBStorage,
    by_hand: Any,
    collection: str,
    query: Query,
    sort: list[tuple[str, int]] | None,
    index: str,
) -> None:
    wanted = Wanted(
        source=BY_NAME[collection], tree=parse_query(query), steps=parse_sort(sort or ()), key_descending=True
    )
    ask = wanted.ask
    assert ask.sort is not None
    found = by_hand[collection].find(ask.filter, sort=ask.sort, hint=ask.hint)
    plan = str(found.explain()["queryPlanner"]["winningPlan"])
    assert f"'indexName': '{index}'" in plan or (index == "_id_" and "IDHACK" in plan)
    assert "COLLSCAN" not in plan
    if sort is not None:
        assert "'SORT'" not in plan


async def test_the_heads_of_all_logs_are_one_walk_over_the_companies(storage: MongoDBStorage, by_hand: Any) -> None:
    pipeline = [
        {"$sort": {"company_id": -1, "seq": -1}},
        {"$group": {"_id": "$company_id", "seq": {"$first": "$seq"}}},
    ]
    explained = by_hand.command("aggregate", "events", pipeline=pipeline, explain=True)
    assert "DISTINCT_SCAN" in str(explained)


async def test_a_moment_stands_still_over_collections_and_for_reads_side_by_side(
    storage: MongoDBStorage, mongodb_server: MongoSet, database: str
) -> None:
    await commit(storage, 0, Put("alerts", alert("a1"), ABSENT))
    elsewhere = MongoDBStorage(mongodb_server.url, database=database)
    await elsewhere.open()
    async with storage.moment() as still:
        assert [each.seq for each in await storage.records(ACME, 0)] == [1]
        writing = commit(elsewhere, 1, Put("alerts", alert("a2"), ABSENT))
        await asyncio.create_task(writing, context=Context())
        records, alerts = await asyncio.gather(
            storage.records(ACME, 0, told=False), storage.select(Alert, {"company_id": ACME})
        )
    await elsewhere.close()
    assert still
    assert ([each.seq for each in records], [each.id for each in alerts]) == ([1], ["a1"])
    assert (await storage.head(ACME))[0] == 2
