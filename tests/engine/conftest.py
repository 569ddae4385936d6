"""The world of the engine's tests, on a real engine in a temporary folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
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
