"""What the product writes to DynamoDB for an alert, in AWS's units.

The real engine runs on DynamoDB Local; each request is billed by our calculator at the edge where it leaves.
`python -m benchmarks.cost` keeps what it measures in `costs.json`, from which docs/costs.md is rendered (`make fix`).
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.scope import SYSTEM, Scope, Scopes
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import THRIFTY, Counters
from alertwhisperer.engine.retention import DAY_SECONDS, Retention, defaults
from alertwhisperer.house import build
from alertwhisperer.live.feed import Feed
from alertwhisperer.live.hub import Hub
from alertwhisperer.settings import Settings, load_settings
from benchmarks.alerts import LoadAlert
from benchmarks.cost_figures import Figures, Idle, WriteSet, save
from benchmarks.dynamodb_meter import MeteredDynamoDB
from benchmarks.report import Cell, Report, Table
from tests.support.cast import ACME, ADA
from tests.support.dynamodb_local import running
from tests.support.world import World

Document = dict[str, object]

CALM: Final = 24
"""Alerts of a calm kind of traffic."""

SPACING_SECONDS: Final = 300
STORM: Final = 440
ARRAY: Final = 220
"""Alerts of a storm, in arrays a second apart: about what one partition of DynamoDB takes of one company."""

CALM_GOAL: Final = 12.0
STORM_GOAL: Final = 4.0
REPEAT_GOAL: Final = 1.0
ID_GOAL: Final = 2.0
"""Units an alert, and what a delivery id may add."""

HOUR_SECONDS: Final = 3_600
WATCHED_SECONDS: Final = 20
SETTLED_SECONDS: Final = 8
STEADY_SECONDS: Final = 65
"""After this a feed looks at every log once a minute, no more often; until then it has looked six times."""

_prefixes: Final = count(1)


class SeededIds:
    """Ids like the product's own, but the same on each run: compression meets what it meets in earnest."""

    def __init__(self) -> None:
        self._bits = random.Random(7).getrandbits
        self._millisecond = 0x019B_8D0C_0000

    def new_id(self) -> str:
        self._millisecond += 1
        head, tail = f"{self._millisecond:012x}", f"{self._bits(62) | 0x8000_0000_0000_0000:016x}"
        return f"{head[:8]}-{head[8:]}-7{self._bits(12):03x}-{tail[:4]}-{tail[4:]}"


class Site:
    """Acme on DynamoDB, with a meter: alerts come in by the real engine, counters are folded as the product does it."""

    def __init__(self, storage: MeteredDynamoDB, clock: VirtualClock) -> None:
        self.storage = storage
        self.clock = clock
        self.world = World(storage, clock, SeededIds())
        self.counters = Counters(storage, THRIFTY)
        storage.on_commit(self.counters.note)

    async def post(self, *documents: Document, delivery: str | None = None) -> None:
        await self.world.post(*documents, delivery=delivery)

    async def wait(self, seconds: int = SPACING_SECONDS) -> None:
        """Time passes; the folder takes a turn each second."""
        self.clock.advance(seconds)
        for _ in range(seconds):
            await self.counters.fold_due()

    async def forget(self) -> None:
        """Years pass, and retention lets go of all that has ended, step by step."""
        audit = Audit(self.storage, self.clock, b"k" * 32)
        retention = Retention(self.storage, self.clock, self.counters, audit, defaults())
        for days in (3, 91, 731):
            self.clock.advance(days * DAY_SECONDS)
            await retention.sweep(Scope(ACME, SYSTEM))


Traffic = Callable[[Site], Awaitable[None]]


async def nothing(_: Site) -> None:
    """Nothing has to be there before."""


@dataclass(frozen=True)
class Kind:
    """A kind of traffic: `before` prepares, `traffic` is billed, as that of `alerts` alerts."""

    name: str
    title: str
    alerts: int
    traffic: Traffic
    before: Traffic = nothing
    goal: float | None = None


# ---------------------------------------------------------------- calm


def own(name: str, number: int, signature: int = 0) -> Document:
    """An alert of an asset of its own."""
    return LoadAlert(number, number * 5 + signature, name).document()


def same(name: str, number: int, incidents: int = 1) -> Document:
    """One of many alerts of so many incidents, five to an asset."""
    return LoadAlert(number, number % incidents, name).document()


def ended(document: Document) -> Document:
    return {**document, "status": "resolved"}


async def assets_known(site: Site, name: str) -> None:
    """Each asset has had an alert of another kind, which is over."""
    others = [own(name, number, signature=1) for number in range(CALM)]
    await site.post(*others)
    await site.post(*map(ended, others))
    await site.wait(HOUR_SECONDS)


async def assets_known_since_yesterday(site: Site, name: str) -> None:
    await assets_known(site, name)
    site.clock.advance(DAY_SECONDS)


async def all_open(site: Site, name: str) -> None:
    await site.post(*(own(name, number) for number in range(CALM)))
    await site.wait(HOUR_SECONDS)


async def one_open(site: Site, name: str) -> None:
    await site.post(own(name, 0))
    await site.wait()


