"""Transactions that a process has left open when it died.

MongoDB keeps one, and all that it has written to, until it is 60 seconds old (transactionLifetimeLimitSeconds): the
connection's end does not end it. All that time nobody could commit behind it. Whoever is in fact alive and slow is told
that its transaction is gone, which is one of the collisions that are tried again.
"""

import logging
from typing import Final

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from alertwhisperer.storage.mongodb_documents import Stored

APPLICATION: Final = "alertwhisperer"
IDLE_SECONDS: Final = 2.0
"""A transaction of ours is silent for milliseconds, between its commands."""

_log: Final = logging.getLogger(__name__)


async def end_abandoned(database: AsyncDatabase[Stored]) -> int:
    """End our transactions that nobody has gone on with for a while; returns how many. Needs no privilege."""
    abandoned = {
        "type": "idleSession",
        "appName": APPLICATION,
        "transaction.timeInactiveMicros": {"$gte": int(IDLE_SECONDS * 1_000_000)},
    }
    operations = {"$currentOp": {"allUsers": False, "idleSessions": True}}
    admin = database.client.get_database("admin", read_concern=ReadConcern("local"))
    try:
        async with await admin.aggregate([operations, {"$match": abandoned}, {"$project": {"lsid.id": 1}}]) as found:
            sessions = [each["lsid"] async for each in found]
        if sessions:
            await admin.command("killSessions", sessions)
    except PyMongoError as error:
        # A hosted MongoDB may not offer this; it ends them by itself, later.
        _log.warning("cannot look for abandoned transactions: %s", error)
        return 0
    return len(sessions)
