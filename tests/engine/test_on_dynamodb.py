"""What is the engine's own on DynamoDB: much work in small commits, and never a scan."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.retention import DAY_SECONDS, Retention, defaults
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from tests.support.cast import ACME
from tests.support.engines import DynamoDBEngine
from tests.support.world import World


@pytest.fixture
async def dynamodb(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DynamoDBEngine]:
    made = DynamoDBEngine(request, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def storage(dynamodb: DynamoDBEngine, clock: VirtualClock) -> DynamoDBStorage:
    dynamodb.allow_scan, dynamodb.clock = False, clock
    return await dynamodb.open()


async def test_a_scan_does_not_go_unnoticed(dynamodb: DynamoDBEngine) -> None:
    """Every other test of the engine ends by asking this count to be nought."""
    storage = await dynamodb.open()
    await storage.find("alerts", {"company_id": ACME})
    assert dynamodb.scans == 0
    await storage.find("alerts", {"status": "active"})
    assert dynamodb.scans == 1


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
