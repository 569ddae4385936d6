"""What was stored of the deliveries is enough to come to the same incidents again."""

import asyncio
import random
from pathlib import Path

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.domain.delivery import Delivery
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.door import WebhookRequest
from alertwhisperer.engine.retention import DAY_SECONDS, Retention, defaults
from alertwhisperer.sources.registry import SOURCES
from alertwhisperer.storage import get_database_adapter
from tests.support.cast import ACME
from tests.support.world import World

TOLD = ("title", "status", "severity", "priority_score", "correlation_key", "alert_count", "open_alert_count")
TIMES = ("occurrences", "tool_sources", "asset_names", "first_alert_at", "last_alert_at", "resolved_at", "created_at")


async def live(world: World, steps: int, seed: int) -> None:
    """Hours of alerts that fire, repeat, clear and come back, singly and in arrays, several at once."""
    dice = random.Random(seed)
    for _ in range(steps):
        world.clock.advance(dice.choice([0.001, 1, 60, 600, 1200]))
        alerts = [an_alert(dice) for _ in range(dice.choice([1, 1, 1, 4]))]
        together = [world.post(*alerts), *(world.post(an_alert(dice)) for _ in range(dice.choice([0, 0, 3])))]
        await asyncio.gather(*together)


def an_alert(dice: random.Random) -> dict[str, str]:
    return {
        "asset_name": f"host-{dice.randrange(4)}",
        "signature": dice.choice(["disk_full", "down"]),
        "message": dice.choice(["it broke", "it broke " * 250]),
        "severity": dice.choice(["critical", "high", "low"]),
        "tool_source": dice.choice(["Zabbix", "Datadog"]),
        "status": dice.choice(["firing", "firing", "resolved"]),
    }


async def replay(deliveries: list[Delivery], world: World, clock: VirtualClock) -> None:
    for delivery in deliveries:
        clock.move_to(max(delivery.received_at, clock.now()))
        request = WebhookRequest(
            source=delivery.source,
            api_key="",
            headers={},
            body=delivery.body.encode(),
            received_at=delivery.received_at,
            delivery_id=delivery.id or None,
        )
        await world.ingest.deliver(Scope(ACME, SYSTEM), request, SOURCES[delivery.source])


async def incidents(world: World) -> list[tuple[object, ...]]:
    found = await world.storage.select(Incident, {"company_id": ACME}, sort=[("id", 1)])
    return [tuple(getattr(each, field) for field in (*TOLD, *TIMES)) for each in found]


@pytest.mark.slow_on("dynamodb")
async def test_replaying_the_stored_deliveries_gives_the_same_incidents(world: World, tmp_path: Path) -> None:
    await live(world, steps=300, seed=7)
    stored = await world.received()
    world.clock.advance(3 * DAY_SECONDS)
    counters, audit = Counters(world.storage), Audit(world.storage, world.clock, b"k" * 32)
    await Retention(world.storage, world.clock, counters, audit, defaults()).sweep(Scope(ACME, SYSTEM))
    assert await world.storage.records(ACME, 0) == []
    assert await world.received() == stored
    storage = get_database_adapter("sqlite", path=tmp_path / "replay.db")
    clock = VirtualClock()
    again = World(storage, clock, SystemIds())
    await again.found()
    await replay(stored, again, clock)
    was, is_now = await incidents(world), await incidents(again)
    await again.runner.close()
    await storage.close()
    assert len(was) > 10
    assert is_now == was
