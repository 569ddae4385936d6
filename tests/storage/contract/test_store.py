"""Writes without a log: what can be made again, and leases."""

import asyncio

import pytest
from msgspec.structs import replace

from alertwhisperer.domain.change import ABSENT, Delete, Put
from alertwhisperer.domain.errors import Invalid, Stale
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.metric import Bucket, FoldCursor
from alertwhisperer.domain.timer import Timer
from alertwhisperer.ports import Storage
from tests.support.cast import ACME, GLOBEX
from tests.support.documents import LATER, wake_up


async def test_store_is_all_or_none(storage: Storage) -> None:
    bucket = Bucket(company_id=ACME, id="h#1", counts={"x": 1})
    await storage.store([Put("metrics", FoldCursor(company_id=ACME, last_seq=1), ABSENT), Put("metrics", bucket)])
    moved = Put("metrics", FoldCursor(company_id=ACME, last_seq=9), {"last_seq": 8})
    with pytest.raises(Stale):
        await storage.store([Put("metrics", replace(bucket, counts={"x": 2})), moved])
    assert await storage.get(Bucket, (ACME, "h#1")) == bucket
    assert await storage.get(FoldCursor, (ACME, "cursor")) == FoldCursor(company_id=ACME, last_seq=1)


async def test_store_tells_nobody_and_moves_no_log(storage: Storage) -> None:
    heard: list[Record] = []
    storage.on_commit(heard.append)
    await storage.store([Put("metrics", Bucket(company_id=ACME, id="h#1"))])
    assert heard == []
    assert await storage.head(ACME) == (0, "")


async def test_store_may_span_companies_and_delete(storage: Storage) -> None:
    mine, yours = (Bucket(company_id=each, id="h#1") for each in (ACME, GLOBEX))
    await storage.store([Put("metrics", mine), Put("metrics", yours)])
    await storage.store([Delete("metrics", (ACME, "h#1"))])
    assert await storage.select(Bucket, {}) == [yours]
    await storage.store([])


async def test_one_of_many_claims_a_timer(storage: Storage, other: Storage) -> None:
    due = wake_up("i1")
    await storage.store([Put("timers", due)])

    async def claim(through: Storage, token: str) -> str | None:
        leased = replace(due, lease_token=token, lease_until=LATER)
        try:
            await through.store([Put("timers", leased, {"lease_token": None})])
        except Stale:
            return None
        return token

    outcomes = await asyncio.gather(*(claim((storage, other)[n % 2], f"t{n}") for n in range(10)))
    winners = [token for token in outcomes if token]
    assert len(winners) == 1
    stored = await storage.get(Timer, (due.shard, due.id))
    assert stored is not None
    assert stored.lease_token == winners[0]


async def test_an_unknown_collection_is_invalid(storage: Storage) -> None:
    with pytest.raises(Invalid):
        await storage.store([Delete("nothing", ("x",))])
