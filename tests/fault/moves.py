"""Moving the database of a server that goes on being sent to: the command, the senders, and what it has told."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

import msgspec

from alertwhisperer.clock import SystemClock
from alertwhisperer.engine.retention import defaults
from alertwhisperer.ports import Storage
from alertwhisperer.schema import COLLECTIONS
from alertwhisperer.storage.transfer_fence import fence_of
from alertwhisperer.storage.transfer_state import transfer_of
from alertwhisperer.storage.urls import open_database
from tests.fault.senders import Delivery, Promises, alert_of, sender_of
from tests.support.processes import OwnedProcess
from tests.support.product import ProductServer, SeededCompany
from tests.support.served import address_of
from tests.support.wire import Wire

ARRAY: Final = 1_000
RESOLVED_FROM: Final = 10_000
"""What senders fire again is below, and stays open: a second episode of a key would look like a doubled alert."""

SENDERS: Final = (0, 2, 5, 6, 8, 10, 13, 14)
"""Of two companies: singles and arrays, with delivery ids and without."""

HOURS: Final = 7_200.0


class Outcome(msgspec.Struct, frozen=True):
    """What `db migrate --json` prints."""

    stage: str
    written: int
    failures: list[object]
    seconds: float
    comparisons: list[Compared]


class Compared(msgspec.Struct, frozen=True):
    """A collection on both sides."""

    collection: str
    agrees: bool
    source: Contents
    target: Contents


class Contents(msgspec.Struct, frozen=True):
    """What one side has of it."""

    count: int
    digest: str


async def ended(process: OwnedProcess) -> None:
    """Returns when it has ended well."""
    assert await asyncio.to_thread(lambda: process.ended(seconds=HOURS)) == 0, process.tail()


def outcome_of(process: OwnedProcess) -> Outcome:
    """What it printed last; nothing may have been left behind, and all that was compared must agree."""
    told = msgspec.json.decode(process.log.read_bytes().splitlines()[-1], type=Outcome)
    assert not told.failures
    assert [each for each in told.comparisons if not each.agrees or each.source != each.target] == []
    return told


@asynccontextmanager
async def opened(server: ProductServer) -> AsyncIterator[Storage]:
    """A server's database beside it; an empty one is made."""
    storage = open_database(address_of(server), keep_days=defaults(), clock=SystemClock(), create=True)
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()


@dataclass
class Copied:
    """A copy that was killed and gone on with: documents and seconds of both runs, and how many the first had done."""

    documents: int
    seconds: float
    before_kill: int


@dataclass
class Switched:
    """Documents that were compared, and how long writers waited for it."""

    documents: int
    wait_seconds: float


