"""Each delivery is stored once, in the log or beside it, and read once in its order wherever it lies by then."""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from alertwhisperer.domain.change import Change, Put
from alertwhisperer.domain.delivery import RIDE_AT_MOST, Delivery, Intake
from alertwhisperer.domain.errors import OutcomeUnknown
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.engine import deliveries
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.deliveries import received
from alertwhisperer.engine.retention import DAY_SECONDS, Retention, defaults
from alertwhisperer.live.channel import Channel
from alertwhisperer.live.parcels import resync
from alertwhisperer.ports import Limits, Storage
from alertwhisperer.storage.codec import encode
from tests.support.cast import ACME, GLOBEX
from tests.support.logbook import DyingStorage
from tests.support.world import FOR_EVER, World

HERE = Scope(ACME, SYSTEM)
ALL = {"company_id": ACME}
LARGE = "it broke " * 250
assert len(LARGE) > RIDE_AT_MOST


def retention(world: World, storage: Storage | None = None) -> Retention:
    counters, audit = Counters(world.storage), Audit(world.storage, world.clock, b"k" * 32)
    return Retention(storage or world.storage, world.clock, counters, audit, defaults())


async def sent(world: World, messages: Iterable[str]) -> None:
    """Each in a commit of its own, a minute apart; those that say so are large."""
    for each in messages:
        await world.fire(asset=each, message=LARGE if each.startswith("large") else "it broke")
        world.clock.advance(60)


def named(found: Iterable[Delivery]) -> list[str]:
    return [json.loads(each.body)["asset_name"] for each in found]


async def stored(world: World) -> list[str]:
    return named(await world.received())


async def riding(world: World) -> list[str]:
    return named([each for record in await world.storage.records(ACME, 0) for each in record.deliveries])


MIXED = ["a", "b", "large-1", "large-2", "c", "d", "large-3", "e"]


async def test_calm_deliveries_ride_in_their_record(world: World) -> None:
    await sent(world, ["a", "b"])
    assert await riding(world) == ["a", "b"]
    assert await world.storage.count(Intake, ALL) == 0
    assert [each for each in (await world.storage.records(ACME, 0))[-1].touched if each[0] == "deliveries"] == []


async def test_those_of_a_storm_are_a_document_beside_it(world: World) -> None:
    size = world.runner.batch_at_most
    alerts = [{"asset_name": f"h{n}", "signature": "s", "message": "m" * 200} for n in range(size)]
    await world.post(*alerts)
    [intake] = await world.storage.select(Intake, ALL)
    record = (await world.storage.records(ACME, 0))[-1]
    assert ("deliveries", intake.id) in record.touched
    assert record.deliveries == []
    assert intake.records == [(record.seq, 1)]
    assert await world.received() == intake.deliveries
    assert json.loads(intake.deliveries[0].body) == alerts


@pytest.mark.parametrize(("more", "rides"), [(0, True), (1, False)])
async def test_the_border_is_of_bytes_and_of_all_in_the_commit(world: World, *, more: int, rides: bool) -> None:
    plain = json.dumps({"asset_name": "a", "signature": "s", "message": "é"}, ensure_ascii=False)
    body = plain.encode() + b" " * (RIDE_AT_MOST - len(plain.encode()) + more)
    await world.ingest.receive(world.request(body))
    assert await riding(world) == (["a"] if rides else [])
    assert await stored(world) == ["a"]


def test_a_record_without_deliveries_does_not_mention_them() -> None:
    bare = Record(company_id=ACME, seq=1, commit_id="c", at=FOR_EVER[0], actor=SYSTEM)
    assert b"deliveries" not in encode(bare)


async def test_a_sweep_archives_each_once_and_in_order(world: World) -> None:
    await sent(world, MIXED)
    await world.fire("g", company=GLOBEX)
    world.clock.advance(3 * DAY_SECONDS)
    for _ in range(2):
        await retention(world).sweep(HERE)
        assert await world.storage.count(Record, ALL) == 0
        assert await stored(world) == MIXED
        # One of a and b, one of c and d, one of e, and each large one as it was.
        assert await world.storage.count(Intake, ALL) == 6
    assert named(await world.received(GLOBEX)) == ["g"]


class Narrow(DyingStorage):
    """So that a sweep takes several transactions on every engine."""

    limits = Limits(writes=4)


@pytest.mark.parametrize("death", ["before", "after"])
async def test_a_sweep_that_is_cut_off_loses_and_doubles_nothing(world: World, death: str) -> None:
    await sent(world, MIXED)
    world.clock.advance(3 * DAY_SECONDS)
    deaths = 0
    while await riding(world):
        narrow: Any = Narrow(world.storage, ["", death] if deaths % 2 else [death])
        try:
            await retention(world, narrow).sweep(HERE)
        except OutcomeUnknown:
            deaths += 1
        assert await stored(world) == MIXED
        archived = [one for each in await world.storage.select(Intake, ALL) for one in each.deliveries]
        assert len(archived) + len(await riding(world)) == len(MIXED)
    assert deaths > 2


async def test_of_two_that_sweep_the_same_one_gives_way(world: World) -> None:
    await sent(world, MIXED)
    world.clock.advance(3 * DAY_SECONDS)
    late = Interrupted(world.storage)
    late.at(2, lambda: retention(world).sweep(HERE), before="store")
    await retention(world, late.storage).sweep(HERE)
    assert late.happened
    assert await stored(world) == MIXED
    assert await world.storage.count(Intake, ALL) == 6


