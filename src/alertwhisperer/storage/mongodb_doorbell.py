"""Rings when somebody may have committed: at once for this process, by a change stream on the log for others."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from random import SystemRandom
from typing import Final

from bson.timestamp import Timestamp
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from alertwhisperer.storage.mongodb_documents import Stored

RETRY_SECONDS: Final = 1.0
INSERTS: Final[list[dict[str, object]]] = [{"$match": {"operationType": "insert"}}, {"$project": {"documentKey": 1}}]

_log: Final = logging.getLogger(__name__)
_chance: Final = SystemRandom().random


class Doorbell:
    """Wakes each listener. The stream is open only while somebody listens; the driver resumes it after a failover."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    async def rings(self, events: AsyncCollection[Stored]) -> AsyncIterator[None]:
        """One item for any number of rings since the last; ends when the storage is closed."""
        bell = asyncio.Event()
        self._waiting.add(bell)
        if self._watch is None and not self._closed:
            self._watch = asyncio.create_task(self._look(events), name="mongodb-doorbell")
        try:
            while not self._closed:
                await bell.wait()
                bell.clear()
                if not self._closed:
                    yield
        finally:
            self._waiting.discard(bell)
            if not self._waiting and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    def ring(self) -> None:
        """Wake everybody; in the event loop."""
        for bell in self._waiting:
            bell.set()

    async def close(self) -> None:
        """Let every listener end."""
        self._closed = True
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
        self.ring()

    async def _look(self, events: AsyncCollection[Stored]) -> None:
        while True:
            try:
                since = await _now(events)
                async with await events.watch(INSERTS, start_at_operation_time=since) as stream:
                    async for _ in stream:
                        self.ring()
            except PyMongoError as error:
                # What could not be resumed: look at the log now, and listen from now on.
                _log.warning("the change stream on the log ended and is opened anew: %s", error)
                self.ring()
            await asyncio.sleep(RETRY_SECONDS * _chance())


async def _now(events: AsyncCollection[Stored]) -> Timestamp | None:
    """The server's time: what is committed from here on is heard, however long the stream takes to open."""
    answer = await events.database.command("ping")
    at = answer.get("operationTime")
    return at if isinstance(at, Timestamp) else None
