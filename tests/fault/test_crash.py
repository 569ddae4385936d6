"""kill -9 under load: what was promised is there once, and nobody who listens misses anything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Sequence

import httpx
import pytest

from tests.fault.invariants import (
    alerts_of,
    assert_company_whole,
    assert_no_gap,
    assert_reader_knows_truth,
    incidents_of,
    replayed,
)
from tests.fault.senders import Promises, sender_of
from tests.support.product import ProductServer, SeededCompany, lift_rate_limit
from tests.support.reader import LiveReader, head_of

CRASHES = os.environ.get("ALERTWHISPERER_CRASHES")
FEW = {"sqlite": 3, "mongodb": 2, "dynamodb": 1}
SEED = int(os.environ.get("ALERTWHISPERER_CRASH_SEED", "1"))
SENDERS = 64


async def send_through_crashes(
    server: ProductServer, companies: Sequence[SeededCompany], promises: Promises, crashes: int
) -> None:
    """64 senders; the server is killed at random instants and started again beneath them."""
    chance, stop = random.Random(SEED), asyncio.Event()
    senders = [sender_of(n, companies, server.port, promises, SEED) for n in range(SENDERS)]
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.run(stop))
        for _ in range(crashes):
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            server.kill()
            await asyncio.to_thread(server.start)
        await asyncio.sleep(0.5)
        stop.set()


async def until_quiet(client: httpx.Client, readers: Sequence[LiveReader]) -> None:
    """Waits until each reader has the newest stored frame of its company."""
    for reader in readers:
        stored, _ = await asyncio.to_thread(replayed, client, reader.company_id, reader.after)
        await reader.wait_until_at(stored[-1].id, seconds=60)


@pytest.mark.real
@pytest.mark.timeout(150 + 15 * int(CRASHES or 3))
async def test_what_was_acked_is_there_once_however_often_the_server_is_killed(
    server: ProductServer, engine: str
) -> None:
    seed = await asyncio.to_thread(server.seed)
    await asyncio.to_thread(server.start)
    companies, promises = seed.companies, Promises()
    with server.signed_in(seed.admin) as client:
        for company in companies:
            lift_rate_limit(client, company)
        token = str(client.headers["Authorization"]).removeprefix("Bearer ")
        async with contextlib.AsyncExitStack() as stack:
            readers = [
                await stack.enter_async_context(LiveReader(server.port, c.id, token, head_of(client, c.id)))
                for c in companies
            ]
            async with asyncio.timeout(15):
                await asyncio.gather(*(reader.wait_until_greeted() for reader in readers))
            await send_through_crashes(server, companies, promises, int(CRASHES or FEW[engine]))
            await until_quiet(client, readers)
            assert all(reader.hellos > 1 for reader in readers)
            assert not any(reader.resyncs for reader in readers)
        assert promises.repeated
        for reader in readers:
            check_company(client, reader, promises)


def check_company(client: httpx.Client, reader: LiveReader, promises: Promises) -> None:
    alerts = alerts_of(client, reader.company_id)
    assert_company_whole(client, reader.company_id, promises, alerts, incidents_of(client, reader.company_id))
    assert_no_gap(reader.frames, *replayed(client, reader.company_id, reader.after))
    assert_reader_knows_truth(reader.frames, alerts)
