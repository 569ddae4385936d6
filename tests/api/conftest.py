"""The API's tests run against the whole API, on every real engine: `ENGINES` in `tests/support/engines.py`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import VirtualClock
from tests.support.engines import Engine, on_every_engine, working
from tests.support.office import Office

pytest_generate_tests = on_every_engine


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Engine]:
    async with working(request, tmp_path, clock) as made:
        yield made


@pytest.fixture
async def office(engine: Engine, clock: VirtualClock) -> AsyncIterator[Office]:
    made = Office(await engine.open(), clock=clock)
    await made.open()
    yield made
    await made.close()
