"""The world of the engine's tests, on every real engine: `ENGINES` in `tests/support/engines.py`."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.ports import Ids, Storage
from tests.support.engines import ENGINES, DynamoDBEngine, Engine
from tests.support.world import World

LONG: Final = os.environ.get("ALERTWHISPERER_LONG") == "1"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test on every engine; on those of its mark `slow_on` in a long run alone."""
    if "engine" in metafunc.fixturenames:
        slow = {name for mark in metafunc.definition.iter_markers("slow_on") for name in mark.args}
        assert slow <= ENGINES.keys()
        metafunc.parametrize("engine", sorted(ENGINES if LONG else ENGINES.keys() - slow), indirect=True)


@pytest.fixture
async def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Engine]:
    """The engine; what the product does on DynamoDB must need no scan."""
    made = ENGINES[request.param](request, tmp_path)
    if isinstance(made, DynamoDBEngine):
        made.allow_scan, made.clock = False, clock
    yield made
    await made.close()
    if isinstance(made, DynamoDBEngine):
        assert made.scans == 0


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
