"""Typed reads."""

import pytest
from msgspec import Struct

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import Put
from alertwhisperer.domain.company import CompanyConfig
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.metric import Bucket, FoldCursor
from alertwhisperer.domain.timer import Timer
from alertwhisperer.ports import Key, Storage
from tests.support.cast import ACME, GLOBEX
from tests.support.documents import LATER, NOON, alert, wake_up


@pytest.fixture
async def filled(storage: Storage) -> Storage:
    await storage.store(
        [
            *(Put("alerts", alert(f"a{n}", priority_score=n % 3)) for n in range(10)),
            *(Put("alerts", alert(f"g{n}", GLOBEX)) for n in range(3)),
            Put("alerts", alert("a9x", status="resolved", resolved_at=NOON, labels={"team": "dba"})),
        ]
    )
    return storage


def ids(alerts: list[Alert]) -> list[str]:
    return [each.id for each in alerts]


async def test_get_finds_by_the_whole_key_alone(filled: Storage) -> None:
    assert await filled.get(Alert, (ACME, "a3")) == alert("a3", priority_score=0)
    assert await filled.get(Alert, (GLOBEX, "a3")) is None
    with pytest.raises(Invalid):
        await filled.get(Alert, ("a3",))


async def test_get_many_finds_those_that_are_there(filled: Storage) -> None:
    keys: list[Key] = [(ACME, "a1"), (ACME, "nobody"), (GLOBEX, "g2"), (GLOBEX, "a1")]
    assert sorted(ids(await filled.get_many(Alert, keys))) == ["a1", "g2"]
    assert await filled.get_many(Alert, []) == []
    many: list[Key] = [(ACME, f"a{n}") for n in range(5_000)]
    assert len(await filled.get_many(Alert, many)) == 10


async def test_select_goes_newest_first_in_pages(filled: Storage) -> None:
    of_acme = {"company_id": ACME}
    first = await filled.select(Alert, of_acme, limit=4)
    assert ids(first) == ["a9x", "a9", "a8", "a7"]
    second = await filled.select(Alert, of_acme, limit=4, before=(ACME, first[-1].id))
    assert ids(second) == ["a6", "a5", "a4", "a3"]
    assert ids(await filled.select(Alert, of_acme, before=(ACME, "a2"))) == ["a1", "a0"]
    assert await filled.select(Alert, of_acme, before=(ACME, "a0")) == []


async def test_select_sorts_as_asked_and_ties_newest_first(filled: Storage) -> None:
    of_acme = {"company_id": ACME, "status": {"$ne": "resolved"}}
    found = await filled.select(Alert, of_acme, sort=[("priority_score", -1)], limit=5)
    assert ids(found) == ["a8", "a5", "a2", "a7", "a4"]
    with pytest.raises(Invalid):
        await filled.select(Alert, of_acme, sort=[("priority_score", -1)], before=(ACME, "a2"))


async def test_select_asks_into_documents(filled: Storage) -> None:
    assert ids(await filled.select(Alert, {"labels.team": "dba"})) == ["a9x"]
    assert await filled.count(Alert, {"company_id": ACME, "status": "resolved"}) == 1
    assert await filled.count(Alert, {}) == 14


async def test_what_lies_beside_is_read_as_its_own_kind(storage: Storage) -> None:
    bucket = Bucket(company_id=ACME, id="h#2026-11-21T12", counts={"alerts.fires": 3})
    cursor = FoldCursor(company_id=ACME, last_seq=7)
    await storage.store([Put("metrics", bucket), Put("metrics", cursor)])
    assert await storage.get(FoldCursor, (ACME, "cursor")) == cursor
    assert await storage.select(Bucket, {"company_id": ACME, "id": {"$gte": "h#", "$lt": "h$"}}) == [bucket]


async def test_keys_of_other_forms(storage: Storage) -> None:
    config = CompanyConfig(company_id=ACME, config_type="correlation", config_data={"n": 1}, updated_at=NOON)
    early, late = wake_up("i1", NOON), wake_up("i2", LATER)
    await storage.store([Put("company_configs", config), Put("timers", late), Put("timers", early)])
    assert await storage.get(CompanyConfig, (ACME, "correlation")) == config
    due = {"shard": early.shard, "id": {"$lt": f"{LATER}"}}
    assert await storage.select(Timer, due, sort=[("id", 1)]) == [early]


async def test_a_document_put_in_by_hand_that_is_not_of_its_kind_is_invalid(storage: Storage) -> None:
    await storage.insert_one("alerts", {"company_id": ACME, "id": "odd"})
    with pytest.raises(Invalid, match="Alert"):
        await storage.get(Alert, (ACME, "odd"))


async def test_a_kind_of_no_collection_is_invalid(storage: Storage) -> None:
    class Stranger(Struct):
        id: str

    with pytest.raises(Invalid):
        await storage.select(Stranger, {})


async def test_a_moment_shows_what_is_there_and_says_whether_it_stands_still(filled: Storage, other: Storage) -> None:
    async with filled.moment() as still:
        before = await filled.get(Alert, (ACME, "a1"))
        await other.store([Put("alerts", alert("a1", message="changed meanwhile"))])
        during = [
            await filled.get(Alert, (ACME, "a1")),
            (await filled.select(Alert, {"company_id": ACME, "id": "a1"}))[0],
        ]
    after = await filled.get(Alert, (ACME, "a1"))
    assert before is not None
    assert after is not None
    assert (before.message, after.message) == (alert("a1").message, "changed meanwhile")
    assert not still or during == [before, before]
