"""The primary of the replica set is killed in the middle of ingest: nothing acknowledged is lost, nobody misses any."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.fault.invariants import assert_no_gap, replayed
from tests.fault.senders import Promises, sender_of
from tests.fault.test_crash import check_company, until_quiet
from tests.support.mongod import MongoSet, running
from tests.support.product import ProductServer, Seed, lift_rate_limit
from tests.support.reader import LiveReader, head_of
from tests.support.served import SECRETS

SEED: Final = 1
SENDERS: Final = 32

pytestmark = pytest.mark.real


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[MongoSet]:
    """A replica set of three."""
    with running(tmp_path / "mongodb", size=3) as made:
        yield made


@pytest.fixture
def pair(servers: MongoSet, tmp_path: Path) -> Iterator[list[ProductServer]]:
    """Two servers on it: one is sent to, and at the other somebody listens."""
    settings = {"MONGO_URL": servers.url.replace("/?", "/failover?"), **SECRETS}
    first = ProductServer(tmp_path / "product", settings)
    both = [first, first.sibling()]
    yield both
    for each in both:
        each.kill()


async def send_through_failover(
    server: ProductServer, servers: MongoSet, seed: Seed, promises: Promises, away: LiveReader
) -> None:
    """32 senders; beneath them the primary is killed, another takes its place, and the old one comes back.

    One reader is away from before until after.
    """
    stop = asyncio.Event()
    senders = [sender_of(n, seed.companies, server.port, promises, SEED) for n in range(SENDERS)]

    async def kept(deliveries: int) -> None:
        while len(promises.answers) < deliveries:
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.run(stop))
        await kept(100)
        await away.leave()
        primary = await asyncio.to_thread(servers.primary)
        assert primary is not None
        primary.kill()
        # More than can have been on its way to the one that is gone.
        await kept(len(promises.answers) + 100)
        away.come()
        await asyncio.to_thread(primary.start)
        await kept(len(promises.answers) + 100)
        stop.set()


async def test_a_killed_primary_costs_no_acknowledged_alert_and_no_reader_a_frame(
    pair: list[ProductServer], servers: MongoSet
) -> None:
    seed, promises = await asyncio.to_thread(pair[0].seed), Promises()
    for each in pair:
        await asyncio.to_thread(each.start)
    async with AsyncExitStack() as stack:
        clients = [stack.enter_context(each.signed_in(seed.admin)) for each in pair]
        for company in seed.companies:
            lift_rate_limit(clients[0], company)
        token = str(clients[0].headers["Authorization"]).removeprefix("Bearer ")
        readers = [
            await stack.enter_async_context(LiveReader(each.port, c.id, token, head_of(clients[0], c.id)))
            for each in pair
            for c in seed.companies
        ]
        async with asyncio.timeout(15):
            await asyncio.gather(*(reader.wait_until_greeted() for reader in readers))
        await send_through_failover(pair[0], servers, seed, promises, readers[-1])
        await until_quiet(clients[1], readers)
        assert readers[-1].hellos > 1
        assert not any(reader.resyncs for reader in readers)
        for reader in readers[len(seed.companies) :]:
            check_company(clients[1], reader, promises)
        for reader in readers[: len(seed.companies)]:
            assert_no_gap(reader.frames, *replayed(clients[1], reader.company_id, reader.after))
