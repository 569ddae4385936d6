"""How fast everything moves from one engine to another, and how long writers wait at the switch.

mongod and DynamoDB Local are those of the tests; where they cannot be had, the pairs with them are left out.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from alertwhisperer.cli.servers import expect_many_documents
from alertwhisperer.clock import SystemClock, SystemIds
from alertwhisperer.engine.retention import defaults
from alertwhisperer.ports import Storage
from alertwhisperer.storage.sqlite import SQLiteStorage
from alertwhisperer.storage.transfer import Mover
from alertwhisperer.storage.transfer_handover import Means, Side
from alertwhisperer.storage.urls import open_database
from benchmarks import machine
from benchmarks.report import Report, Table
from benchmarks.storage import Load, commits
from tests.support import dynamodb_local, mongod

ALERTS: Final = 98_000
ALERTS_LONG: Final = 500_000
SHARE_LOCAL: Final = 10
"""DynamoDB Local, which is not what AWS runs, is given so many times fewer."""

BATCH: Final = 256


class Stopwatch:
    """Notes when the move says what."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def begin(self, *_: object) -> None:
        self.at.setdefault("began", time.perf_counter())

    def advance(self, *_: object) -> None:
        pass

    def say(self, sentence: str) -> None:
        self.at[sentence.partition(":")[0]] = time.perf_counter()


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """Engine → address of an empty database."""
    urls = {"SQLite": f"sqlite:///{folder}/moved.db"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    with mongod.running(folder / "mongodb") as mongodb, dynamodb_local.running(folder / "dynamodb") as local:
        hosts, _, options = mongodb.url.partition("?")
        urls["MongoDB"] = f"{hosts.rstrip('/')}/moved?{options}"
        urls["DynamoDB"] = f"dynamodb://us-east-1/Bench_?endpoint={local.url}"
        yield urls


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Storage]:
    storage = open_database(url, keep_days=defaults(), clock=SystemClock(), create=True)
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()


async def moved(source: Path, engine: str, url: str, table: Table) -> None:
    watch = Stopwatch()
    means = Means(SystemClock(), SystemIds(), defaults(), watch)
    async with opened(f"sqlite:///{source}") as old, opened(url) as new:
        mover = Mover(Side("SQLite", old), Side(engine, new), means)
        began = time.perf_counter()
        copied = await mover.move(switch=False)
        copy_seconds = time.perf_counter() - began
        outcome = await mover.move(switch=True)
        documents = sum(each.target.count for each in outcome.comparisons)
        waited = watch.at["switched"] - watch.at["fenced"]
        table.add(f"SQLite → {engine}", documents, copy_seconds, copied.written / copy_seconds, waited)


async def filled(path: Path, alerts: int) -> None:
    storage = SQLiteStorage(path)
    await storage.open()
    await commits(storage, Load(BATCH, 1_000), alerts)
    await storage.close()


def run(*, long: bool) -> Report:
    alerts = ALERTS_LONG if long else ALERTS
    report = Report("Moving between engines", {"machine": machine.describe()})
    print(report.head())
    columns = ["move", "documents", "copy s", "documents/s", "writers wait s"]
    expect_many_documents()
    table = Table("Alerts, their log, incidents and deliveries", columns)
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as urls:
        for engine, url in urls.items():
            path = Path(folder) / f"to-{engine}.db"
            asyncio.run(filled(path, alerts // SHARE_LOCAL if engine == "DynamoDB" else alerts))
            asyncio.run(moved(path, engine, url, table))
            print(table.rows[-1], flush=True)
    table.notes.append("While writers wait, both sides are read in full and compared; nothing else takes long.")
    report.tables.append(table)
    print(table.markdown())
    return report
