"""The engine on DynamoDB: the same work, and never a scan."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.company import Company
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.retention import DAY_SECONDS, Retention, defaults
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from tests.support.cast import ACME
from tests.support.engines import DynamoDBEngine
from tests.support.world import World


@pytest.fixture
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DynamoDBStorage]:
    engine = DynamoDBEngine(request, tmp_path)
    await engine.open()
    made = engine.storage(allow_scan=False)
    yield made
    await made.close()
    await engine.close()


@pytest.fixture
async def world(storage: DynamoDBStorage) -> AsyncIterator[World]:
    made = World(storage, VirtualClock(), SystemIds())
    await made.found()
    yield made
    await made.runner.close()


async def test_alerts_become_incidents_without_a_scan(world: World, storage: DynamoDBStorage) -> None:
    opened = await world.fire("db-01")
    again = await world.fire("db-01")
    assert (opened.disposition, again.disposition) == ("grouped", "occurrence")
    world.restart()
    assert (await world.fire("db-01")).alert_id == opened.alert_id
    assert [each.id for each in await world.open_incidents()] == [opened.incident_id]
    await world.clear("db-01")
    world.restart()
    assert await world.open_incidents() == []
    assert (await world.fire("db-01")).disposition == "grouped"
    assert {each.id for each in await storage.select(Company, {})} == {"acme", "globex"}
    assert storage.operations["scan"] == 0


async def test_a_delivery_with_an_id_is_answered_once(world: World, storage: DynamoDBStorage) -> None:
    sent = {"asset_name": "db-01", "signature": "disk_full", "message": "full", "severity": "high"}
    first = await world.post(sent, delivery="d1")
    world.restart()
    second = await world.post(sent, delivery="d1")
    assert first.outcomes[0].alert_id == second.outcomes[0].alert_id
    assert await storage.count(Alert, {"company_id": ACME, "status": {"$ne": "resolved"}}) == 1


async def test_sweeps_and_folds_keep_within_what_dynamodb_takes_at_once(world: World, storage: DynamoDBStorage) -> None:
    for number in range(3):
        await world.post(*[_alert(f"web-{number}-{n}") for n in range(20)])
        await world.post(*[{**_alert(f"web-{number}-{n}"), "status": "resolved"} for n in range(20)])
        world.clock.advance(60 * 60)
    world.clock.advance(800 * DAY_SECONDS)
    counters = Counters(storage)
    retention = Retention(storage, world.clock, counters, Audit(storage, world.clock, b"k" * 32), defaults())
    await retention.sweep(Scope(ACME, SYSTEM))
    assert await storage.count(Alert, {"company_id": ACME}) == 0
    assert await storage.records(ACME, 0) == []
    world.restart()
    assert (await world.fire("db-01")).disposition == "grouped"
    assert storage.operations["scan"] == 0


def _alert(asset: str) -> dict[str, object]:
    return {"asset_name": asset, "signature": "down", "message": "down", "severity": "low"}
