"""What an item leaves out comes back exactly; and what that saves.

After a change of the Structs that is meant, and with a step of `db upgrade` if an empty default has changed:
`python -m tests.storage.test_dynamodb_slim`.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, to_builtins

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.incident import Factor, Incident, add, open_for
from alertwhisperer.domain.reason import Reason
from alertwhisperer.schema import BY_NAME, COLLECTIONS
from alertwhisperer.storage.codec import decode, encode
from alertwhisperer.storage.dynamodb_items import (
    FLOATS,
    HASH,
    PACKED,
    PARTS,
    TTL,
    WHOLE,
    Item,
    attribute,
    decode_item,
    encode_item,
)
from alertwhisperer.storage.dynamodb_slim import LATEST, SHAPES
from alertwhisperer.storage.dynamodb_values import Value, to_value
from alertwhisperer.storage.sqlite import SQLiteStorage
from alertwhisperer.storage.values import MISSING
from benchmarks.cost import SeededIds, own
from benchmarks.dynamodb_units import item_bytes
from tests.support.cast import ACME
from tests.support.documents import LATER, NOON, alert
from tests.support.exact import exact
from tests.support.world import World

GOLDEN = Path(__file__).with_name("golden") / "dynamodb_left_out.json"
ALERTS, INCIDENTS = BY_NAME["alerts"], BY_NAME["incidents"]
REASON = Reason(kind="opened", sentence="It was the first.", fields={"asset_name": "db-01"}, gap_seconds=0.0)


def whole_alert(**changes: Any) -> dict[str, Any]:
    return {**to_builtins(alert("a1", reason=REASON)), **changes}


def whole_incident() -> dict[str, Any]:
    made = open_for(alert("a1"), incident_id="i1", company_id=ACME, key="db-01|HighCpu", reason=REASON, now=NOON)
    made = add(made, alert("a1"), critical_asset=False, now=NOON)
    return {**to_builtins(made), "factors": to_builtins([Factor("severity", 60, "high"), Factor("", 0, "")])}


def over_the_wire(value: Value) -> Value:
    """A value as DynamoDB gives it back: of a number it keeps what it is worth."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return {"N": f"{Decimal(held).normalize():f}"}
        case "M":
            return {"M": {name: over_the_wire(each) for name, each in held.items()}}
        case "L":
            return {"L": list(map(over_the_wire, held))}
        case _:
            return value


def stored(collection: str, document: dict[str, Any], **more: Any) -> Item:
    raw = encode(document)
    item = encode_item(BY_NAME[collection], decode(raw), raw, **more).item
    return {name: over_the_wire(each) for name, each in item.items()}


def read(collection: str, item: Item) -> dict[str, object]:
    return decode_item(BY_NAME[collection], item).fields


EMPTY: tuple[object, ...] = (None, False, 0, 0.0, -0.0, "", [], {})
ODD = st.sampled_from(
    [
        *EMPTY,
        True,
        1,
        1.0,
        -3.0,
        0.5,
        1e22,
        2**53 + 1,
        "a",
        [0, -0.0],
        {"a": 1.0},
        {"a": {}},
        [{}],
        [{"name": ""}],
        NOON,
        LATER,
    ]
)
WHOLE_ONES = [("alerts", whole_alert()), ("incidents", whole_incident())]


