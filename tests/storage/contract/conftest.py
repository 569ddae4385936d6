"""The engines that the contract runs on. To add one: a class with `open`, and what makes one in ENGINES."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Final, Protocol

import pytest

from alertwhisperer.ports import Storage
from alertwhisperer.storage import get_database_adapter
from tests.support.mongod import MongoSet


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


_numbers: Final = count(1)


class MongoDBEngine:
    """A database of its own on the session's server."""

    def __init__(self, servers: MongoSet) -> None:
        self._servers = servers
        self._database = f"contract_{next(_numbers)}"
        self._opened: list[Storage] = []

    async def open(self) -> Storage:
        storage = get_database_adapter("mongodb", url=self._servers.url, database=self._database)
        await storage.open()
        self._opened.append(storage)
        return storage

    async def close(self) -> None:
        for storage in self._opened:
            await storage.close()
        self._servers.drop(self._database)


ENGINES: Final[dict[str, Callable[[pytest.FixtureRequest], Engine]]] = {
    "sqlite": lambda request: SQLiteEngine(request.getfixturevalue("tmp_path")),
    "mongodb": lambda request: MongoDBEngine(request.getfixturevalue("mongodb_server")),
}


@pytest.fixture(params=sorted(ENGINES))
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    made = ENGINES[request.param](request)
    yield made
    await made.close()


@pytest.fixture
async def storage(engine: Engine) -> Storage:
    return await engine.open()


@pytest.fixture
async def other(engine: Engine, storage: Storage) -> Storage:
    """A second handle on the same data, as another process has."""
    return await engine.open()
