"""Rings when somebody may have committed: at once for this process, by a change stream on the log for others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from random import SystemRandom
from typing import Any, Final

from bson.timestamp import Timestamp
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from alertwhisperer.storage.doorbell import Doorbell
from alertwhisperer.storage.mongodb_documents import ID, Stored

RETRY_SECONDS: Final = 1.0
INSERTS: Final[list[dict[str, object]]] = [{"$match": {"operationType": "insert"}}, {"$project": {"documentKey": 1}}]

_log: Final = logging.getLogger(__name__)
_chance: Final = SystemRandom().random


class StreamDoorbell(Doorbell):
    """Others are heard by the stream, which the driver resumes after a failover. `events` opens the log."""

    def __init__(self, events: Callable[[], Awaitable[AsyncCollection[Stored]]]) -> None:
        super().__init__()
        self._events = events

    async def watch(self) -> None:
        """See `Doorbell.watch`."""
        events = await self._events()
        while True:
            try:
                since = await _now(events)
                async with await events.watch(INSERTS, start_at_operation_time=since) as stream:
                    async for change in stream:
                        self.ring(frozenset({_company(change)}))
            except PyMongoError as error:
                # What could not be resumed: look at the log now, and listen from now on.
                _log.warning("the change stream on the log ended and is opened anew: %s", error)
                self.ring()
            await asyncio.sleep(RETRY_SECONDS * _chance())


def _company(change: Mapping[str, Any]) -> str:
    return str(change["documentKey"][ID]["company_id"])


async def _now(events: AsyncCollection[Stored]) -> Timestamp | None:
    """The server's time: what is committed from here on is heard, however long the stream takes to open."""
    answer = await events.database.command("ping")
    at = answer.get("operationTime")
    return at if isinstance(at, Timestamp) else None
