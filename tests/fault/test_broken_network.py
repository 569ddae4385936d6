"""Two servers whose ways to one database break at random: what they acknowledge is there once, and they agree."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from typing import Final

import pytest

from tests.fault.invariants import incidents_of
from tests.fault.senders import Delivery, Promises, Sender
from tests.fault.test_crash import check_company, until_quiet
from tests.support import proxy_dynamodb, proxy_mongodb
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.faults import Fault, Faults
from tests.support.mongod import MongoSet
from tests.support.processes import free_port
from tests.support.product import ProductServer, Seed, lift_rate_limit
from tests.support.proxy_dynamodb import DynamoDBProxy
from tests.support.proxy_mongodb import MongoDBProxy
from tests.support.reader import LiveReader, head_of
from tests.support.wire import Wire

SENDERS: Final = 32
EACH: Final = 6
GONE_SECONDS: Final = 1.5
SEEDS: Final = range(1, 11 if os.environ.get("ALERTWHISPERER_LONG") == "1" else 2)

pytestmark = pytest.mark.real

LOST: Final[tuple[Fault, ...]] = ("cut", "lose answer", "arrive late")
REFUSED: Final[tuple[Fault, ...]] = ("conflict", "hot item", "throttle", "exceed", "server error", "unprocessed")


@dataclass
class Pair:
    """Two servers on one database, each with a wire of its own that can be broken."""

    servers: list[ProductServer]
    wires: list[Faults]
    break_wires: Callable[[Faults], None]


Wired = tuple[dict[str, str], Faults]
"""What a server is told, and the faults it will meet."""


def through_mongodb(request: pytest.FixtureRequest, stack: ExitStack, settings: dict[str, str]) -> Wired:
    servers: MongoSet = request.getfixturevalue("mongodb_server")
    proxy = stack.enter_context(MongoDBProxy(servers.members[0].port))
    database = settings["MONGO_URL"].rpartition("/")[2].partition("?")[0]
    return {**settings, "MONGO_URL": proxy.url(database)}, proxy.faults


def through_dynamodb(request: pytest.FixtureRequest, stack: ExitStack, settings: dict[str, str]) -> Wired:
    local: DynamoDBLocal = request.getfixturevalue("dynamodb_local")
    proxy = stack.enter_context(DynamoDBProxy(local.port))
    return {**settings, "DYNAMODB_ENDPOINT_URL": proxy.url}, proxy.faults


def break_mongodb(faults: Faults) -> None:
    faults.by_chance({"delay": 0.03, **dict.fromkeys(LOST, 0.01)}, proxy_mongodb.WRITES)
    faults.by_chance({"lose answer": 0.1, "arrive late": 0.05}, ["commitTransaction"])
    faults.by_chance(dict.fromkeys(LOST, 0.003), proxy_mongodb.READS)


def break_dynamodb(faults: Faults) -> None:
    faults.by_chance(dict.fromkeys(("delay", *LOST, *REFUSED), 0.03), proxy_dynamodb.WRITES)
    faults.by_chance(dict.fromkeys((*LOST, *REFUSED), 0.01), proxy_dynamodb.READS)


WAYS: Final = {"mongodb": (through_mongodb, break_mongodb), "dynamodb": (through_dynamodb, break_dynamodb)}


@pytest.fixture
def pair(request: pytest.FixtureRequest, server: ProductServer, engine: str) -> Iterator[Pair]:
    """`server` itself stays out of it: it makes the database, and is not started."""
    through, breaking = WAYS[engine]
    with ExitStack() as stack:
        wired = [through(request, stack, dict(server.settings)) for _ in range(2)]
        servers = [ProductServer(server.folder, settings, port=free_port()) for settings, _ in wired]
        for each in servers:
            stack.callback(each.kill)
        yield Pair(servers, [faults for _, faults in wired], breaking)


def deliveries(seed: Seed, number: int) -> Iterator[Delivery]:
    """All of one incident: each sender's own alerts, and in between one that all of them fire.

    Every second pair of senders gives no ids, so that nothing but the commit keeps a fire from being counted twice.
    """
    identified = number // 2 % 2
    for turn in range(EACH):
        key = f"own-{number}-{turn}-0" if turn % 3 else f"shared-{identified}"
        yield Delivery(seed.acme, (key,), f"delivery-{number}-{turn}" if identified else None)


async def send_all(pair: Pair, seed: Seed, promises: Promises, chance: int) -> None:
    """32 senders in turn at the servers, until each delivery is answered; for a while the first has no database."""
    stop = asyncio.Event()
    senders = [
        Sender(
            Wire(pair.servers[number % 2].port),
            promises,
            deliveries(seed, number),
            random.Random(f"{chance}-{number}"),
        )
        for number in range(SENDERS)
    ]

    async def lose_the_database() -> None:
        while len(promises.answers) < SENDERS:
            await asyncio.sleep(0.02)
        pair.wires[0].gone = True
        await asyncio.sleep(GONE_SECONDS)
        pair.wires[0].gone = False

    await asyncio.gather(lose_the_database(), *(sender.run(stop) for sender in senders))


@pytest.mark.parametrize("engine", sorted(WAYS), indirect=True)
@pytest.mark.parametrize("chance", SEEDS)
async def test_two_servers_over_broken_networks_store_once_what_they_acknowledge(
    server: ProductServer, pair: Pair, chance: int
) -> None:
    seed, promises = await asyncio.to_thread(server.seed), Promises()
    for each in pair.servers:
        await asyncio.to_thread(each.start)
    async with AsyncExitStack() as stack:
        clients = [stack.enter_context(each.signed_in(seed.admin)) for each in pair.servers]
        lift_rate_limit(clients[0], seed.acme)
        token = str(clients[0].headers["Authorization"]).removeprefix("Bearer ")
        after = head_of(clients[0], seed.acme.id)
        readers = [LiveReader(each.port, seed.acme.id, token, after) for each in pair.servers]
        for reader in readers:
            await stack.enter_async_context(reader)
        for number, faults in enumerate(pair.wires):
            faults.seed(chance * 10 + number)
            pair.break_wires(faults)
        await send_all(pair, seed, promises, chance)
        for faults in pair.wires:
            assert faults.count(*LOST)
            faults.calm()
        await until_quiet(clients[0], readers)
        for client, reader in zip(clients, readers, strict=True):
            check_company(client, reader, promises)
            assert len(incidents_of(client, seed.acme.id)) == 1
