"""Two processes whose clocks are minutes apart agree all the same: order is the log's, never the clock's."""

import asyncio
import json

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.scope import SYSTEM, Scope, Scopes
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.domain.timer import LEASE_SECONDS
from alertwhisperer.engine import verbs
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.reports import Reports
from alertwhisperer.engine.retention import DAY_SECONDS, Retention, defaults
from alertwhisperer.engine.scheduler import Scheduler
from tests.support.cast import ACME, RIO
from tests.support.engines import DynamoDBEngine, Engine
from tests.support.world import World, acting

SKEW_SECONDS = 7 * 60.0
assert LEASE_SECONDS < SKEW_SECONDS


class IdsAhead:
    """Ids as the process makes them whose clock is ahead: later than all of the other's."""

    def __init__(self) -> None:
        self._last = 0

    def new_id(self) -> str:
        self._last += 1
        return f"ffffffff-ffff-7000-8000-{self._last:012x}"


@pytest.fixture
async def ahead(engine: Engine, here: World) -> World:
    """Another process on the same database, whose clock is seven minutes ahead."""
    clock = VirtualClock(plus(here.clock.now(), SKEW_SECONDS))
    if isinstance(engine, DynamoDBEngine):
        engine.clock = clock
    return World(await engine.open(), clock, IdsAhead())


def scheduler(world: World) -> Scheduler:
    handlers = {"incident.wake": world.incidents.wake, "incident.quiet": world.incidents.settle_quiet}
    return Scheduler(world.storage, world.clock, SystemIds(), handlers)  # type: ignore[arg-type]  # kinds by text


async def test_one_key_is_one_incident_and_the_ledger_balances(here: World, ahead: World) -> None:
    counters = [Counters(world.storage) for world in (here, ahead)]
    for _ in range(4):
        await asyncio.gather(*(world.fire(tool_source=f"t{n}") for n in range(4) for world in (here, ahead)))
        await asyncio.gather(*(each.fold(Scope(ACME, SYSTEM)) for each in counters))
        here.clock.advance(20)
        ahead.clock.advance(20)
    [incident] = await here.open_incidents()
    assert (incident.alert_count, incident.occurrences) == (4, 32)
    assert incident.last_alert_at == plus(ahead.clock.now(), -20)
    records = await here.storage.records(ACME, 0)
    assert [each.seq for each in records] == list(range(1, len(records) + 1))
    ledgers = [
        await Reports(world.storage, ahead.clock, each).ledger(Scopes((ACME,), RIO))
        for world, each in zip((here, ahead), counters, strict=True)
    ]
    assert ledgers[0] == ledgers[1]
    assert ledgers[0].balanced
    assert ledgers[0].totals.received == 32


async def test_deliveries_are_read_in_the_order_of_the_log(here: World, ahead: World) -> None:
    sizes = [1, 900, 1, 1, 900, 900, 1, 900]
    for n, size in enumerate(sizes):
        world = (here, ahead)[n % 3 == 0]
        await world.fire(asset=f"h{n}", message="broken" * size)
    order = [f"h{n}" for n in range(len(sizes))]
    assert [json.loads(each.body)["asset_name"] for each in await here.received()] == order
    here.clock.advance(3 * DAY_SECONDS)
    counters, audit = Counters(here.storage), Audit(here.storage, here.clock, b"k" * 32)
    await Retention(here.storage, here.clock, counters, audit, defaults()).sweep(Scope(ACME, SYSTEM))
    assert await here.storage.count(Record, {"company_id": ACME}) == 0
    assert [json.loads(each.body)["asset_name"] for each in await here.received()] == order


async def test_what_one_has_resolved_the_other_reopens(here: World, ahead: World) -> None:
    opened = (await ahead.fire()).incident_id
    await ahead.clear()
    assert (await here.fire()).incident_id == opened
    await here.clear()
    assert (await ahead.fire()).incident_id == opened
    assert await here.storage.count(Incident, {"company_id": ACME}) == 1


@pytest.mark.parametrize("first_is_ahead", [True, False])
async def test_a_repeated_delivery_is_known_by_the_other(here: World, ahead: World, *, first_is_ahead: bool) -> None:
    first, second = (ahead, here) if first_is_ahead else (here, ahead)
    sent = {"asset_name": "db-01", "signature": "s", "message": "m"}
    answers = [await world.post(sent, delivery="d1") for world in (first, second)]
    assert answers[0].outcomes[0].alert_id == answers[1].outcomes[0].alert_id
    [alert] = await here.storage.select(Alert, {"company_id": ACME})
    assert (alert.occurrences, alert.delivery_attempts) == (1, 2)


async def test_what_is_due_by_one_clock_alone_happens_once(here: World, ahead: World) -> None:
    opened = (await here.fire()).incident_id
    assert opened
    await here.incidents.do(acting(RIO), opened, verbs.snooze(plus(here.clock.now(), 60)))
    await asyncio.gather(*(scheduler(world).tick_now() for world in (here, ahead)))
    here.clock.advance(60)
    await asyncio.gather(*(scheduler(world).tick_now() for world in (here, ahead)))
    entries = await here.storage.select(TimelineEntry, {"company_id": ACME, "incident_id": opened})
    assert [each.kind for each in entries].count("woke") == 1


async def test_the_audit_chain_holds_whoever_wrote_its_links(here: World, ahead: World) -> None:
    for world in [here, ahead] * 3:
        await world.runner.run(acting(RIO), lambda draft: draft.audit("tested", {}))
    found = await Audit(here.storage, here.clock, b"k" * 32).verify(Scope(ACME, SYSTEM))
    assert (found.ok, found.checked) == (True, 6)
