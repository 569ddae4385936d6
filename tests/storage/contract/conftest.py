"""The engines that the contract runs on: `ENGINES` in `tests/support/engines.py`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.ports import Storage
from tests.support.engines import ENGINES, Engine


@pytest.fixture(params=sorted(ENGINES))
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    made = ENGINES[request.param](request, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def storage(engine: Engine) -> Storage:
    return await engine.open()


@pytest.fixture
async def other(engine: Engine, storage: Storage) -> Storage:
    """A second handle on the same data, as another process has."""
    return await engine.open()