class Interrupted:
    """A storage on which something happens just before one of its calls."""

    def __init__(self, storage: Storage) -> None:
        self.storage: Any = self
        self.happened = False
        self._storage = storage
        self._calls = 0
        self._at = 0
        self._named = ""
        self._act: Callable[[], Awaitable[None]] | None = None

    def at(self, call: int, act: Callable[[], Awaitable[None]], *, before: str = "") -> None:
        """Do this before call number `call` (from 1) of the method `before`, or of any that reads."""
        self._calls, self._at, self._act, self._named = 0, call, act, before

    def __getattr__(self, name: str) -> Any:
        called = getattr(self._storage, name)
        if name not in ({self._named} if self._named else {"head", "records", "select", "get_many"}):
            return called

        async def call(*args: Any, **named: Any) -> Any:
            self._calls += 1
            if self._calls == self._at and self._act is not None:
                self.happened = True
                await self._act()
            return await called(*args, **named)

        return call


@pytest.mark.slow_on("dynamodb")
async def test_who_reads_while_a_sweep_archives_meets_each_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_RECORDS", 3)
    monkeypatch.setattr(deliveries, "_INTAKES", 2)
    expected: list[str] = []
    call, interrupted = 0, True
    while interrupted:
        call += 1
        more = [f"{each}-{call}" for each in MIXED]
        await sent(world, more)
        expected += more
        world.clock.advance(2.5 * DAY_SECONDS if call % 2 else 3600)
        reader = Interrupted(world.storage)
        reader.at(call, lambda: retention(world).sweep(HERE))
        found = [each async for each in received(HERE, reader.storage, *FOR_EVER)]
        assert named(found) == expected
        interrupted = reader.happened
        assert await stored(world) == expected
        if call == 10:
            break
    assert call > 5


@pytest.mark.parametrize("read", [1, 3, 6])
async def test_a_sweep_behind_the_readers_back_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, read: int
) -> None:
    """The archive's document then begins with what was read and goes on with what was not."""
    monkeypatch.setattr(deliveries, "_RECORDS", 1)
    await sent(world, MIXED)
    world.clock.advance(3 * DAY_SECONDS)
    reading = received(HERE, world.storage, *FOR_EVER)
    found = [await anext(reading) for _ in range(read)]
    await retention(world).sweep(HERE)
    assert await riding(world) == []
    found += [each async for each in reading]
    assert named(found) == MIXED


async def test_a_reader_may_ask_for_a_part_of_the_time(world: World) -> None:
    await sent(world, MIXED)
    whole = await world.received()
    since, until = whole[1].received_at, whole[5].received_at
    for _ in range(2):
        found = [each async for each in received(HERE, world.storage, since, until)]
        assert named(found) == MIXED[1:5]
        world.clock.advance(3 * DAY_SECONDS)
        await retention(world).sweep(HERE)


async def test_what_was_stored_before_anything_rode_comes_first_and_once(world: World) -> None:
    at = world.clock.now()
    one = Delivery(id="", source="alerts", received_at=at, body='{"asset_name": "old"}', dispositions=["grouped"])
    old = Intake(company_id=ACME, id=world.ids.new_id(), received_at=at, deliveries=[one])
    assert b"records" not in encode(old)
    seq, _ = await world.storage.head(ACME)
    await world.storage.commit(HERE, seq, Change(writes=(Put("deliveries", old),)), commit_id="old", at=at)
    world.restart()
    await sent(world, ["a", "large-1"])
    assert await stored(world) == ["old", "a", "large-1"]
    world.clock.advance(3 * DAY_SECONDS)
    await retention(world).sweep(HERE)
    assert await stored(world) == ["old", "a", "large-1"]


async def test_what_rode_for_longer_than_deliveries_are_kept_is_not_archived(world: World) -> None:
    await sent(world, ["a", "b"])
    world.clock.advance(20 * DAY_SECONDS)
    await sent(world, ["c"])
    world.clock.advance(15 * DAY_SECONDS)
    await retention(world).sweep(HERE)
    assert await stored(world) == ["c"]
    assert await world.storage.count(Record, ALL) == 0


async def test_the_archive_has_a_document_of_each_day_since_it_goes_whole(world: World) -> None:
    for each in ("a", "b"):
        await sent(world, [each])
        world.clock.advance(DAY_SECONDS)
    world.clock.advance(2 * DAY_SECONDS)
    await retention(world).sweep(HERE)
    assert [len(each.deliveries) for each in await world.storage.select(Intake, ALL)] == [1, 1]
    assert await stored(world) == ["a", "b"]


async def test_a_company_without_a_log_has_received_nothing(world: World) -> None:
    assert await world.received("nobody") == []


def test_who_listens_in_this_process_does_not_keep_the_bodies(storage: Storage) -> None:
    body = "".join(["it ", "broke"])
    held = sys.getrefcount(body)
    one = Delivery(id="", source="alerts", received_at=FOR_EVER[0], body=body)
    record = Record(company_id=ACME, seq=1, commit_id="c", at=FOR_EVER[0], actor=SYSTEM, deliveries=[one])
    counters = Counters(storage)
    channel = Channel(ACME, lambda event: event.data, lambda company, seq: resync(company, seq, FOR_EVER[0]))
    counters.note(record)
    channel.tell(record)
    assert sys.getrefcount(body) > held
    del one, record
    assert sys.getrefcount(body) == held
    assert counters.lag == channel.seq == 1
