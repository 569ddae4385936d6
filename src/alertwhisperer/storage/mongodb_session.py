"""A connection to MongoDB, opened at first use, and transactions tried until their outcome is known."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from random import SystemRandom
from time import monotonic
from typing import Any, Final, TypeVar

import pymongo
from bson.errors import BSONError
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from alertwhisperer.domain.errors import Invalid, OutcomeUnknown, Unavailable
from alertwhisperer.storage.mongodb_abandoned import APPLICATION, IDLE_SECONDS, end_abandoned
from alertwhisperer.storage.mongodb_documents import CODEC, Stored
from alertwhisperer.storage.mongodb_doorbell import StreamDoorbell
from alertwhisperer.storage.mongodb_errors import translated
from alertwhisperer.storage.mongodb_schema import check_server, prepare

R = TypeVar("R")
Act = Callable[[AsyncClientSession, int], Awaitable[R]]
"""(session, how often it was tried before) → answer. What it raises undoes what it wrote."""

DATABASE: Final = "alertwhisperer"

COMMIT_SECONDS: Final = 20.0
"""Long enough for a replica set to notice that its primary is gone (10 s by default) and to elect another."""

PATIENCE: Final = {"serverSelectionTimeoutMS": 10_000, "connectTimeoutMS": 5_000, "heartbeatFrequencyMS": 2_000}
"""Where the address does not say otherwise. A server that the driver thinks gone is looked at by its next heartbeat."""

BACK_OFF_SECONDS: Final = 0.002
BACK_OFF_AT_MOST: Final = 0.25

_chance: Final = SystemRandom().random


class Session:
    """A client and its database. Once closed it serves nothing more."""

    def __init__(
        self,
        url: str,
        database: str | None,
        keep_days: Mapping[str, int] | None,
        *,
        commit_seconds: float = COMMIT_SECONDS,
    ) -> None:
        try:
            parsed = parse_uri(url)
        except (InvalidURI, ConfigurationError, ValueError) as error:
            why = str(error).partition(". ")[0].rstrip(".")
            raise Invalid(
                f"MONGO_URL is not an address of MongoDB ({why}): mongodb://user:password@host/name?replicaSet=rs0",
                "MONGO_URL",
            ) from None
        self.hosts = ", ".join(f"{host}:{port}" for host, port in parsed["nodelist"])
        self.name: str = database or parsed["database"] or DATABASE
        self.doorbell = StreamDoorbell(partial(self.collection, "events"))
        self._url = url
        self._patience: dict[str, Any] = {
            name: wait for name, wait in PATIENCE.items() if name not in parsed["options"]
        }
        self._commit_seconds = commit_seconds
        self._keep_days = keep_days
        self._opening = asyncio.Lock()
        self._client: AsyncMongoClient[Stored] | None = None
        self._database: AsyncDatabase[Stored] | None = None
        self._under_way: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def open(self) -> AsyncDatabase[Stored]:
        """The database, its schema made or checked at first."""
        if self._closed:
            raise Unavailable("the database is closed")
        if self._database is not None:
            return self._database
        async with self._opening:
            if self._database is None:
                self._database = await self._connect()
            return self._database

    async def close(self) -> None:
        """Finish what is under way, and disconnect."""
        self._closed = True
        await self.doorbell.close()
        if self._under_way:
            await asyncio.wait(self._under_way)
        async with self._opening:
            client, self._client, self._database = self._client, None, None
        if client is not None:
            await client.close()

    async def collection(self, name: str) -> AsyncCollection[Stored]:
        """A collection to read, or to write outside a transaction."""
        return (await self.open())[name]

    async def finish(self, work: Coroutine[Any, Any, R]) -> R:
        """Do something to its end, even if whoever waits gives up, or closes."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def transact(self, act: Act[R]) -> R:
        """Run `act` in a transaction, anew when it collided with another, and commit it.

        Raises what `act` raises, Unavailable if nothing was written, OutcomeUnknown if it may have been.
        """
        database = await self.open()
        deadline, tries = monotonic() + self._commit_seconds, 0
        look_at = monotonic() + IDLE_SECONDS
        while True:
            try:
                async with database.client.start_session() as session:
                    return await self._attempt(session, act, tries, deadline)
            except (PyMongoError, BSONError) as error:
                again = isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError")
                if not again or monotonic() >= deadline:
                    raise translated(error) from error
            tries += 1
            await asyncio.sleep(min(BACK_OFF_SECONDS * 2**tries, BACK_OFF_AT_MOST) * _chance())
            if monotonic() >= look_at:
                look_at = monotonic() + IDLE_SECONDS
                with pymongo.timeout(IDLE_SECONDS):
                    await end_abandoned(database)

    async def _attempt(self, session: AsyncClientSession, act: Act[R], tries: int, deadline: float) -> R:
        with pymongo.timeout(max(deadline - monotonic(), 0.001)):
            await session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority", j=True))
            answer = await act(session, tries)
        await self._commit(session, deadline)
        return answer

    async def _commit(self, session: AsyncClientSession, deadline: float) -> None:
        """Ask for the commit until it is known to have happened, or not to have."""
        while True:
            try:
                # A little is left even after a late `act`: the commit is asked for at least once.
                with pymongo.timeout(max(deadline - monotonic(), 1.0)):
                    await session.commit_transaction()
            except PyMongoError as error:
                if error.has_error_label("TransientTransactionError"):
                    raise  # the server says that it did not happen
                if monotonic() >= deadline or not error.has_error_label("UnknownTransactionCommitResult"):
                    raise OutcomeUnknown("MongoDB did not say whether it has written this") from error
                await asyncio.sleep(BACK_OFF_AT_MOST * _chance())
            else:
                return

    async def unprepared(self, work: Callable[[AsyncDatabase[Stored]], Awaitable[R]]) -> R:
        """Do something with the database as it is found, of whichever version: it is open to that alone."""
        client = self._client_of_set()
        try:
            await check_server(client[self.name], self.hosts)
            self._database = client[self.name]
            return await work(self._database)
        except PyMongoError as error:
            raise translated(error) from error
        finally:
            self._database = None
            await client.close()

    async def _connect(self) -> AsyncDatabase[Stored]:
        client = self._client_of_set()
        try:
            database = client[self.name]
            await check_server(database, self.hosts)
            await prepare(database, self._keep_days)
        except BaseException:
            await client.close()
            raise
        self._client = client
        return database

    def _client_of_set(self) -> AsyncMongoClient[Stored]:
        return AsyncMongoClient(
            self._url,
            appname=APPLICATION,
            document_class=dict,
            type_registry=CODEC.type_registry,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            readPreference="primary",
            retryWrites=True,
            retryReads=True,
            **self._patience,
        )
