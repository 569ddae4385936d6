"""What several processes share is on every real engine: `ENGINES` in `tests/support/engines.py`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import SystemClock
from tests.support.engines import Engine, on_every_engine, working

pytest_generate_tests = on_every_engine


@pytest.fixture
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with working(request, tmp_path, SystemClock()) as made:
        yield made