async def opening(site: Site, name: str, *, with_id: bool = False) -> None:
    for number in range(CALM):
        await site.post(own(name, number), delivery=f"{name}-{number}" if with_id else None)
        await site.wait()


async def joining(site: Site, name: str) -> None:
    for number in range(1, CALM + 1):
        await site.post(same(name, number))
        await site.wait()


async def repeating(site: Site, name: str) -> None:
    for _ in range(CALM):
        await site.post(own(name, 0))
        await site.wait()


async def ending(site: Site, name: str) -> None:
    for number in range(CALM):
        await site.post(ended(own(name, number)))
        await site.wait()


async def all_over(site: Site, name: str) -> None:
    """Half opened incidents of their own, half joined one. Each was resolved."""
    documents = [own(name, n) if n % 2 else same(f"{name}-joined", n) for n in range(CALM)]
    for document in (*documents, *map(ended, documents)):
        await site.post(document)
        await site.wait()


async def forgetting(site: Site) -> None:
    await site.forget()


# ---------------------------------------------------------------- storms


async def storm(site: Site, name: str, incidents: int, distinct: int | None = None) -> None:
    """Arrays of so many distinct alerts in turn, by default each another."""
    for start in range(0, STORM, ARRAY):
        numbers = range(start, start + ARRAY)
        await site.post(*(same(name, n % (distinct or STORM), incidents) for n in numbers))
        await site.wait(1)
    await site.wait(HOUR_SECONDS)


