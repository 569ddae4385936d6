"""What falls due for an incident happens once, by whichever process comes first."""

import asyncio

import pytest

from alertwhisperer.clock import SystemIds
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.domain.timer import Timer, shard_of
from alertwhisperer.engine import verbs
from alertwhisperer.engine.scheduler import Scheduler
from tests.support.cast import ACME, RIO
from tests.support.world import World, acting


def scheduler(world: World) -> Scheduler:
    handlers = {"incident.wake": world.incidents.wake, "incident.quiet": world.incidents.settle_quiet}
    return Scheduler(world.storage, world.clock, SystemIds(), handlers)  # type: ignore[arg-type]  # kinds by text


async def incident(world: World, incident_id: str) -> Incident:
    found = await world.storage.get(Incident, (ACME, incident_id))
    assert found is not None
    return found


@pytest.fixture
async def snoozed(world: World) -> str:
    """An incident that sleeps for ten minutes."""
    opened = (await world.fire()).incident_id
    assert opened
    await world.incidents.do(acting(RIO), opened, verbs.snooze(plus(world.clock.now(), 600)))
    return opened


async def test_a_snoozed_incident_wakes_at_its_time(world: World, snoozed: str) -> None:
    one = scheduler(world)
    world.clock.advance(599)
    await one.tick_now()
    assert (await incident(world, snoozed)).snoozed_until is not None
    world.clock.advance(1)
    await one.tick_now()

    assert (await incident(world, snoozed)).snoozed_until is None
    assert await world.storage.count(Timer, {"shard": shard_of(ACME), "company_id": ACME}) == 0


async def test_two_processes_wake_it_once(world: World, snoozed: str) -> None:
    other = World(world.storage, world.clock, SystemIds())
    world.clock.advance(600)
    await asyncio.gather(scheduler(world).tick_now(), scheduler(other).tick_now())
    entries = await world.storage.select(TimelineEntry, {"company_id": ACME, "incident_id": snoozed})

    assert [each.kind for each in entries].count("woke") == 1


async def test_a_snooze_that_was_taken_back_wakes_nobody(world: World, snoozed: str) -> None:
    await world.incidents.do(acting(RIO), snoozed, verbs.snooze(None))
    world.clock.advance(600)
    assert await scheduler(world).tick_now() == 0
    entries = await world.storage.select(TimelineEntry, {"company_id": ACME, "incident_id": snoozed})

    assert [each.kind for each in entries].count("woke") == 0


async def test_after_the_quiet_time_an_incident_resolves(world: World) -> None:
    await world.configure("correlation", resolve_quiet_minutes=5)
    opened = (await world.fire()).incident_id
    assert opened
    await world.clear()
    assert (await incident(world, opened)).status == "new"
    world.clock.advance(300)
    await scheduler(world).tick_now()

    assert (await incident(world, opened)).status == "resolved"


async def test_what_fires_again_in_the_quiet_time_stays_open(world: World) -> None:
    await world.configure("correlation", resolve_quiet_minutes=5)
    opened = (await world.fire()).incident_id
    assert opened
    await world.clear()
    world.clock.advance(200)
    assert (await world.fire()).incident_id == opened
    world.clock.advance(200)
    await scheduler(world).tick_now()

    assert (await incident(world, opened)).status != "resolved"
    assert await world.storage.count(Timer, {"shard": shard_of(ACME), "company_id": ACME}) == 0
