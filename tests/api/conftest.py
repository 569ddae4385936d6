"""The API's tests run against the whole API on a real engine in a temporary folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.storage import get_database_adapter
from tests.support.office import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    storage = get_database_adapter("sqlite", path=tmp_path / "office.db")
    await storage.open()
    made = Office(storage)
    await made.open()
    yield made
    await made.close()
    await storage.close()
