"""The price of a request, by AWS's rules; DynamoDB Local agrees where it does what AWS says."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session

from alertwhisperer.storage.render_dynamodb import table_definitions
from benchmarks.dynamodb_units import (
    Bill,
    Index,
    Item,
    indexes_of,
    item_bytes,
    number_bytes,
    read_units,
    stored_bytes,
    value_bytes,
    write_bill,
)
from tests.support.dynamodb_local import DynamoDBLocal

KEYS = Index("by-team", ("team",), frozenset({"id", "team"}))
WHOLE = Index("by-site", ("site",))
SMALL: Item = {"id": {"S": "a"}, "team": {"S": "blue"}, "site": {"S": "fra"}}
LARGE: Item = {**SMALL, "text": {"S": "x" * 3_000}}


def put(before: Item | None, after: Item | None, *, transactional: bool = False) -> Bill:
    return write_bill(before, after, (KEYS, WHOLE), transactional=transactional)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "né"}, 3),
        ({"N": "0"}, 1),
        ({"N": "100"}, 2),
        ({"N": "-1234"}, 4),
        ({"N": "0.5"}, 2),
        ({"N": "12.345"}, 4),
        ({"N": "1e30"}, 2),
        ({"B": b"1234"}, 4),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 8),
        ({"M": {"key": {"S": "ab"}}}, 9),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "100"]}, 4),
        ({"BS": [b"a", b"bc"]}, 3),
    ],
)
def test_a_value_has_the_size_that_aws_gives_it(value: dict[str, Any], size: int) -> None:
    assert value_bytes(value) == size


def test_names_count_as_their_values_do() -> None:
    assert item_bytes({"name": {"S": "ada"}, "é": {"N": "7"}}) == 7 + 4


@pytest.mark.parametrize(("bytes_", "units"), [(1, 1), (1_024, 1), (1_025, 2), (3_000, 3)])
def test_each_kilobyte_begun_is_a_unit_and_two_in_a_transaction(bytes_: int, units: int) -> None:
    item = {"k": {"S": "x" * (bytes_ - 1)}}
    assert write_bill(None, item).total == units
    assert write_bill(None, item, transactional=True).total == 2 * units


def test_the_larger_of_before_and_after_counts() -> None:
    assert put(LARGE, SMALL).table == put(SMALL, LARGE).table == put(LARGE, None).table == 3


def test_to_delete_what_is_not_there_costs_a_unit() -> None:
    assert put(None, None) == Bill(1)


def test_an_entry_of_an_index_is_billed_for_what_is_projected() -> None:
    assert put(None, LARGE).indexes == {"by-team": 1, "by-site": 3}


def test_a_transaction_doubles_the_item_and_not_its_index_entries() -> None:
    assert put(None, SMALL, transactional=True) == Bill(2, {"by-team": 1, "by-site": 1})


def test_a_projection_that_stays_as_it_was_costs_nothing() -> None:
    assert put(SMALL, SMALL).indexes == {}
    assert put(SMALL, LARGE).indexes == {"by-site": 3}


def test_an_index_key_that_changes_is_a_delete_and_a_put() -> None:
    assert put(SMALL, {**SMALL, "team": {"S": "red"}}).indexes == {"by-team": 2, "by-site": 1}


def test_an_item_enters_and_leaves_a_sparse_index_for_a_unit() -> None:
    outside = {name: value for name, value in SMALL.items() if name != "team"}
    assert put(outside, SMALL).indexes["by-team"] == put(SMALL, outside).indexes["by-team"] == 1
    assert "by-team" not in put(None, outside).indexes


@pytest.mark.parametrize(("size", "strong"), [(0, 1), (4_096, 1), (4_097, 2)])
def test_reads_go_by_four_kilobytes_half_price_if_eventual_and_double_in_a_transaction(size: int, strong: int) -> None:
    assert read_units(size) == strong
    assert read_units(size, "eventual") == strong / 2
    assert read_units(size, "transactional") == strong * 2


def test_storage_counts_a_hundred_bytes_more_for_the_item_and_each_entry() -> None:
    assert stored_bytes({"id": {"S": "abc"}}, (KEYS,)) == 105
    assert stored_bytes(SMALL, (KEYS,)) == item_bytes(SMALL) + 100 + len("idateamblue") + 100


def test_the_indexes_of_our_tables_are_read_from_their_definitions() -> None:
    alerts = next(each for each in table_definitions() if each["TableName"].endswith("_Alerts"))
    by_time = next(each for each in indexes_of(alerts) if each.name == "company_id-timestamp-index")
    assert by_time.key == ("company_id", "timestamp")
    assert by_time.projected == frozenset({"company_id", "id", "timestamp"})


# ---------------------------------------------------------------- beside DynamoDB Local

TABLE = "Units_Test"


@pytest.fixture(scope="module")
def local(dynamodb_local: DynamoDBLocal) -> Iterator[Any]:
    client = get_session().create_client("dynamodb", region_name="us-east-1", endpoint_url=dynamodb_local.url)
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "team", "site")]
    client.create_table(
        TableName=TABLE,
        AttributeDefinitions=attributes,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": index.name,
                "KeySchema": [{"AttributeName": index.key[0], "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL" if index.projected is None else "KEYS_ONLY"},
            }
            for index in (KEYS, WHOLE)
        ],
    )
    yield client
    client.delete_table(TableName=TABLE)
    client.close()


def said(capacity: dict[str, Any]) -> Bill:
    indexes = {name: int(each["CapacityUnits"]) for name, each in capacity.get("GlobalSecondaryIndexes", {}).items()}
    return Bill(int(capacity["Table"]["CapacityUnits"]), indexes)


def test_local_agrees_on_plain_writes(local: Any) -> None:
    red, teamless = {**SMALL, "team": {"S": "red"}}, {"id": {"S": "a"}, "site": {"S": "fra"}}
    steps: list[Item | None] = [SMALL, SMALL, red, LARGE, SMALL, teamless, red, None, None]
    before: Item | None = None
    for after in steps:
        if after is None:
            answer = local.delete_item(TableName=TABLE, Key={"id": {"S": "a"}}, ReturnConsumedCapacity="INDEXES")
        else:
            answer = local.put_item(TableName=TABLE, Item=after, ReturnConsumedCapacity="INDEXES")
        assert said(answer["ConsumedCapacity"]) == put(before, after)
        before = after


@pytest.mark.parametrize(
    "value",
    [
        {"S": "né"},
        {"N": "-12.5"},
        {"N": "100"},
        {"L": [{"N": "0"}, {"BOOL": True}, {"M": {"a": {"NULL": True}}}]},
        {"B": b"12345"},
    ],
)
def test_local_agrees_on_sizes_to_the_byte(local: Any, value: dict[str, Any]) -> None:
    item: dict[str, Any] = {"id": {"S": "size"}, "value": value, "rest": {"S": ""}}
    room = 1_024 - item_bytes(item)
    for rest, units in ((room, 1), (room + 1, 2)):
        local.delete_item(TableName=TABLE, Key={"id": {"S": "size"}})
        answer = local.put_item(
            TableName=TABLE, Item={**item, "rest": {"S": "x" * rest}}, ReturnConsumedCapacity="TOTAL"
        )
        assert answer["ConsumedCapacity"]["CapacityUnits"] == units


@pytest.mark.parametrize("item", [{"id": {"S": "t1"}}, {**LARGE, "id": {"S": "t2"}}])
def test_local_bills_a_transaction_four_times_the_plain_write_where_aws_says_twice(local: Any, item: Item) -> None:
    """Emulated, and not as AWS's guide has it: so a transaction's units are never taken from Local."""
    answer = local.transact_write_items(
        TransactItems=[{"Put": {"TableName": TABLE, "Item": item}}], ReturnConsumedCapacity="INDEXES"
    )
    plain = write_bill(None, item, (KEYS, WHOLE))
    times_four = Bill(plain.table * 4, {name: units * 4 for name, units in plain.indexes.items()})
    assert said(answer["ConsumedCapacity"][0]) == times_four
    assert put(None, item, transactional=True).table == plain.table * 2


def test_numbers_of_any_form_are_sized_by_their_significant_digits() -> None:
    assert [number_bytes(each) for each in ("5", "50", "5e7", "5.5", "0.055", "-5")] == [2, 2, 2, 2, 2, 3]
