"""Storage engines as tests have them. To add one: a class with `open` and `close`, and its name in ENGINES."""

from collections.abc import Callable
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
    def __init__(self, _: pytest.FixtureRequest, folder: Path) -> None:
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


class MongoDBEngine:
    """A database of its own on the session's server."""

    _numbers = count(1)

    def __init__(self, request: pytest.FixtureRequest, _: Path) -> None:
        self._servers: MongoSet = request.getfixturevalue("mongodb_server")
        self._database = f"test_{next(self._numbers)}"
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


ENGINES: Final[dict[str, Callable[[pytest.FixtureRequest, Path], Engine]]] = {
    "mongodb": MongoDBEngine,
    "sqlite": SQLiteEngine,
}