@st.composite
def nearly_whole(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A whole document with some fields changed, left out or added, within it too."""
    name, document = draw(st.sampled_from(WHOLE_ONES))
    changed: dict[str, Any] = decode(encode(document))
    places = [changed, changed["reason"], *changed.get("factors", [])]
    for place in draw(st.lists(st.sampled_from(range(len(places))), max_size=4)):
        at = places[place]
        fields = [*sorted(at.keys() - {"company_id", "id"}), "added"]
        field = draw(st.sampled_from(fields))
        if draw(st.integers(0, 5)):
            at[field] = draw(ODD)
        else:
            at.pop(field, None)
    return name, changed


@given(nearly_whole())
def test_whatever_was_written_is_what_is_read(drawn: tuple[str, dict[str, Any]]) -> None:
    name, document = drawn
    assert exact(read(name, stored(name, document))) == exact(document)


@pytest.mark.parametrize(("collection", "document"), WHOLE_ONES, ids=["alert", "incident"])
def test_a_whole_document_is_written_without_its_empty_fields_and_read_with_them(
    collection: str, document: dict[str, Any]
) -> None:
    item = stored(collection, document)
    assert WHOLE in item
    assert FLOATS not in item
    assert not {"metadata", "acknowledged_at", "last_received_at", "updated_at"} & item.keys()
    assert "peer_alert_id" not in item["reason"]["M"]
    assert exact(read(collection, item)) == exact(document)
    assert read(collection, item)["metadata"] is not read(collection, item)["metadata"]


@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_an_empty_value_of_another_kind_is_not_taken_for_the_default(value: object) -> None:
    for field in ("delivery_id", "priority_score", "urls", "labels", "acknowledged_at", "reason", "message"):
        document = whole_alert(**{field: value})
        assert exact(read("alerts", stored("alerts", document))) == exact(document)


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 0.25, 1e22, 1e125, 1, 0, None])
def test_a_float_keeps_its_kind_and_its_sign(value: float | None) -> None:
    document = whole_alert(reason={**to_builtins(REASON), "score": value, "gap_seconds": value})
    assert exact(read("alerts", stored("alerts", document))) == exact(document)


@pytest.mark.parametrize(
    "document",
    [
        whole_alert(added=1),
        {name: value for name, value in whole_alert().items() if name != "metadata"},
        whole_alert(reason={"kind": "opened", "sentence": ""}),
        whole_alert(timestamp=""),
    ],
    ids=["one field more", "one less", "one less within", "no key of an index"],
)
def test_what_is_not_whole_is_stored_as_it_is(document: dict[str, Any]) -> None:
    item = stored("alerts", document)
    assert WHOLE not in item
    assert item["delivery_id"] == {"S": ""}
    assert exact(read("alerts", item)) == exact(document)


def test_what_an_earlier_version_wrote_is_read() -> None:
    document = whole_alert(correlated_incident_id="i1")
    item = {name: to_value(value, (name,), []) for name, value in document.items()} | {
        HASH: {"B": b"12345678"},
        FLOATS: {"S": '[[true,"reason","score"],[true,"reason","gap_seconds"]]'},
        "$dedup_key,id": {"S": "d98fe8e036ceb4d284c50860#a1"},
        "$company_id,correlated_incident_id": {"S": "b5c80bac99979487c16c3e92"},
    }
    assert exact(read("alerts", item)) == exact(document)


@pytest.mark.parametrize("resolved_at", [None, NOON, LATER, "", 7])
@pytest.mark.parametrize("updated_at", [None, NOON, LATER, "", 7])
def test_an_instant_that_follows_from_others_comes_back(updated_at: object, resolved_at: object) -> None:
    document = {**whole_incident(), "updated_at": updated_at, "resolved_at": resolved_at}
    item = stored("incidents", document)
    latest = max(NOON, resolved_at) if isinstance(resolved_at, str) else NOON
    assert ("updated_at" in item) == (updated_at != latest)
    assert exact(read("incidents", item)) == exact(document)


def test_what_follows_from_others_stands_behind_them_and_is_never_empty() -> None:
    for collection, fields in LATEST.items():
        order = list(SHAPES[collection].empty)
        seen: set[str] = set()
        for name, others in fields.items():
            assert SHAPES[collection].empty[name] is MISSING
            assert set(others) <= set(order) - (fields.keys() - seen)
            seen.add(name)


def left_out() -> str:
    fields = {name: dict(shape.left_out()) for name, shape in SHAPES.items()}
    return json.format(json.encode(fields), indent=1).decode() + "\n"


def test_what_is_left_out_stays_what_it_is() -> None:
    """Of stored items nothing else says it any more."""
    assert left_out() == GOLDEN.read_text()


def test_no_attribute_has_another_s_name() -> None:
    for collection in COLLECTIONS:
        keys = {fields for gsi in collection.gsis for fields in (gsi.partition, gsi.sort) if fields}
        made = {attribute(collection, gsi, gsi.partition) for gsi in collection.gsis}
        made |= {attribute(collection, gsi, gsi.sort) for gsi in collection.gsis if gsi.sort}
        assert len(made) == len(keys), collection.name
        assert not made & {HASH, WHOLE, FLOATS, PACKED, PARTS}
        assert not {TTL} & SHAPES[collection.name].empty.keys() if collection.name in SHAPES else True


async def test_an_alert_and_its_incident_are_each_billed_as_one_kilobyte(tmp_path: Path) -> None:
    """With room for what people add to them."""
    clock = VirtualClock()
    storage = SQLiteStorage(tmp_path / "sizes.db")
    await storage.open()
    world = World(storage, clock, SeededIds())
    await world.found()
    for _ in range(2):
        await world.post(own("x", 0))
        clock.advance(300)
    for kind, name, most in ((Alert, "alerts", 850), (Incident, "incidents", 950)):
        (document,) = await storage.select(kind, {"company_id": ACME})
        item = stored(name, to_builtins(document))
        assert WHOLE in item
        assert item_bytes(item) <= most
    await world.runner.close()
    await storage.close()


if __name__ == "__main__":
    GOLDEN.write_text(left_out())
