"""The engines that the contract runs on. To add one: a class with `open`, and its name in ENGINES."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, Protocol

import pytest

from alertwhisperer.ports import Storage
from alertwhisperer.storage import get_database_adapter


class Engine(Protocol):
    """One empty database, that any number of handles may be opened on, as by several processes."""

    async def open(self) -> Storage:
        """A new open handle; closed when the test ends."""
        ...

    async def close(self) -> None:
        """Close every handle."""
        ...


class SQLiteEngine:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "contract.db"
        self._opened: list[Storage] = []

    async def open(self) -> Storage:
        storage = get_database_adapter("sqlite", path=self._path)
        await storage.open()
        self._opened.append(storage)
        return storage

    async def close(self) -> None:
        for storage in self._opened:
            await storage.close()


ENGINES: Final[dict[str, Callable[[Path], Engine]]] = {"sqlite": SQLiteEngine}


@pytest.fixture(params=sorted(ENGINES))
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    made = ENGINES[request.param](tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def storage(engine: Engine) -> Storage:
    return await engine.open()


@pytest.fixture
async def other(engine: Engine, storage: Storage) -> Storage:
    """A second handle on the same data, as another process has."""
    return await engine.open()
