"""What every engine holds exactly, and what is refused at the door of each (SPEC §3)."""

import math
from decimal import Decimal

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import Change, Delete, Put, Write
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Storage
from alertwhisperer.storage.values import DEPTH_AT_MOST, KEY_AT_MOST, STORED_AT_MOST
from tests.support.cast import ACME
from tests.support.documents import NOON, alert, scope
from tests.support.exact import exact

KEY = {"company_id": "acme", "id": "a1"}


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
        0.0,
        0.1,
        1.0,
        -0.0,
        1e22,
        {"in": [1.0, {"x": -3.0}, 2]},
        -2.5e-100,
        1e-125,
        1e125,
        1.7976931348623157e10,
        "",
        " ",
        "é",
        "e\u0301",
        "🚨",
        "\u2028",
        "line\nbreak\ttab",
        'quote " and \\ backslash',
        "'; DROP TABLE alerts; --",
        "\x7f\x01",
        "\\u0000 as six characters",
        [],
        {},
        [[], {}, [None]],
        {" ": None},
        {"a b": 1, "ключ": 2, "a$": 3},
        nested(DEPTH_AT_MOST - 1),
    ],
    ids=repr,
)
async def test_a_value_comes_back_exactly_as_it_went_in(storage: Storage, value: object) -> None:
    await storage.insert_one("alerts", {**KEY, "value": value})
    found = await storage.find_one("alerts", KEY)
    assert found is not None
    assert exact(found["value"]) == exact(value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**63,
        -(2**63) - 1,
        1e126,
        1e-126,
        5e-324,
        "a\0b",
        "\ud800",
        b"bytes",
        Decimal("0.1"),
        {1, 2},
        object(),
        nested(DEPTH_AT_MOST + 1),
        "x" * STORED_AT_MOST,
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_engines_cannot_all_hold_is_refused(storage: Storage, value: object) -> None:
    with pytest.raises(Invalid):
        await storage.insert_one("alerts", {**KEY, "value": value})
    await storage.insert_one("alerts", KEY)
    for update in ({"$set": {"value": value}}, {"$push": {"values": value}}):
        with pytest.raises(Invalid):
            await storage.update_one("alerts", KEY, update)
    assert await storage.find("alerts", {}) == [KEY]


@pytest.mark.parametrize("name", ["_id", "_", "__id", "ttl", "_json", "_aged_at", "document", "rowid"])
async def test_no_name_of_a_field_is_an_engines_own(storage: Storage, name: str) -> None:
    document = {**KEY, name: "mine"}
    await storage.insert_one("alerts", document)
    assert await storage.find("alerts", {name: "mine"}, sort=[(name, 1)]) == [document]
    assert await storage.update_one("alerts", KEY, {"$set": {name: "other"}}) == 1
    assert await storage.find("alerts", {name: "mine"}) == []
    assert await storage.find_one("alerts", KEY, {name: 1}) == {name: "other"}


@pytest.mark.parametrize("key", ["a.b", "$set", "", "a\0", "\udc00"], ids=repr)
async def test_keys_that_a_path_cannot_name_are_refused(storage: Storage, key: str) -> None:
    for document in ({**KEY, key: 1}, {**KEY, "inside": [{key: 1}]}):
        with pytest.raises(Invalid):
            await storage.insert_one("alerts", document)
    assert await storage.count_documents("alerts", {}) == 0


LONGEST = "é" * (KEY_AT_MOST // 2)


@pytest.mark.parametrize("name", ["", LONGEST + "x"], ids=["empty", "too long"])
async def test_a_key_is_neither_empty_nor_longer_than_every_engine_holds(storage: Storage, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        await storage.insert_one("alerts", {**KEY, "id": name})
    assert refused.value.field == "id"
    writes: list[Write] = [Put("alerts", alert(name)), Delete("alerts", (ACME, name))]
    for write in writes:
        with pytest.raises(Invalid):
            await storage.commit(scope(), 0, Change(writes=(write,)), commit_id="c", at=NOON)
        with pytest.raises(Invalid):
            await storage.store([write])
    assert await storage.get(Alert, (ACME, name)) is None
    assert await storage.find("alerts", {"company_id": ACME, "id": name}) == []
    assert await storage.head(ACME) == (0, "")


async def test_a_key_may_be_as_long_as_is_said(storage: Storage) -> None:
    await storage.insert_one("alerts", {**KEY, "id": LONGEST})
    await storage.commit(scope(), 0, Change(writes=(Put("alerts", alert(LONGEST)),)), commit_id="c", at=NOON)
    assert await storage.get(Alert, (ACME, LONGEST)) == alert(LONGEST)


async def test_the_refusal_names_the_field(storage: Storage) -> None:
    with pytest.raises(Invalid) as refused:
        await storage.insert_one("alerts", {**KEY, "labels": {"deep": [{"worse": math.nan}]}})
    assert refused.value.field == "labels.deep.worse"


async def test_a_document_may_be_as_large_as_is_said(storage: Storage) -> None:
    room = STORED_AT_MOST - len('{"company_id":"acme","id":"a1","value":""}')
    await storage.insert_one("alerts", {**KEY, "value": "x" * room})
    with pytest.raises(Invalid, match=str(STORED_AT_MOST)):
        await storage.insert_one("alerts", {**KEY, "id": "a2", "value": "x" * (room + 1)})
    with pytest.raises(Invalid):
        await storage.update_one("alerts", KEY, {"$set": {"more": 1}})


async def test_a_sum_that_leaves_64_bits_is_refused(storage: Storage) -> None:
    await storage.insert_one("alerts", {**KEY, "n": 2**63 - 1, "big": 1e125})
    for update in ({"$inc": {"n": 1}}, {"$inc": {"big": 1e125}}):
        with pytest.raises(Invalid):
            await storage.update_one("alerts", KEY, update)
    assert await storage.find_one("alerts", {"n": 2**63 - 1}) is not None
