"""From one engine to another while senders go on: what was acked is there, and the log goes on where it stood."""

import asyncio
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import Put
from alertwhisperer.domain.company import Company
from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.transfer import HOLDS, Hold, hold_key, is_fence
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.retention import Retention, defaults
from alertwhisperer.ports import Storage
from alertwhisperer.storage.transfer_backup import back_up
from tests.storage.transfer.conftest import Move
from tests.storage.transfer.senders import Sender, alert_of, all_refused
from tests.support.office import AUDIT_KEY


async def assert_log_is_whole(storage: Storage, company_id: str) -> None:
    head, _ = await storage.head(company_id)
    records = await storage.records(company_id, 0, 100_000)
    assert [each.seq for each in records] == list(range(1, head + 1))


async def test_what_was_acked_during_a_move_is_there_afterwards(move: Move) -> None:
    office = move.office
    await move.fire(10)
    senders = [
        Sender(office, company, f"live-{n}") for n, company in enumerate((office.acme, office.acme, office.globex))
    ]
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    await asyncio.sleep(0)
    outcome = await move.mover.move(switch=True)
    await all_refused(tasks)

    assert outcome.stage == "switched"
    assert not outcome.failures
    assert all(each.agrees for each in outcome.comparisons)
    for sender in senders:
        assert sender.acked
        found = await move.target.storage.select(Alert, {"company_id": sender.company.id}, limit=10_000)
        there = {each.asset_name for each in found}
        assert there >= set(sender.acked)
        assert sender.refusal is not None
        assert sender.refusal.status_code == 503
        assert int(sender.refusal.headers["Retry-After"]) >= 1
    for company_id, _ in await move.source.storage.companies_with_log():
        await assert_log_is_whole(move.target.storage, company_id)


async def test_the_product_goes_on_where_it_stood(move: Move) -> None:
    await move.fire(3)
    await move.office.counters.fold(move.office.scope(move.office.acme.id))
    await move.mover.move(switch=True)
    moved = move.office_on(move.target.storage)
    before, _ = await move.target.storage.head(moved.acme.id)

    await moved.fire(moved.acme, "host-1")
    await moved.fire(moved.acme, "another")
    assert (await move.target.storage.head(moved.acme.id))[0] == before + 2
    found = await move.target.storage.select(Alert, {"company_id": moved.acme.id})
    assert sorted(each.occurrences for each in found) == [1, 1, 1, 2]
    await assert_log_is_whole(move.target.storage, moved.acme.id)
    audit = Audit(move.target.storage, moved.clock, AUDIT_KEY)
    assert (await audit.verify(moved.scope(moved.acme.id))).ok
    now = moved.clock.now()
    sums = await moved.counters.counts(moved.scope(moved.acme.id), "day", now, now)
    assert sums[now[:10]]["ledger.received"] == 5
    await moved.close()


async def test_who_follows_the_log_hears_each_event_once_over_the_move(move: Move) -> None:
    await move.fire(2)
    before = await move.source.storage.records(move.office.acme.id, 0, 1_000)
    await move.mover.move(switch=True)
    after = await move.target.storage.records(move.office.acme.id, 0, 1_000)
    assert _told(after[: len(before)]) == _told(before)
    assert is_fence(after[-1])
    assert not after[-1].events


def _told(records: list[Record]) -> list[list[tuple[str, object]]]:
    return [[(event.type, json.decode(event.data)) for event in each.events] for each in records]


async def test_a_sealed_secret_is_carried_as_it_is(move: Move) -> None:
    await move.mover.move(switch=True)
    for company in await move.source.storage.select(Company, {}):
        assert await move.target.storage.get(Company, (company.id,)) == company


async def test_nothing_is_written_behind_a_fence_whoever_tries(local: Move) -> None:
    await local.fire(1)
    await local.mover.move(switch=True)
    heads = await local.source.storage.companies_with_log()
    late = local.office_on(local.source.storage)
    for office in (local.office, late):
        async with office.client("Ada") as ada:
            answer = await ada.post("/api/companies", json={"name": "Initech"})
            assert answer.status_code == 503
            assert "moved" in answer.json()["detail"]
            assert (await ada.get("/api/incidents", params={"company_id": office.acme.id})).status_code == 200
        async with office.client(headers={"X-API-Key": office.acme.api_key}) as sender:
            assert (await sender.post("/api/webhooks/alerts", json=alert_of("late"))).status_code == 503
    assert await local.source.storage.companies_with_log() == heads
    await late.close()


async def test_a_switch_that_fails_lets_writers_go_on(local: Move) -> None:
    await local.fire(1)
    await local.mover.move(switch=False)
    stray = {"company_id": "nobody", "id": "a1", "name": "of a company that is not there"}
    await local.source.storage.insert_one("assets", stray)
    with pytest.raises(Conflict, match="assets"):
        await local.mover.move(switch=True)
    await local.office.fire(local.office.acme, "after it")
    await local.source.storage.delete_one("assets", {"company_id": "nobody", "id": "a1"})
    assert (await local.mover.move(switch=True)).stage == "switched"


async def test_retention_waits_while_a_copy_is_made(local: Move) -> None:
    office, storage = local.office, local.source.storage
    await local.fire(3)
    await local.mover.move(switch=False)
    hold = await storage.get(Hold, hold_key("new"))
    assert hold is not None
    retention = Retention(storage, office.clock, Counters(storage), Audit(storage, office.clock, AUDIT_KEY), defaults())
    office.clock.advance(3 * 86_400)
    await storage.store([Put("snapshots", replace(hold, until=plus(office.clock.now(), 60)))])
    await retention.sweep_all()
    assert len(await storage.records(office.acme.id, 0)) > 0
    office.clock.advance(61)
    await retention.sweep_all()
    assert await storage.records(office.acme.id, 0) == []


async def test_who_has_done_with_a_copy_does_not_end_the_hold_of_another(local: Move, tmp_path: Path) -> None:
    office, storage = local.office, local.source.storage
    await local.fire(1)
    await local.mover.move(switch=False)
    await back_up(local.source, tmp_path / "copy.db", local.means)
    assert await storage.get(Hold, hold_key("new")) is not None
    retention = Retention(storage, office.clock, Counters(storage), Audit(storage, office.clock, AUDIT_KEY), defaults())
    # As if the move had lasted for days since, and renewed its hold.
    office.clock.advance(3 * 86_400)
    await storage.store([Put("snapshots", Hold(id=hold_key("new")[-1], until=plus(office.clock.now(), 60)))])
    await retention.sweep_all()
    assert len(await storage.records(office.acme.id, 0)) > 0
    await local.mover.abort()
    assert await storage.select(Hold, HOLDS) == []
    await retention.sweep_all()
    assert await storage.records(office.acme.id, 0) == []
