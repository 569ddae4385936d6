"""Reading the log, and being told of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from alertwhisperer.domain.change import Change, Put
from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.snapshot import Snapshot
from alertwhisperer.ports import Ring, Storage
from tests.support.cast import ACME, GLOBEX
from tests.support.documents import NOON, alert, scope


async def commit(storage: Storage, base_seq: int, company_id: str = ACME, audit_head: str = "") -> Record:
    change = Change(writes=(Put("alerts", alert(f"a{base_seq}", company_id)),), audit_head=audit_head)
    return await storage.commit(scope(company_id), base_seq, change, commit_id="c", at=NOON)


async def test_a_company_without_a_log_stands_at_nought(storage: Storage) -> None:
    assert await storage.head(ACME) == (0, "")
    assert await storage.records(ACME, 0) == []
    assert await storage.companies_with_log() == []


async def test_the_head_carries_the_audit_head_of_the_newest_record(storage: Storage) -> None:
    await commit(storage, 0, audit_head="first")
    await commit(storage, 1, audit_head="second")
    assert await storage.head(ACME) == (2, "second")


async def test_records_come_in_order_and_in_pages(storage: Storage) -> None:
    for seq in range(12):
        await commit(storage, seq)
    assert [each.seq for each in await storage.records(ACME, 0)] == list(range(1, 13))
    assert [each.seq for each in await storage.records(ACME, 9)] == [10, 11, 12]
    assert [each.seq for each in await storage.records(ACME, 2, limit=3)] == [3, 4, 5]
    assert await storage.records(ACME, 12) == []
    assert await storage.records(GLOBEX, 0) == []


async def test_every_log_is_named_with_its_head(storage: Storage) -> None:
    for company, commits in ((GLOBEX, 3), (ACME, 1), ("_msp", 2)):
        for seq in range(commits):
            await commit(storage, seq, company)
    await storage.store(
        [
            Put("snapshots", Snapshot(company_id="quiet", seq=40, audit_head="", at=NOON)),
            Put("snapshots", Snapshot(company_id=GLOBEX, seq=2, audit_head="", at=NOON)),
        ]
    )
    assert await storage.companies_with_log() == [("_msp", 2), (ACME, 1), (GLOBEX, 3), ("quiet", 40)]


async def test_listeners_hear_of_each_commit_once_and_in_order(storage: Storage, other: Storage) -> None:
    heard: list[tuple[str, int]] = []
    storage.on_commit(lambda record: heard.append((record.company_id, record.seq)))
    for seq in range(3):
        await commit(storage, seq)
    with pytest.raises(Conflict):
        await commit(storage, 0)
    await commit(other, 0, GLOBEX)
    assert heard == [(ACME, 1), (ACME, 2), (ACME, 3)]


async def test_a_listener_hears_before_the_committer_goes_on(storage: Storage) -> None:
    heard: list[int] = []
    storage.on_commit(lambda record: heard.append(record.seq))
    await commit(storage, 0)
    assert heard == [1]


async def test_a_listener_that_fails_harms_nobody(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []

    def fail(record: Record) -> None:
        raise RuntimeError(f"cannot bear {record.seq}")

    storage.on_commit(fail)
    storage.on_commit(lambda record: heard.append(record.seq))
    assert (await commit(storage, 0)).seq == 1
    assert heard == [1]
    assert "cannot bear 1" in caplog.text


async def next_ring(bell: AsyncIterator[Ring]) -> Ring:
    return await asyncio.wait_for(anext(bell), timeout=5)


@pytest.mark.parametrize("own", [True, False], ids=["own", "another process"])
async def test_the_doorbell_rings_for_commits(storage: Storage, other: Storage, *, own: bool) -> None:
    bell = storage.doorbell()
    ring = asyncio.ensure_future(next_ring(bell))
    await asyncio.sleep(0.05)
    assert not ring.done()
    await commit(storage if own else other, 0)
    assert await ring in {None, frozenset({ACME})}
    await bell.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_every_listener_of_the_doorbell_wakes(storage: Storage) -> None:
    bells = [storage.doorbell() for _ in range(3)]
    rings = [asyncio.ensure_future(next_ring(bell)) for bell in bells]
    await asyncio.sleep(0.02)
    await commit(storage, 0)
    await asyncio.gather(*rings)


async def test_the_doorbell_falls_silent_when_the_storage_is_closed(storage: Storage) -> None:
    async def count() -> int:
        return len([ring async for ring in storage.doorbell()])

    counting = asyncio.ensure_future(count())
    await asyncio.sleep(0.02)
    await storage.close()
    assert await asyncio.wait_for(counting, timeout=5) == 0
