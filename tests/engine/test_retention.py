"""What has been kept long enough goes, and nothing else does."""

import pytest
from msgspec.structs import replace

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.delivery import Intake, Receipt
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.domain.snapshot import Snapshot
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.engine import verbs
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.retention import DAY_SECONDS, Retention, defaults, first_id_at
from alertwhisperer.storage.mongodb import MongoDBStorage
from tests.support.cast import ACME, GLOBEX, RIO
from tests.support.logbook import put
from tests.support.world import World, acting

HERE = Scope(ACME, SYSTEM)
ALL = {"company_id": ACME}


class IdsOf:
    """UUIDv7 strings of a virtual clock: what was made long ago there has an old id."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._last = 0

    def new_id(self) -> str:
        self._last += 1
        return f"{first_id_at(self._clock.now())}-7000-8000-{self._last:012x}"


@pytest.fixture
def ids(clock: VirtualClock) -> IdsOf:
    return IdsOf(clock)


@pytest.fixture
def retention(world: World) -> Retention:
    storage, clock = world.storage, world.clock
    return Retention(storage, clock, Counters(storage), Audit(storage, clock, b"k" * 32), defaults())


def later(world: World, days: float) -> None:
    world.clock.advance(days * DAY_SECONDS)


async def test_the_least_id_of_an_instant_parts_older_ids_from_newer() -> None:
    assert first_id_at("2026-03-02T12:00:00.000000Z") == "019cae6b-6600"
    assert first_id_at("2026-03-02T11:59:59.999000Z") + "-7fff-bfff-ffffffffffff" < "019cae6b-6600"


async def test_resolved_alerts_go_after_ninety_days(world: World, retention: Retention) -> None:
    await world.fire()
    await world.clear()
    later(world, 89)
    await retention.sweep(HERE)
    assert await world.storage.count(Alert, ALL) == 1
    later(world, 1.01)
    await retention.sweep(HERE)

    assert await world.storage.count(Alert, ALL) == 0
    assert await world.storage.count(Incident, ALL) == 1


async def test_an_alert_of_an_open_incident_stays_however_old(world: World, retention: Retention) -> None:
    await world.configure("correlation", aggregation_key="asset")
    await world.fire(signature="disk_full")
    await world.fire(signature="cpu_hot")
    await world.clear(signature="disk_full")
    later(world, 400)
    await retention.sweep(HERE)

    assert await world.storage.count(Alert, ALL) == 2


async def test_an_alert_of_what_was_merged_into_an_open_incident_stays(world: World, retention: Retention) -> None:
    gone = (await world.fire("db-01")).incident_id
    kept = (await world.fire("web-01")).incident_id
    assert gone
    assert kept
    await world.incidents.do(acting(RIO), gone, verbs.merge(kept))
    await world.clear("db-01")
    later(world, 800)
    await retention.sweep(HERE)

    assert await world.storage.count(Alert, ALL) == 2
    assert await world.storage.count(Incident, ALL) == 2


async def test_an_active_alert_stays_however_old(world: World, retention: Retention) -> None:
    await world.fire()
    later(world, 1000)
    await retention.sweep(HERE)

    assert await world.storage.count(Alert, ALL) == 1


async def test_an_incident_goes_after_two_years_with_its_timeline(world: World, retention: Retention) -> None:
    old = (await world.fire("db-01")).incident_id
    assert old
    await world.incidents.do(acting(RIO), old, verbs.note("looked at it"))
    await world.clear("db-01")
    later(world, 729)
    fresh = (await world.fire("web-01")).incident_id
    assert fresh
    await world.incidents.do(acting(RIO), fresh, verbs.note("looked at it"))
    await retention.sweep(HERE)
    assert await world.storage.count(Incident, ALL) == 2
    later(world, 1.01)
    await retention.sweep(HERE)

    assert [each.id for each in await world.storage.select(Incident, ALL)] == [fresh]
    assert {each.incident_id for each in await world.storage.select(TimelineEntry, ALL)} == {fresh}


async def test_a_timeline_longer_than_a_batch_goes_whole(world: World, retention: Retention) -> None:
    old = (await world.fire()).incident_id
    await world.clear()
    [entry, *_] = await world.storage.select(TimelineEntry, ALL, limit=1)
    copies = [replace(entry, id=world.ids.new_id(), incident_id=str(old)) for _ in range(1100)]
    size = world.storage.limits.batch(len(copies))
    for start in range(0, len(copies), size):
        await world.storage.store([put("timeline", each) for each in copies[start : start + size]])
    later(world, 731)
    await retention.sweep(HERE)

    assert await world.storage.count(TimelineEntry, ALL) == 0
    assert retention.swept.sums["incidents"] >= 1


async def test_deliveries_go_after_thirty_days_and_receipts_after_one(world: World, retention: Retention) -> None:
    await world.post({"asset_name": "a", "signature": "s", "message": "m"}, delivery="d-1")
    later(world, 2.01)
    await world.post({"asset_name": "b", "signature": "s", "message": "m"}, delivery="d-2")
    await retention.sweep(HERE)
    # MongoDB deletes them by its own clock (tests/storage/test_mongodb.py shows it), so that no sweep has to.
    untouched = isinstance(world.storage, MongoDBStorage)
    left = sorted(each.id.split("#")[1] for each in await world.storage.select(Receipt, ALL))
    assert left == (["d-1", "d-2"] if untouched else ["d-2"])
    assert [each.id for each in await world.received()] == ["d-1", "d-2"]
    later(world, 29)
    await retention.sweep(HERE)

    assert [each.id for each in await world.received()] == (["d-1", "d-2"] if untouched else ["d-2"])
    later(world, 31)
    await retention.sweep(HERE)
    assert await world.storage.count(Intake, ALL) == (2 if untouched else 0)


async def test_log_records_go_after_two_days_and_the_log_goes_on(world: World, retention: Retention) -> None:
    await world.fire("db-01")
    seq, head = await world.storage.head(ACME)
    later(world, 2.01)
    await retention.sweep(HERE)

    assert await world.storage.count(Record, ALL) == 0
    assert await world.storage.head(ACME) == (seq, head)
    assert (ACME, seq) in await world.storage.companies_with_log()
    await world.fire("db-02")
    world.restart()
    await world.fire("db-03")
    assert [each.seq for each in await world.storage.records(ACME, seq)] == [seq + 1, seq + 2]


async def test_only_what_is_old_goes_from_the_log(world: World, retention: Retention) -> None:
    await world.fire("db-01")
    seq, _ = await world.storage.head(ACME)
    later(world, 1.5)
    await world.fire("db-02")
    later(world, 0.6)
    await retention.sweep(HERE)

    assert [each.seq for each in await world.storage.records(ACME, 0)] == [seq + 1]
    assert await world.storage.count(Snapshot, ALL) == 1


async def test_what_went_from_the_log_had_been_counted(world: World, retention: Retention) -> None:
    await world.fire("db-01")
    fired_at = world.clock.now()
    later(world, 3)
    await retention.sweep(HERE)
    counts = await Counters(world.storage).counts(HERE, "day", fired_at, world.clock.now())

    assert sum(each.get("alerts.fires", 0) for each in counts.values()) == 1


async def test_a_process_that_slept_through_it_catches_up(world: World, retention: Retention) -> None:
    await world.fire("db-01")
    other = World(world.storage, world.clock, world.ids)
    await other.fire("db-02")
    await world.fire("db-03")
    later(world, 3)
    await retention.sweep(HERE)

    assert (await other.fire("db-03")).disposition == "occurrence"
    assert len(await world.open_incidents()) == 3


async def test_a_sweep_of_one_company_leaves_the_other_alone(world: World, retention: Retention) -> None:
    await world.fire(company=GLOBEX)
    await world.clear(company=GLOBEX)
    later(world, 800)
    await retention.sweep(HERE)
    assert await world.storage.count(Incident, {"company_id": GLOBEX}) == 1
    await retention.sweep_all()

    assert await world.storage.count(Incident, {"company_id": GLOBEX}) == 0


async def test_a_shorter_time_may_be_set(world: World) -> None:
    keep = {**defaults(), "alerts": 1}
    storage = world.storage
    retention = Retention(storage, world.clock, Counters(storage), Audit(storage, world.clock, b"k" * 32), keep)
    await world.fire()
    await world.clear()
    later(world, 1.01)
    await retention.sweep(HERE)

    assert await world.storage.count(Alert, ALL) == 0
