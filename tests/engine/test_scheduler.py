"""Timers fire once, at their time, whoever dies on the way."""

import asyncio

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.domain.change import Change, Delete
from alertwhisperer.domain.errors import Conflict, NotFound, Unavailable
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.scope import Scope
from alertwhisperer.domain.timer import LEASE_SECONDS, Timer, shard_of, timer
from alertwhisperer.engine.scheduler import Scheduler
from alertwhisperer.ports import Storage
from tests.support.logbook import put

NOON = "2026-03-02T12:00:00.000000Z"


class Bells:
    """What timers ring in these tests: each ring is a commit that deletes the timer on condition of its lease."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.rung: list[str] = []
        self.deaths: list[str] = []
        self.gate: asyncio.Event | None = None
        self.asleep = asyncio.Event()

    async def ring(self, scope: Scope, due: Timer) -> None:
        if self.gate:
            self.asleep.set()
            await self.gate.wait()
        death = self.deaths.pop(0) if self.deaths else ""
        if death == "before":
            raise Unavailable("the process died before its commit")
        delete = Delete("timers", (due.shard, due.id), {"lease_token": due.lease_token})
        for _ in range(100):
            seq, _ = await self.storage.head(scope.company_id)
            try:
                change = Change(writes=(delete,), counts={"rings": 1})
                await self.storage.commit(scope, seq, change, commit_id=SystemIds().new_id(), at=NOON)
            except Conflict as error:
                if type(error) is not Conflict:
                    raise
                continue
            break
        self.rung.append(due.subject_id)
        if death == "after":
            raise Unavailable("the process died after its commit")

    def scheduler(self, clock: VirtualClock | None = None) -> Scheduler:
        """One process's scheduler."""
        handlers = {"incident.wake": self.ring, "incident.quiet": self.ring}
        return Scheduler(self.storage, clock or VirtualClock(NOON), SystemIds(), handlers)  # type: ignore[arg-type]  # kinds by text

    async def rings_in_logs(self, *companies: str) -> int:
        """How often the rings reached the logs."""
        records = [each for company in companies for each in await self.storage.records(company, 0)]
        return sum(each.counts.get("rings", 0) for each in records)


@pytest.fixture
def bells(storage: Storage) -> Bells:
    return Bells(storage)


async def set_timer(storage: Storage, subject: str, seconds: float = 0, company: str = "acme") -> Timer:
    made = timer("incident.wake", company, subject, plus(NOON, seconds))
    await storage.store([put("timers", made)])
    return made


async def test_a_timer_fires_at_its_instant_and_not_before(storage: Storage, bells: Bells) -> None:
    await set_timer(storage, "one", 60)
    scheduler = bells.scheduler()

    assert await scheduler.tick(plus(NOON, 59.999999)) == 0
    assert await scheduler.tick(plus(NOON, 60)) == 1
    assert await scheduler.tick(plus(NOON, 120)) == 0
    assert bells.rung == ["one"]


async def test_the_oldest_of_a_company_fires_first(storage: Storage, bells: Bells) -> None:
    for seconds in (30, 10, 20):
        await set_timer(storage, f"after {seconds}", seconds)
    await bells.scheduler().tick(plus(NOON, 60))

    assert bells.rung == ["after 10", "after 20", "after 30"]


async def test_of_many_schedulers_one_fires_each_timer(storage: Storage, bells: Bells) -> None:
    companies = [f"company-{number}" for number in range(10)]
    for company in companies:
        for number in range(3):
            await set_timer(storage, f"{company} {number}", number, company)
    schedulers = [bells.scheduler() for _ in range(4)]
    fired = await asyncio.gather(*(each.tick(plus(NOON, 60)) for each in schedulers))

    assert sum(fired) == 30
    assert sorted(bells.rung) == sorted(set(bells.rung))
    assert await bells.rings_in_logs(*companies) == 30


async def test_what_a_dead_scheduler_claimed_is_taken_over_when_its_lease_ends(storage: Storage, bells: Bells) -> None:
    await set_timer(storage, "one")
    bells.deaths = ["before"]
    dead, heir = bells.scheduler(), bells.scheduler()
    assert await dead.tick(NOON) == 0

    assert await heir.tick(plus(NOON, LEASE_SECONDS - 1)) == 0
    assert await heir.tick(plus(NOON, LEASE_SECONDS)) == 1
    assert await bells.rings_in_logs("acme") == 1
    assert dead.failed == 1


async def test_one_that_died_after_its_commit_is_not_fired_again(storage: Storage, bells: Bells) -> None:
    await set_timer(storage, "one")
    bells.deaths = ["after"]
    await bells.scheduler().tick(NOON)

    assert await bells.scheduler().tick(plus(NOON, 3600)) == 0
    assert await bells.rings_in_logs("acme") == 1


async def test_an_owner_that_slept_through_its_lease_is_fenced_off(storage: Storage, bells: Bells) -> None:
    await set_timer(storage, "one")
    sleeper = Bells(storage)
    sleeper.gate = asyncio.Event()
    slept = sleeper.scheduler()
    sleeping = asyncio.create_task(slept.tick(NOON))
    await sleeper.asleep.wait()
    assert await bells.scheduler().tick(plus(NOON, LEASE_SECONDS)) == 1
    sleeper.gate.set()

    assert await sleeping == 0
    assert slept.lost == 1
    assert await bells.rings_in_logs("acme") == 1


async def test_a_timer_whose_subject_is_gone_goes_too(storage: Storage) -> None:
    await set_timer(storage, "gone")

    async def miss(_: Scope, __: Timer) -> None:
        raise NotFound("no such incident")

    scheduler = Scheduler(storage, VirtualClock(NOON), SystemIds(), {"incident.wake": miss})
    await scheduler.tick(NOON)

    assert await storage.count(Timer, {"shard": shard_of("acme"), "subject_id": "gone"}) == 0


async def test_one_that_cannot_fire_does_not_hold_up_the_next(storage: Storage, bells: Bells) -> None:
    await set_timer(storage, "first", 0)
    await set_timer(storage, "second", 1)
    bells.deaths = ["before"]

    assert await bells.scheduler().tick(plus(NOON, 2)) == 1
    assert bells.rung == ["second"]
