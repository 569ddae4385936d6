"""A large database is moved between each two engines, and back, while it is being sent to and the move is killed.

A proof at size, for a long run (ALERTWHISPERER_LONG=1): it takes minutes a pair. ALERTWHISPERER_MOVE_DOCUMENTS says how
many documents, ALERTWHISPERER_MOVE_PAIRS which pairs: "sqlite-mongodb mongodb-sqlite".
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.fault.invariants import assert_company_whole
from tests.fault.moves import Move, fill, opened, sending
from tests.fault.senders import Promises
from tests.support.engines import ENGINES, LONG
from tests.support.product import ProductServer, Seed, lift_rate_limit, put_config
from tests.support.served import SECRETS, served

DOCUMENTS: Final = int(os.environ.get("ALERTWHISPERER_MOVE_DOCUMENTS", "100000"))
EVERY_PAIR: Final = " ".join(map("-".join, itertools.permutations(sorted(ENGINES), 2)))
PAIRS: Final = os.environ.get("ALERTWHISPERER_MOVE_PAIRS", EVERY_PAIR).split()
REST_SECONDS: Final = {"dynamodb": 0.5}
"""Of each sender. DynamoDB Local takes some hundred documents a second: what comes faster cannot be followed."""

REST_ELSEWHERE: Final = 0.02
PATIENCE_SECONDS: Final = 600
WINDOW_MINUTES: Final = 1_440
"""A run may last for longer than alerts of one key are held together by default."""


@dataclass
class Scene:
    """What is sent, by whom, and what they were promised."""

    seed: Seed
    promises: Promises
    rest_seconds: float

    def sending(self, server: ProductServer, wave: int) -> AbstractAsyncContextManager[None]:
        return sending(server, self.seed.companies, self.promises, wave, self.rest_seconds)

    async def check(self, server: ProductServer) -> int:
        """Everything that was acked is there once; returns how many acks that were."""
        with server.signed_in(self.seed.admin) as client:
            client.timeout = httpx.Timeout(PATIENCE_SECONDS)
            async with opened(server) as storage:
                for company in self.seed.companies:
                    alerts, incidents = [
                        await storage.find(each, {"company_id": company.id}) for each in ("alerts", "incidents")
                    ]
                    await asyncio.to_thread(assert_company_whole, client, company.id, self.promises, alerts, incidents)
        return sum(keys.total() for keys in self.promises.acked.values())


@pytest.fixture
def yard() -> Iterator[ExitStack]:
    """Who is started is ended."""
    with ExitStack() as stack:
        yield stack


async def begin(yard: ExitStack, first: ProductServer, rest_seconds: float) -> Scene:
    """A running server on SQLite, with so many documents."""
    yard.callback(first.kill)
    scene = Scene(await asyncio.to_thread(first.seed), Promises(), rest_seconds)
    await asyncio.to_thread(first.start)
    with first.signed_in(scene.seed.admin) as client:
        for company in scene.seed.companies:
            lift_rate_limit(client, company)
            put_config(client, company, "correlation", {"time_window_minutes": WINDOW_MINUTES})
    await fill(first, scene.seed.companies, scene.promises, DOCUMENTS)
    return scene


async def moved_from(first: ProductServer, server: ProductServer) -> ProductServer:
    """The server, to whose database everything has moved for good."""
    with Move(first, server) as move:
        await move.switch()
        await move.finish()
    return server


@pytest.mark.real
@pytest.mark.skipif(not LONG, reason="takes minutes a pair: ALERTWHISPERER_LONG=1")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("pair", PAIRS)
async def test_everything_is_there_once_after_a_move_that_was_killed_and_after_the_way_back(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], yard: ExitStack, pair: str
) -> None:
    source, target = pair.split("-")
    first = served(request, "sqlite", tmp_path / "first", SECRETS)
    old, new = [served(request, each, tmp_path / each, SECRETS, port=first.port) for each in (source, target)]
    yard.callback(old.kill)
    yard.callback(new.kill)
    rest = max(REST_SECONDS.get(each, REST_ELSEWHERE) for each in (source, target))
    scene = await begin(yard, first, rest)
    old = first if source == "sqlite" else await moved_from(first, old)
    move = yard.enter_context(Move(old, new))

    async with scene.sending(old, 1):
        copied = await move.copy_through_a_kill(DOCUMENTS)
        there = await move.switch()
        await asyncio.sleep(2)
    at_new = await scene.check(new)
    async with scene.sending(new, 2):
        await asyncio.sleep(2)
        back = await move.give_back()
        await asyncio.sleep(2)
    at_old = await scene.check(old)

    assert there.documents >= DOCUMENTS
    assert back.documents > there.documents
    with capsys.disabled():
        sys.stdout.write(
            f"\n{source} → {target}: {there.documents:,} documents, killed at {copied.before_kill:,}; "
            f"{copied.documents:,} copied in {copied.seconds:.1f} s ({copied.documents / copied.seconds:,.0f}/s); "
            f"writers waited {there.wait_seconds:.1f} s, {back.wait_seconds:.1f} s on the way back; digests equal; "
            f"acked and found: {at_new:,} there, {at_old:,} back\n"
        )
