"""What `db backup`, `restore` and `upgrade` do to an engine that is a server: the configured one."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import TypeVar

from alertwhisperer import logs
from alertwhisperer.app import GC_THRESHOLDS
from alertwhisperer.cli.progress import Bar
from alertwhisperer.clock import SystemClock, SystemIds
from alertwhisperer.house import keep_days
from alertwhisperer.settings import Settings
from alertwhisperer.storage.transfer_handover import Means, Side
from alertwhisperer.storage.upgrade import Upgrade
from alertwhisperer.storage.urls import dynamodb_url, open_database, redacted

T = TypeVar("T")


def expect_many_documents() -> None:
    """Let the collector rest: a copy makes many objects and no cycles, and would spend a third of its time on them."""
    gc.set_threshold(*GC_THRESHOLDS)


def configured_url(settings: Settings) -> str:
    """The address of the configured database, as `db migrate` takes it; of MongoDB or DynamoDB."""
    if settings.database_type == "mongodb":
        return settings.mongo_url.get_secret_value() if settings.mongo_url else ""
    return dynamodb_url(settings.aws_region, settings.dynamodb_table_prefix, settings.dynamodb_endpoint_url)


def on_server(settings: Settings, work: Callable[[Side, Means], Awaitable[T]], *, create: bool = False) -> T:
    """Open the configured database, do the work, close it; returns what the work returns.

    `create`: make DynamoDB's tables where there are none.
    """
    logs.configure("warning", settings.log_format)
    expect_many_documents()
    url, kept, clock = configured_url(settings), keep_days(settings), SystemClock()

    async def run() -> T:
        storage = open_database(url, keep_days=kept, clock=clock, create=create)
        try:
            await storage.open()
            with Bar(quiet=False) as bar:
                return await work(Side(redacted(url), storage), Means(clock, SystemIds(), kept, bar))
        finally:
            await storage.close()

    return asyncio.run(run())


async def upgraded(settings: Settings) -> Upgrade:
    """Bring the configured database to this program's version."""
    url = configured_url(settings)
    # Imported here: an engine's driver is loaded when it is asked for.
    if settings.database_type == "mongodb":
        from alertwhisperer.storage.mongodb import MongoDBStorage  # noqa: PLC0415

        return await MongoDBStorage(url).upgrade()
    from alertwhisperer.storage.dynamodb import DynamoDBStorage  # noqa: PLC0415

    storage = DynamoDBStorage(
        region=settings.aws_region,
        table_prefix=settings.dynamodb_table_prefix,
        endpoint_url=settings.dynamodb_endpoint_url or None,
        allow_scan=True,
        keep_days=keep_days(settings),
    )
    try:
        return await storage.upgrade()
    finally:
        await storage.close()
