"""Several processes on one database: each reader hears what all of them commit, once, over every reconnection."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from alertwhisperer.clock import SystemClock, SystemIds
from alertwhisperer.domain.errors import Unauthenticated
from alertwhisperer.domain.event import Cursor, read_cursor
from alertwhisperer.domain.scope import Actor, Scopes
from alertwhisperer.live.feed import POLL_SECONDS, Feed
from alertwhisperer.live.hub import Hub
from alertwhisperer.live.parcels import WHOLE_RECORD
from alertwhisperer.live.tickets import Tickets
from alertwhisperer.ports import Storage
from tests.live.committer import commit
from tests.live.stage import ACME, ADA, GLOBEX, RIO, VIC, Listener
from tests.support.engines import Engine

COUNT = 60
RECORDS = 3 * COUNT


@asynccontextmanager
async def opened(engine: Engine) -> AsyncIterator[tuple[Storage, Hub]]:
    storage = await engine.open()
    feed = Feed(storage)
    try:
        yield storage, Hub(storage, feed, SystemClock())
    finally:
        await feed.close()


async def start(engine: Engine, company_id: str, name: str) -> asyncio.subprocess.Process:
    words = ("-m", "tests.live.committer", engine.url, company_id, name, str(COUNT))
    return await asyncio.create_subprocess_exec(sys.executable, *words, env={**os.environ, "PYTHONPATH": "src:."})


async def reach_the_end(listener: Listener, last: Cursor) -> None:
    async with asyncio.timeout(20):
        while ((read_cursor(listener.ids[-1]) if listener.ids else last) or last).seq < RECORDS:
            await asyncio.sleep(0.05)


async def read_on(hub: Hub, actor: Actor, done: asyncio.Event, chance: random.Random) -> list[str]:
    """Read Acme's stream until all is said, hanging up and resuming at random moments."""
    heard: list[str] = []
    last = Cursor(ACME, 0, WHOLE_RECORD)
    while True:
        over = done.is_set()
        listener = Listener(await hub.subscribe(Scopes((ACME,), actor), [last]))
        await asyncio.sleep(1.0 if over else chance.random() * 0.2)
        if over:  # Where nothing rings, the feed looks every two seconds.
            await reach_the_end(listener, last)
        await listener.leave()
        assert "resync" not in listener.kinds
        heard += listener.ids
        last = read_cursor(heard[-1]) or last if heard else last
        if over:
            return heard


@pytest.mark.slow_on("dynamodb")
async def test_readers_in_one_process_hear_the_commits_of_three(engine: Engine) -> None:
    chance = random.Random(20261121)
    async with opened(engine) as (storage, hub):
        done = asyncio.Event()
        readers = [asyncio.create_task(read_on(hub, actor, done, chance)) for actor in (ADA, RIO, VIC)]
        others = [await start(engine, ACME, name) for name in ("one", "two")]
        beside = await start(engine, GLOBEX, "beside")
        for n in range(COUNT):
            await commit(storage, ACME, f"here {n}")
        assert [await other.wait() for other in (*others, beside)] == [0, 0, 0]
        done.set()
        told = await asyncio.gather(*readers)
    everything = [f"{ACME}:{seq}:{n}" for seq in range(1, RECORDS + 1) for n in (0, 1)]
    assert told == [everything, everything, everything[::2]]


@pytest.mark.parametrize("engine", ["mongodb", "sqlite"], indirect=True)
async def test_a_commit_elsewhere_rings_before_anybody_looks(engine: Engine) -> None:
    async with opened(engine) as (_, hub), opened(engine) as (elsewhere, _):
        listener = Listener(await hub.subscribe(Scopes((ACME,), ADA)))
        delays: list[float] = []
        for n in range(20):
            await commit(elsewhere, ACME, str(n))
            began = asyncio.get_running_loop().time()
            while len(listener.heard) < 2 * (n + 1):
                await asyncio.sleep(0.001)
            delays.append(asyncio.get_running_loop().time() - began)
            await asyncio.sleep(0.12)
        await listener.leave()
    assert sorted(delays)[len(delays) // 2] < POLL_SECONDS / 4


async def test_a_ticket_is_redeemed_in_one_of_two_processes(engine: Engine) -> None:
    async with opened(engine) as (here, _), opened(engine) as (there, _):
        offices = [Tickets("a secret", storage, SystemClock(), SystemIds()) for storage in (here, there)]
        for _ in range(5):
            ticket, _ = offices[0].issue("session-of-rio")
            ends = await asyncio.gather(*(office.redeem(ticket) for office in offices), return_exceptions=True)
            assert ends.count("session-of-rio") == 1
            assert sum(isinstance(end, Unauthenticated) for end in ends) == 1
