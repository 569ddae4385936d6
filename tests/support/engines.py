"""Storage engines as tests have them. To add one: a class with `open` and `close`, and its name in ENGINES.

On a server that serves the whole session, a test empties its database and leaves it to the next: to make one takes
half a second, to empty it a tenth of that.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Final, Protocol, Unpack

import pytest

from alertwhisperer.ports import Clock, Storage
from alertwhisperer.storage import get_database_adapter
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from alertwhisperer.storage.options import DynamoDBOptions
from alertwhisperer.storage.urls import dynamodb_url, sqlite_url
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.mongod import MongoSet

LONG: Final = os.environ.get("ALERTWHISPERER_LONG") == "1"


class Engine(Protocol):
    """One empty database, that any number of handles may be opened on, as by several processes."""

    @property
    def url(self) -> str:
        """Its address, for a process of its own; there once a handle has been opened."""
        ...

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

    @property
    def url(self) -> str:
        return sqlite_url(str(self._path))

    async def open(self) -> Storage:
        storage = get_database_adapter("sqlite", path=self._path)
        await storage.open()
        self._opened.append(storage)
        return storage

    async def close(self) -> None:
        for storage in self._opened:
            await storage.close()


class MongoDBEngine:
    """A database to itself on the session's server."""

    _numbers = count(1)

    def __init__(self, request: pytest.FixtureRequest, _: Path) -> None:
        self._servers: MongoSet = request.getfixturevalue("mongodb_server")
        self.database = self._servers.spare.pop() if self._servers.spare else f"test_{next(self._numbers)}"
        self._opened: list[Storage] = []

    @property
    def url(self) -> str:
        return self._servers.url.replace("/?", f"/{self.database}?")

    async def open(self) -> Storage:
        storage = get_database_adapter("mongodb", url=self._servers.url, database=self.database)
        await storage.open()
        self._opened.append(storage)
        return storage

    async def close(self) -> None:
        for storage in self._opened:
            await storage.close()
        if self._opened:
            self._servers.empty(self.database)
            self._servers.spare.append(self.database)


class DynamoDBEngine:
    """Tables to itself in the session's server. `allow_scan` and `clock` hold for handles that are opened then."""

    _numbers = count(1)

    def __init__(self, request: pytest.FixtureRequest, _: Path) -> None:
        self.allow_scan = True
        self.clock: Clock | None = None
        self._server: DynamoDBLocal = request.getfixturevalue("dynamodb_local")
        self._made = bool(self._server.spare)
        self._prefix = self._server.spare.pop() if self._made else f"T{next(self._numbers)}_"
        self._opened: list[DynamoDBStorage] = []

    @property
    def url(self) -> str:
        return dynamodb_url("us-east-1", self._prefix, self._server.url)

    @property
    def scans(self) -> int:
        """How many scans its handles have asked for."""
        return sum(each.operations["scan"] for each in self._opened)

    def options(self, **more: Unpack[DynamoDBOptions]) -> DynamoDBOptions:
        """What a handle of the test's own takes to reach these tables."""
        return {"table_prefix": self._prefix, "endpoint_url": self._server.url, **more}

    def storage(self) -> DynamoDBStorage:
        """A handle that is not open yet, and that the test closes."""
        options = self.options(allow_scan=self.allow_scan)
        if self.clock is not None:
            options["clock"] = self.clock
        return DynamoDBStorage(**options)

    async def open(self) -> DynamoDBStorage:
        storage = self.storage()
        if not self._made:
            # No expiry: tests have their own time, which to the server lies in the past.
            await storage.create_tables(protected=False, expiry=False)
            self._server.end_streams(self._prefix)
            self._made = True
        await storage.open()
        self._opened.append(storage)
        return storage

    async def close(self) -> None:
        for storage in self._opened:
            await storage.close()
        if self._opened:
            self._server.empty(self._prefix)
            self._server.spare.append(self._prefix)


ENGINES: Final[dict[str, Callable[[pytest.FixtureRequest, Path], Engine]]] = {
    "dynamodb": DynamoDBEngine,
    "mongodb": MongoDBEngine,
    "sqlite": SQLiteEngine,
}


def on_every_engine(metafunc: pytest.Metafunc) -> None:
    """pytest's hook of the same work: runs a test that asks for `engine` on each that it does not choose itself.

    On those of its mark `slow_on` in a long run alone.
    """
    chosen = any(mark.args[0] == "engine" for mark in metafunc.definition.iter_markers("parametrize"))
    if "engine" in metafunc.fixturenames and not chosen:
        slow = {name for mark in metafunc.definition.iter_markers("slow_on") for name in mark.args}
        assert slow <= ENGINES.keys()
        metafunc.parametrize("engine", sorted(ENGINES if LONG else ENGINES.keys() - slow), indirect=True)


@asynccontextmanager
async def working(request: pytest.FixtureRequest, folder: Path, clock: Clock) -> AsyncIterator[Engine]:
    """The engine that a test runs on, for the product at work; on DynamoDB it must need no scan."""
    made = ENGINES[request.param](request, folder)
    if isinstance(made, DynamoDBEngine):
        made.allow_scan, made.clock = False, clock
    yield made
    await made.close()
    if isinstance(made, DynamoDBEngine):
        assert made.scans == 0
