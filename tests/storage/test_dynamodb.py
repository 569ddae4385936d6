"""What is DynamoDB's own: indexes that lag, requests that are refused or lost, expiry, large records, its refusals."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Event, Put, Storm
from alertwhisperer.domain.delivery import Receipt
from alertwhisperer.domain.errors import Conflict, Invalid, OutcomeUnknown, Unavailable
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.reason import Reason
from alertwhisperer.domain.user import User
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from tests.support.cast import ACME
from tests.support.documents import NOON, alert, scope, user
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.engines import DynamoDBEngine
from tests.support.faults import Fault
from tests.support.proxy_dynamodb import TRANSACT, DynamoDBProxy

OPEN = {"company_id": ACME, "status": {"$ne": "resolved"}}


@pytest.fixture
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DynamoDBEngine]:
    made = DynamoDBEngine(request, tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def proxy(dynamodb_local: DynamoDBLocal) -> Iterator[DynamoDBProxy]:
    with DynamoDBProxy(dynamodb_local.port) as made:
        yield made


@pytest.fixture
async def storage(engine: DynamoDBEngine, proxy: DynamoDBProxy) -> AsyncIterator[DynamoDBStorage]:
    """Reaches DynamoDB through the proxy; not open yet."""
    made = DynamoDBStorage(**engine.options(endpoint_url=proxy.url, deadline_seconds=1.0))
    yield made
    await made.close()


async def commit(storage: DynamoDBStorage, base_seq: int, *writes: Put, commit_id: str = "mine") -> int:
    record = await storage.commit(scope(), base_seq, Change(writes=writes), commit_id=commit_id, at=NOON)
    return record.seq


async def test_of_a_commit_that_is_always_refused_nothing_is_written(
    storage: DynamoDBStorage, proxy: DynamoDBProxy
) -> None:
    await storage.open()
    proxy.faults.plan(TRANSACT, "throttle", for_ever=True)
    with pytest.raises(Unavailable) as refused:
        await commit(storage, 0, Put("alerts", alert("a1")))
    assert not isinstance(refused.value, OutcomeUnknown)
    assert await storage.head(ACME) == (0, "")


async def test_a_commit_whose_every_answer_is_lost_is_found_in_the_log(
    storage: DynamoDBStorage, proxy: DynamoDBProxy
) -> None:
    await storage.open()
    proxy.faults.plan(TRANSACT, "lose answer", "cut", for_ever=True)
    assert await commit(storage, 0, Put("alerts", alert("a1"))) == 1


async def test_a_commit_that_cannot_be_looked_up_either_stays_unknown_and_is_done_once(
    storage: DynamoDBStorage, proxy: DynamoDBProxy
) -> None:
    assert await storage.head(ACME) == (0, "")
    proxy.faults.plan(TRANSACT, "lose answer", "cut", for_ever=True)
    proxy.faults.plan("Query", "throttle", for_ever=True)
    with pytest.raises(OutcomeUnknown):
        await commit(storage, 0, Put("alerts", alert("a1"), ABSENT))
    proxy.faults.calm()
    assert await commit(storage, 0, Put("alerts", alert("a1"), ABSENT)) == 1
    assert [record.commit_id for record in await storage.records(ACME, 0)] == ["mine"]


async def test_an_unknown_outcome_that_arrives_late_is_not_done_twice(
    storage: DynamoDBStorage, engine: DynamoDBEngine, proxy: DynamoDBProxy
) -> None:
    await storage.open()
    proxy.faults.plan(TRANSACT, "cut", for_ever=True)
    with pytest.raises(OutcomeUnknown):
        await commit(storage, 0, Put("alerts", alert("a1")))
    other = await engine.open()
    assert await commit(other, 0, Put("alerts", alert("a1"))) == 1
    proxy.faults.calm()
    assert await commit(storage, 0, Put("alerts", alert("a1"))) == 1
    with pytest.raises(Conflict):
        await commit(storage, 0, commit_id="another")


async def test_batches_are_read_until_all_is_there(storage: DynamoDBStorage, proxy: DynamoDBProxy) -> None:
    await commit(storage, 0, *(Put("alerts", alert(f"a{n}")) for n in range(9)))
    proxy.faults.plan("BatchGetItem", "unprocessed", "unprocessed", "unprocessed")
    assert len(await storage.get_many(Alert, [(ACME, f"a{n}") for n in range(9)])) == 9
    assert proxy.faults.count("unprocessed") == 3


async def test_what_an_index_lacks_yet_is_found_by_the_log(
    storage: DynamoDBStorage, dynamodb_local: DynamoDBLocal
) -> None:
    await commit(storage, 0, Put("alerts", alert("a1")), Put("alerts", alert("a2")))
    # As long as an index lags, it is as if the attribute that is its key were not there.
    dynamodb_local.client.update_item(
        TableName=storage.explain("alerts", {"company_id": ACME}).table,
        Key={"company_id": {"S": ACME}, "id": {"S": "a1"}},
        UpdateExpression="REMOVE #k",
        ExpressionAttributeNames={"#k": "$dk"},
    )
    assert storage.explain("alerts", OPEN).index == "company_id-dedup_key-open-index"
    assert [each.id for each in await storage.select(Alert, OPEN)] == ["a2", "a1"]
    by_key = {**OPEN, "dedup_key": "key-a1"}
    assert [each.id for each in await storage.select(Alert, by_key)] == ["a1"]


@pytest.mark.parametrize(
    ("collection", "query", "index", "cost"),
    [
        ("alerts", {"company_id": ACME, "id": "a1"}, None, "items"),
        ("alerts", {"company_id": ACME}, None, "partition"),
        ("alerts", {"company_id": ACME, "id": {"$lt": "a9"}}, None, "range"),
        ("alerts", OPEN, "company_id-dedup_key-open-index", "index"),
        ("alerts", {**OPEN, "dedup_key": {"$in": ["k"]}}, "company_id-dedup_key-open-index", "index"),
        (
            "alerts",
            {"company_id": ACME, "correlated_incident_id": "i1"},
            "company_id-correlated_incident_id-index",
            "index",
        ),
        ("alerts", {"company_id": ACME, "timestamp": {"$gte": NOON}}, "company_id-timestamp-index", "index"),
        ("incidents", OPEN, "company_id-status-index", "index"),
        ("incidents", {**OPEN, "correlation_key": "k"}, "company_id-correlation_key-index", "index"),
        ("timeline", {"company_id": ACME, "incident_id": "i1"}, "company_id-incident_id-index", "index"),
        ("users", {"email": "ada@acme.example"}, "guards", "items"),
        ("companies", {}, "roster", "partition"),
    ],
)
def test_each_question_of_the_engine_has_a_cheap_way(
    collection: str, query: dict[str, object], index: str | None, cost: str
) -> None:
    said = DynamoDBStorage().explain(collection, query)
    assert (said.index, said.cost) == (index, cost)


def test_a_scan_is_refused_and_names_the_partition_key() -> None:
    with pytest.raises(Invalid) as refused:
        DynamoDBStorage().explain("alerts", {"status": "active"})
    assert refused.value.field == "company_id"
    assert DynamoDBStorage(allow_scan=True).explain("alerts", {"status": "active"}).cost == "table"


async def test_a_unique_field_moves_with_its_document(storage: DynamoDBStorage) -> None:
    await storage.store([Put("users", user("u1", "old@acme.example"))])
    await storage.store([Put("users", user("u1", "new@acme.example"))])
    await storage.store([Put("users", user("u2", "old@acme.example"), ABSENT)])
    found = await storage.select(User, {"email": {"$in": ["old@acme.example", "new@acme.example"]}})
    assert [each.id for each in found] == ["u2", "u1"]
    assert storage.operations["scan"] == 0


async def test_a_record_too_large_for_an_item_is_kept_in_parts_and_goes_with_them(
    storage: DynamoDBStorage, dynamodb_local: DynamoDBLocal
) -> None:
    noise = random.Random(7).randbytes(700_000).hex()
    change = Change(events=(Event("storm", Storm(alerts=1, incidents=0, reason=noise)),))
    record = await storage.commit(scope(), 0, change, commit_id="large", at=NOON)
    assert await storage.records(ACME, 0) == [record]
    assert await storage.delete_many("events", {"company_id": ACME}) == 1
    left = dynamodb_local.client.scan(TableName=f"{storage.prefix}System")
    assert [item["kind"]["S"] for item in left["Items"] if item["kind"]["S"].startswith("part")] == []


async def test_what_has_expired_is_not_there_for_readers_or_writers(engine: DynamoDBEngine) -> None:
    clock = VirtualClock()
    storage = DynamoDBStorage(**engine.options(clock=clock))
    first = Receipt(company_id=ACME, id="d1", received_at=clock.now(), status=200, answer="{}")
    await storage.store([Put("receipts", first, ABSENT)])
    assert await storage.get(Receipt, (ACME, "d1")) == first
    clock.advance(86_400)
    assert await storage.get(Receipt, (ACME, "d1")) is None
    later = Receipt(company_id=ACME, id="d1", received_at=plus(clock.now(), 0), status=201, answer="[]")
    await storage.store([Put("receipts", later, ABSENT)])
    assert await storage.get(Receipt, (ACME, "d1")) == later
    await storage.close()


async def test_a_field_named_as_one_of_ours_comes_back(storage: DynamoDBStorage) -> None:
    document = {"company_id": ACME, "id": "a1", "ttl": 7, "timestamp": ["odd"], "labels": {"ttl": 1.0}}
    await storage.insert_one("alerts", document)
    assert await storage.find_one("alerts", {"company_id": ACME, "id": "a1"}) == document
    assert await storage.find("alerts", {"company_id": ACME, "timestamp": {"$gt": "a"}}) == [document]


async def test_two_who_add_at_once_both_count(storage: DynamoDBStorage, engine: DynamoDBEngine) -> None:
    other = await engine.open()
    await storage.insert_one("alerts", {"company_id": ACME, "id": "a1", "n": 0})
    key = {"company_id": ACME, "id": "a1"}
    await asyncio.gather(*(each.update_one("alerts", key, {"$inc": {"n": 1}}) for each in (storage, other) * 3))
    assert await storage.find_one("alerts", key, {"n": 1}) == {"n": 6}


async def test_an_expectation_of_what_an_item_leaves_out_goes_out_blind(storage: DynamoDBStorage) -> None:
    first = alert("a1", reason=Reason(kind="off", sentence=""))
    await storage.store([Put("alerts", first)])
    before = storage.operations.copy()
    expect: dict[str, object] = {
        "delivery_id": "",
        "urls": [],
        "metadata": {},
        "resolved_at": None,
        "priority_score": 0,
    }
    await storage.store([Put("alerts", first, expect)])
    assert storage.operations["batch_get_item"] == before["batch_get_item"]
    assert storage.operations["transact_write_items"] == before["transact_write_items"] + 1


async def refusal(storage: DynamoDBStorage) -> str:
    with pytest.raises((Invalid, Unavailable)) as refused:
        await storage.open()
    await storage.close()
    said = str(refused.value)
    assert "\n" not in said
    return said


async def test_tables_that_are_not_there_are_asked_for(engine: DynamoDBEngine) -> None:
    said = await refusal(DynamoDBStorage(**engine.options(table_prefix="Nobody")))
    assert "Nobody_" in said
    assert "alertwhisperer db create-tables" in said


@pytest.mark.parametrize(("version", "words"), [("0", "db upgrade"), ("99", "newer"), (None, "no version mark")])
async def test_tables_of_another_version_are_refused(
    storage: DynamoDBStorage, engine: DynamoDBEngine, dynamodb_local: DynamoDBLocal, version: str | None, words: str
) -> None:
    await storage.open()
    key = {"kind": {"S": "version"}, "id": {"S": "schema"}}
    table = f"{storage.prefix}System"
    if version is None:
        dynamodb_local.client.delete_item(TableName=table, Key=key)
    else:
        dynamodb_local.client.put_item(TableName=table, Item={**key, "version": {"N": version}})
    assert words in await refusal(engine.storage())


@pytest.mark.parametrize(
    ("fault", "words"),
    [("deny", "IAM policy"), ("expired token", "aws sso login"), ("cut", "does not answer")],
)
async def test_what_aws_refuses_is_told_with_the_next_step(
    storage: DynamoDBStorage, proxy: DynamoDBProxy, fault: Fault, words: str
) -> None:
    proxy.faults.plan("DescribeTable", fault, for_ever=True)
    assert words in await refusal(storage)


async def test_without_credentials_three_ways_are_named(
    engine: DynamoDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    said = await refusal(engine.storage())
    assert "AWS_PROFILE" in said
    assert "role" in said


async def test_a_region_that_is_none_is_told(engine: DynamoDBEngine) -> None:
    assert "AWS_REGION" in await refusal(DynamoDBStorage(region="us east"))


async def test_doctor_hears_where_and_what_it_is(storage: DynamoDBStorage) -> None:
    facts = await storage.check()
    assert (facts["engine"], facts["region"], facts["table_prefix"]) == ("dynamodb", "us-east-1", storage.prefix)
    assert facts["schema_version"] == facts["schema_wanted"]


async def test_a_start_under_throttling_takes_its_time(storage: DynamoDBStorage, proxy: DynamoDBProxy) -> None:
    proxy.faults.plan("DescribeTable", "throttle", "none", "throttle", "throttle")
    await storage.open()
    assert proxy.faults.count("throttle") == 3


@pytest.mark.parametrize("fault", ["deny", "expired token", "unknown key"])
async def test_keys_that_end_while_it_runs_are_no_fault_of_who_writes(
    storage: DynamoDBStorage, proxy: DynamoDBProxy, fault: Fault
) -> None:
    """Unavailable, which a sender hears as 503 and sends again: many drop what is refused by a 4xx."""
    await storage.open()
    assert await commit(storage, 0) == 1
    for verb in (TRANSACT, "BatchGetItem"):
        proxy.faults.plan(verb, fault, for_ever=True)
    with pytest.raises(Unavailable) as refused:
        await commit(storage, 1, Put("alerts", alert("a1")), commit_id="next")
    assert not isinstance(refused.value, OutcomeUnknown)
    with pytest.raises(Unavailable):
        await storage.head(ACME)
    proxy.faults.calm()
    assert await commit(storage, 1, Put("alerts", alert("a1")), commit_id="next") == 2