@dataclass
class Move:
    """From one server's database to the other's. Its commands end with the block."""

    old: ProductServer
    new: ProductServer
    commands: list[OwnedProcess] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.commands:
            each.stop()

    def start(self, *options: str) -> OwnedProcess:
        """`db migrate` with these options."""
        command = [sys.executable, "-m", "alertwhisperer.cli.main", "db", "migrate", *options]
        addresses = ["--from", address_of(self.old), "--to", address_of(self.new)]
        name = f"migrate-{len(self.commands)}"
        self.commands.append(OwnedProcess([*command, *addresses], self.old.folder, name, self.old.process.env))
        self.commands[-1].start()
        return self.commands[-1]

    async def copy_through_a_kill(self, documents: int) -> Copied:
        """Copy, and be killed when half of so many documents are there; then the same again, to its end."""
        async with opened(self.new) as target:
            first = self.start("--json")
            await until(first, lambda: has_copied(target, 0))
            began = time.monotonic()
            await until(first, lambda: has_copied(target, documents // 2))
            first.kill()
            took, state = time.monotonic() - began, await transfer_of(target)
        assert state is not None
        assert state.stage == "copying"
        before = sum(state.copied.values())
        again = self.start("--json")
        await ended(again)
        told = outcome_of(again)
        assert told.stage == "following"
        return Copied(before + told.written, took + told.seconds, before)

    async def switch(self) -> Switched:
        """Fence, verify and hand over; then the old server is stopped, and the new one takes its port.

        The command goes on, as the way back.
        """
        async with opened(self.old) as source:
            moving = self.start("--switch", "--json")
            await until(moving, lambda: is_fenced(source))
            fenced = time.monotonic()
            await until(moving, lambda: has_told(moving))
            waited = time.monotonic() - fenced
        told = outcome_of(moving)
        assert told.stage == "switched"
        await hand_over(self.old, self.new)
        return Switched(sum(each.target.count for each in told.comparisons), waited)

    async def finish(self) -> None:
        """End the way back."""
        following = self.commands[-1]
        await ended(self.start("--finish"))
        await ended(following)

    async def give_back(self) -> Switched:
        """Give everything back, beside the command that keeps the way back; the old server takes its port again."""
        following = self.commands[-1]
        assert following.running, following.tail()
        async with opened(self.new) as source:
            moving = self.start("--back", "--json")
            await until(moving, lambda: is_fenced(source))
            fenced = time.monotonic()
            await ended(moving)
            waited = time.monotonic() - fenced
        told = outcome_of(moving)
        assert told.stage == "returned"
        await ended(following)
        await hand_over(self.new, self.old)
        return Switched(sum(each.target.count for each in told.comparisons), waited)


async def hand_over(from_: ProductServer, to: ProductServer) -> None:
    """One server ends, and the other takes its port."""
    await asyncio.to_thread(from_.stop)
    await asyncio.to_thread(lambda: to.start(seconds=120))


async def has_copied(target: Storage, count: int) -> bool:
    state = await transfer_of(target)
    return state is not None and sum(state.copied.values()) >= count


async def is_fenced(storage: Storage) -> bool:
    return await fence_of(storage) is not None


async def has_told(process: OwnedProcess) -> bool:
    return b'"comparisons"' in process.log.read_bytes()


async def until(process: OwnedProcess, ready: Callable[[], Awaitable[bool]]) -> None:
    """Returns when it is so; the process must go on until then."""
    while not await ready():
        assert process.running, process.tail()
        await asyncio.sleep(0.05)


async def fill(server: ProductServer, companies: Sequence[SeededCompany], promises: Promises, documents: int) -> None:
    """Send arrays of alerts of every company, and of some that they are over, until so many documents are stored."""
    wire = Wire(server.port)
    async with opened(server) as storage:
        for turn in itertools.count():
            if sum([await storage.count_documents(each.name, {}) for each in COLLECTIONS]) >= documents:
                break
            keys = tuple(f"once-{turn * ARRAY + number}" for number in range(ARRAY))
            delivery = Delivery(companies[turn % len(companies)], keys, f"fill-{turn}")
            promises.keep(delivery, await _posted(wire, delivery, delivery.body()))
            if turn * ARRAY >= RESOLVED_FROM and turn % 3 == 0:
                over = [{**alert_of(key), "status": "resolved"} for key in keys]
                await _posted(wire, Delivery(delivery.company, keys, f"over-{turn}"), msgspec.json.encode(over))
    wire.close()


async def _posted(wire: Wire, delivery: Delivery, body: bytes) -> bytes:
    status, answer = await wire.post("/api/webhooks/alerts", body, delivery.headers())
    assert status == 200, answer
    return answer


@asynccontextmanager
async def sending(
    server: ProductServer, companies: Sequence[SeededCompany], promises: Promises, wave: int, rest_seconds: float
) -> AsyncIterator[None]:
    """Senders at a server's port, whoever serves there, as long as the block lasts."""
    stop = asyncio.Event()
    senders = [sender_of(number, companies, server.port, promises, wave) for number in SENDERS]
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            sender.rest_seconds = rest_seconds
            group.create_task(sender.run(stop))
        yield
        stop.set()
