"""The world of the engine's tests, on a real engine in a temporary folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.ports import Storage
from alertwhisperer.storage import get_database_adapter
from tests.support.engines import ENGINES
from tests.support.world import World


@pytest.fixture(params=sorted(ENGINES))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    engine = ENGINES[request.param](request, tmp_path)
    storage = await engine.open()
    made = World(storage, VirtualClock(), SystemIds())
    await made.found()
    yield made
    await made.runner.close()
    await engine.close()


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    """The embedded engine, for what every engine does alike."""
    made = get_database_adapter("sqlite", path=tmp_path / "shared.db")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def here(storage: Storage) -> World:
    """The world on the embedded engine; `beside` makes more processes on it."""
    made = World(storage, VirtualClock(), SystemIds())
    await made.found()
    return made
