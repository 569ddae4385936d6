"""The world of the engine's tests, on a real engine in a temporary folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.storage import get_database_adapter
from tests.support.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    storage = get_database_adapter("sqlite", path=tmp_path / "world.db")
    await storage.open()
    made = World(storage, VirtualClock(), SystemIds())
    await made.found()
    yield made
    await made.runner.close()
    await storage.close()
