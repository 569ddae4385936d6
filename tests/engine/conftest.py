"""The world of the engine's tests, on every real engine: `ENGINES` in `tests/support/engines.py`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.ports import Ids, Storage
from tests.support.engines import Engine, on_every_engine, working
from tests.support.world import World

pytest_generate_tests = on_every_engine


@pytest.fixture
async def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Engine]:
    async with working(request, tmp_path, clock) as made:
        yield made


@pytest.fixture
async def storage(engine: Engine) -> Storage:
    return await engine.open()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def ids() -> Ids:
    return SystemIds()


@pytest.fixture
async def world(storage: Storage, clock: VirtualClock, ids: Ids) -> AsyncIterator[World]:
    made = World(storage, clock, ids)
    await made.found()
    yield made
    await made.runner.close()


@pytest.fixture
def here(world: World) -> World:
    """This process's world; `beside` makes more processes on its database."""
    return world
