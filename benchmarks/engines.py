"""The whole server on each engine: ingest, and from a POST to the message in a socket, also at another process.

mongod and DynamoDB Local are those of the tests. DynamoDB Local is an emulator in one Java process: it is given fewer
alerts, and its figures say nothing of AWS's speed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import uvloop

from benchmarks import machine, subjects
from benchmarks.ingest import ARRAY, Mode, Round, send
from benchmarks.live import Crowd, Delay, gather
from benchmarks.load import LoadError, percentile
from benchmarks.migration import servers
from benchmarks.report import Cell, Report, Table
from benchmarks.subjects import ProductSubject
from tests.support.product import ProductServer
from tests.support.served import SECRETS

EMULATOR: Final = "DynamoDB"
NAMES: Final = {"MongoDB": "MongoDB, replica set of one", EMULATOR: "DynamoDB Local, an emulator"}
KEYS: Final = 1_000


@dataclass(frozen=True)
class Sizes:
    """How much an engine is given. `pause_seconds`: between two alerts of which each is waited for."""

    singles: int
    arrays: int
    array_connections: int
    live: int
    connections: int = 64
    pause_seconds: float = 0.15

    @property
    def modes(self) -> list[Mode]:
        """Singles, then arrays."""
        array = Mode("arrays", self.array_connections, self.arrays * ARRAY, ARRAY, "array")
        return [Mode("singles", self.connections, self.singles, 1, "many"), array]


def sizes_of(engine: str, *, long: bool) -> Sizes:
    """What an engine can be given in a minute or so; four times as much in a long run."""
    more = 4 if long else 1
    if engine == EMULATOR:
        return Sizes(singles=400 * more, arrays=1 * more, array_connections=1, live=30 * more)
    return Sizes(singles=8_000 * more, arrays=20 * more, array_connections=4, live=100 * more)


def settings_of(engine: str, url: str) -> dict[str, str]:
    """How a server is told of the database at an address that `db migrate` would take."""
    if engine == "MongoDB":
        return {"MONGO_URL": url, **SECRETS}
    if engine == EMULATOR:
        found = urlsplit(url)
        endpoint = parse_qs(found.query)["endpoint"][0]
        prefix = found.path.strip("/")
        names = {"DATABASE_TYPE": "dynamodb", "DYNAMODB_ENDPOINT_URL": endpoint, "DYNAMODB_TABLE_PREFIX": prefix}
        return {**names, **SECRETS}
    return {}


@dataclass
class Tables:
    """Both tables; an engine is a row of each, the second has one more for the other process."""

    ingest: Table
    live: Table

    @classmethod
    def empty(cls) -> Tables:
        return cls(
            Table(
                "Ingest",
                (
                    *("engine", "alerts singly", "alerts/s", "p50 ms", "p99 ms"),
                    *(f"alerts in arrays of {ARRAY:,}", "alerts/s", "array p50 ms", "server CPU µs/alert"),
                ),
                notes=[
                    "singles on 64 connections, each with one in flight; answered when signed for, stored, correlated"
                ],
            ),
            Table(
                "From POST to message",
                ("engine", "read at", "alerts", "message p50 ms", "message p99 ms", "ack p50 ms", "ack p99 ms"),
                notes=[
                    "one socket, one alert at a time, with a pause in between",
                    "on DynamoDB another process looks every 2 s for whom others have rung",
                ],
            ),
        )


def measure(subject: ProductSubject, engine: str, sizes: Sizes, tables: Tables) -> None:
    """Everything on one engine; LoadError unless the ledger has all that was sent."""
    name = NAMES.get(engine, engine)
    token = str(subject.client.headers["Authorization"]).removeprefix("Bearer ")
    crowd = Crowd("here", 1, 0, sizes.live, sizes.pause_seconds)
    tables.live.add(name, "the same process", *_cells(uvloop.run(gather(subject, crowd, token))))
    with sibling(subject) as other:
        crowd = Crowd("there", 1, 0, sizes.live, sizes.pause_seconds)
        tables.live.add(name, "another process", *_cells(uvloop.run(gather(subject, crowd, token, other.port))))
    singles, arrays = [send(subject, mode, KEYS) for mode in sizes.modes]
    tables.ingest.add(name, *_of_singles(singles), *_of_arrays(arrays))
    sent = 2 * (sizes.live + 3) + singles.alerts + arrays.alerts
    if subject.received() != sent:
        raise LoadError(f"sent {sent} alerts, the ledger says {subject.received()}")


@contextmanager
def sibling(subject: ProductSubject) -> Iterator[ProductServer]:
    """Another process on the same database."""
    other = subject.server.sibling()
    other.start()
    try:
        yield other
    finally:
        other.stop()


def _of_singles(one: Round) -> list[Cell]:
    return [one.alerts, one.rate, one.outcome.percentile(50) * 1e3, one.outcome.percentile(99) * 1e3]


def _of_arrays(one: Round) -> list[Cell]:
    return [one.alerts, one.rate, one.outcome.percentile(50) * 1e3, one.server_cpu_seconds / one.alerts * 1e6]


def _cells(delays: list[Delay]) -> list[Cell]:
    heard, acked = sorted(each.last * 1e3 for each in delays), sorted(each.acked * 1e3 for each in delays)
    return [len(delays), *(percentile(taken, rank) for taken in (heard, acked) for rank in (50, 99))]


def run(*, long: bool, say: Callable[[str], object] = sys.stdout.write) -> Report:
    """The whole report; both tables are said when they are there."""
    with tempfile.TemporaryDirectory(prefix="bench-engines-") as temporary, servers(Path(temporary)) as urls:
        report = Report(
            "Engines",
            {
                "machine": machine.describe(),
                "disk": machine.describe_disk(Path(temporary)),
                "busy before": f"{machine.busy_cores():.1f} cores kept busy by others",
                "server": "1 process, HMAC on, batch=1; databases, load and servers share the machine",
            },
        )
        say(report.head() + "\n")
        tables = Tables.empty()
        for engine, url in urls.items():
            with subjects.product(Path(temporary) / f"on-{engine}", settings=settings_of(engine, url)) as subject:
                measure(subject, engine, sizes_of(engine, long=long), tables)
        report.tables += [tables.ingest, tables.live]
        for table in report.tables:
            say(table.markdown() + "\n")
    return report