async def incidents_open(site: Site, name: str, incidents: int) -> None:
    await site.post(*(same(name, number, incidents) for number in range(incidents)))
    await site.wait(HOUR_SECONDS // 6)


async def singly(site: Site, name: str, *, with_id: bool = False) -> None:
    """All at once, each in a delivery of its own."""
    posts = (site.post(same(name, n, 20), delivery=f"{name}-{n}" if with_id else None) for n in range(ARRAY))
    await asyncio.gather(*posts)
    await site.wait(HOUR_SECONDS)


async def to_the_last_count(site: Site, traffic: Traffic) -> None:
    """And wait until all of it is counted."""
    await traffic(site)
    await site.wait(HOUR_SECONDS)


def _calm(
    name: str,
    title: str,
    traffic: Callable[..., Awaitable[None]],
    before: Callable[..., Awaitable[None]],
    goal: float | None = None,
) -> Kind:
    billed = partial(to_the_last_count, traffic=partial(traffic, name=name))
    return Kind(name, title, CALM, billed, partial(before, name=name), goal)


def _storm(name: str, title: str, incidents: int, *, distinct: int | None = None) -> Kind:
    """Of `distinct` alerts, which are open before, all are repeats; without, none is."""
    goal = STORM_GOAL if distinct is None else REPEAT_GOAL
    traffic = partial(storm, name=name, incidents=incidents, distinct=distinct)
    before = partial(incidents_open, name=name, incidents=incidents) if distinct else nothing
    return Kind(name, title, STORM, traffic, before, goal)


KINDS: Final = (
    _calm("opens", "calm: opens an incident", opening, assets_known, CALM_GOAL),
    _calm(
        "opens_id", "the same, with a delivery id", partial(opening, with_id=True), assets_known, CALM_GOAL + ID_GOAL
    ),
    _calm("opens_day", "the same, its asset's first of the day", opening, assets_known_since_yesterday),
    _calm("joins", "calm: joins an incident", joining, one_open, CALM_GOAL),
    _calm("repeats", "calm: fires again", repeating, one_open, CALM_GOAL),
    _calm("ends", "calm: is resolved, and its incident", ending, all_open),
    _storm("storm_one", "storm: distinct alerts of one incident", 1),
    _storm("storm_some", "storm: distinct alerts of 20 incidents", 20),
    _storm("storm_own", "storm: each opens an incident", STORM),
    Kind("storm_single", "storm: 20 incidents, an alert a delivery", ARRAY, partial(singly, name="storm_single")),
    Kind("storm_id", "the same, with delivery ids", ARRAY, partial(singly, name="storm_id", with_id=True)),
    _storm("storm_repeats", "storm: repeats of one alert", 1, distinct=1),
    _storm("storm_repeats_some", "storm: repeats of 8 alerts in turn", 8, distinct=8),
)
FORGOTTEN: Final = Kind(
    "forgotten", "later: retention lets go of it", CALM, forgetting, partial(all_over, name="forgotten")
)
"""Alone in its database."""


async def bill(site: Site, kind: Kind) -> WriteSet:
    """What a kind of traffic costs an alert."""
    meter = site.storage.meter
    await kind.before(site)
    await site.counters.fold(Scope(ACME, SYSTEM))
    meter.reset()
    stored = meter.stored.copy()
    await kind.traffic(site)
    return WriteSet(
        name=kind.name,
        title=kind.title,
        alerts=kind.alerts,
        transactions=meter.transactions,
        written={item: round(units / kind.alerts, 3) for item, units in sorted(meter.written.items())},
        read=round(sum(meter.read.values()) / kind.alerts, 3),
        stored={table: round((now - stored[table]) / kind.alerts) for table, now in sorted(meter.stored.items())},
        goal=kind.goal,
    )


@asynccontextmanager
async def metered(url: str, clock: VirtualClock) -> AsyncIterator[MeteredDynamoDB]:
    """Empty tables, with a meter."""
    prefix = f"Cost{next(_prefixes)}_"
    storage = MeteredDynamoDB(endpoint_url=url, table_prefix=prefix, clock=clock, keep_days=defaults())
    await storage.create_tables(protected=False, expiry=False)
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()


async def write_sets(url: str) -> list[WriteSet]:
    """Every kind of traffic, one after the other."""
    return [*await _billed(url, KINDS), *await _billed(url, [FORGOTTEN])]


async def _billed(url: str, kinds: Sequence[Kind]) -> list[WriteSet]:
    clock = VirtualClock()
    async with metered(url, clock) as storage:
        site = Site(storage, clock)
        await site.world.found()
        found = [await bill(site, kind) for kind in kinds]
        await site.world.runner.close()
        return found


# ---------------------------------------------------------------- idle


async def idle(url: str, companies: int) -> list[Idle]:
    """An hour's reads: of live updates without a browser and with one, and of all else that a process does."""
    clock = VirtualClock()
    async with metered(url, clock) as storage:
        await _found(World(storage, clock, SeededIds()), companies)
        feed = Feed(storage)
        hub = Hub(storage, feed, clock)
        await asyncio.sleep(SETTLED_SECONDS)
        nobody = await _hour(storage)
        subscription = await hub.subscribe(Scopes(tuple(map(_name, range(companies))), ADA))
        await asyncio.sleep(STEADY_SECONDS)
        somebody = await _hour(storage, 2 * storage.look_every_seconds)
        subscription.close()
        await feed.close()
        house = build(_settings(), clock, storage=storage)
        house.rounds.start()
        # The first turn of the folder passes over all companies, as it does once an hour.
        await asyncio.sleep(SETTLED_SECONDS)
        rounds = await _hour(storage)
        await house.rounds.stop()
    return [
        Idle(title="live updates, no browser open", companies=companies, read=nobody),
        Idle(title="live updates, browsers open", companies=companies, read=somebody),
        Idle(title="timers and counters", companies=companies, read=rounds),
    ]


def _settings() -> Settings:
    key = b64encode(bytes(32)).decode()
    return load_settings(database_type="dynamodb", jwt_secret="s" * 40, encryption_keys=f"k1:{key}", audit_key=key)


async def _hour(storage: MeteredDynamoDB, watched: float = WATCHED_SECONDS) -> float:
    """Units read in an hour, as some seconds of it let expect."""
    storage.meter.reset()
    await asyncio.sleep(watched)
    return round(sum(storage.meter.read.values()) * HOUR_SECONDS / watched, -2)


def _name(number: int) -> str:
    return f"company-{number:04d}"


async def _found(world: World, companies: int) -> None:
    for number in range(companies):
        await world.found_one(_name(number))
    await world.runner.close()


async def idles(url: str) -> list[Idle]:
    """For a few companies, and for many."""
    return [each for companies in (1, 100) for each in await idle(url, companies)]


# ---------------------------------------------------------------- report


@contextmanager
def local() -> Iterator[str]:
    """The address of a DynamoDB Local of its own."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    with tempfile.TemporaryDirectory(prefix="bench-cost-") as folder, running(Path(folder)) as server:
        yield server.url


def measure() -> Figures:
    """All figures, from DynamoDB Local."""
    with local() as url:
        return Figures(write_sets=asyncio.run(write_sets(url)), idle=asyncio.run(idles(url)))


def totals(figures: Figures) -> Table:
    table = Table("Write units an alert", ["traffic", "alerts", "transactions", "written", "goal", "over", "read"])
    for each in figures.write_sets:
        over = None if each.goal is None else max(each.total - each.goal, 0.0)
        table.add(each.title, each.alerts, each.transactions, each.total, each.goal, over, each.read)
    return table


def by_item(figures: Figures) -> Table:
    items = sorted({item for each in figures.write_sets for item in each.written})
    table = Table("By item and index", ["", *(each.name for each in figures.write_sets)])
    for item in items:
        units: list[Cell] = [each.written.get(item) for each in figures.write_sets]
        table.add(item, *units)
    return table


def idle_table(figures: Figures) -> Table:
    table = Table("Read units an hour of a process while nothing happens", ["what", "companies", "units"])
    for each in figures.idle:
        table.add(each.title, each.companies, each.read)
    return table


def run(*, long: bool, say: Callable[[str], object] = sys.stdout.write) -> Report:  # noqa: ARG001  (there is no long version)
    """The whole report."""
    figures = measure()
    source = "real write sets on DynamoDB Local, billed by AWS's published rules; nothing ran on AWS"
    report = Report("Cost on DynamoDB", {"units": source})
    report.tables += [totals(figures), by_item(figures), idle_table(figures)]
    say("\n".join([report.head(), *(table.markdown() for table in report.tables)]) + "\n")
    return report


if __name__ == "__main__":
    save(measure())
