"""How fast alerts are taken in, beside Debian's Alertmanager in the same run.

Both are started fresh for every round and sent the same alerts over as many connections, in
turn; a figure is the median of the rounds. The product signs, stores and correlates each alert
and answers after fsync; Alertmanager keeps its alerts in memory.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine, subjects
from benchmarks.alerts import LoadAlert, encode, make_alerts
from benchmarks.load import LoadError, Outcome, percentile, run_load
from benchmarks.report import Cell, Report, Table
from benchmarks.subjects import ProductSubject, Subject

ARRAY = 1_000


@dataclass(frozen=True)
class Sizes:
    """How much is sent; `keys` pairs of asset and signature make as many incidents."""

    rounds: int = 3
    singles_alone: int = 1_000
    singles: int = 10_000
    arrays: int = 20
    keys: int = 1_000
    connections: int = 64
    array_connections: int = 4


@dataclass(frozen=True)
class Mode:
    """One way of sending, and how many alerts a request of it holds."""

    name: str
    connections: int
    alerts: int
    array: int
    prefix: str

    def requests(self, subject: Subject, keys: int) -> list[bytes]:
        alerts = make_alerts(self.alerts, keys=keys, prefix=self.prefix)
        if self.array == 1:
            return subject.target.singles(alerts)
        return subject.target.arrays(alerts, self.array)


def modes(sizes: Sizes) -> list[Mode]:
    many = sizes.connections
    return [
        Mode("single POST, 1 connection", 1, sizes.singles_alone, 1, "one"),
        Mode(f"single POST, {many} connections", many, sizes.singles, 1, "many"),
        Mode(f"the same again, {many} connections", many, sizes.singles, 1, "many"),
        Mode(
            f"arrays of {ARRAY:,}, {sizes.array_connections} connections",
            sizes.array_connections,
            sizes.arrays * ARRAY,
            ARRAY,
            "array",
        ),
    ]


@dataclass(frozen=True)
class Round:
    """What one mode did once on one server, and how many incidents it opened."""

    alerts: int
    outcome: Outcome
    server_cpu_seconds: float
    incidents: int | None

    @property
    def rate(self) -> float:
        return self.alerts / self.outcome.seconds


@dataclass
class Rounds:
    """All rounds of one mode on one server."""

    taken: list[Round] = field(default_factory=list)

    def of(self, value: Callable[[Round], float]) -> float:
        """The median over the rounds."""
        return statistics.median(value(one) for one in self.taken)

    @property
    def rate(self) -> float:
        return self.of(lambda one: one.rate)

    def cells(self) -> list[Cell]:
        return [
            self.rate,
            self.of(lambda one: one.outcome.percentile(50) * 1e3),
            self.of(lambda one: one.outcome.percentile(99) * 1e3),
            self.of(lambda one: one.outcome.percentile(100) * 1e3),
            self.of(lambda one: one.server_cpu_seconds / one.alerts * 1e6),
            self.of(lambda one: one.outcome.generator_cpu_seconds / one.alerts * 1e6),
            self.taken[-1].incidents,
        ]


def send(subject: Subject, mode: Mode, keys: int) -> Round:
    """One mode once; LoadError when anything but 2xx came back."""
    requests = mode.requests(subject, keys)
    opened_before = open_incidents(subject)
    cpu_before = subject.process.cpu_seconds()
    outcome = run_load(subject.target.port, requests, connections=mode.connections)
    refused = {status: n for status, n in outcome.statuses.items() if status // 100 != 2}
    if refused:
        raise LoadError(f"{subject.name} answered {refused}")
    cpu = subject.process.cpu_seconds() - cpu_before
    opened_after = open_incidents(subject)
    opened = None if opened_after is None or opened_before is None else opened_after - opened_before
    return Round(mode.alerts, outcome, cpu, opened)


def open_incidents(subject: Subject) -> int | None:
    return subject.open_incidents() if isinstance(subject, ProductSubject) else None


Results = dict[tuple[str, str], Rounds]


def one_round(subject: Subject, sizes: Sizes, results: Results) -> None:
    """Every mode once on one fresh server, after a little warming up."""
    warm = Mode("warm", 8, 400, 1, "warm")
    send(subject, warm, sizes.keys)
    sent = warm.alerts
    for mode in modes(sizes):
        taken = send(subject, mode, sizes.keys)
        results.setdefault((mode.name, subject.name), Rounds()).taken.append(taken)
        sent += mode.alerts
    if isinstance(subject, ProductSubject) and subject.received() != sent:
        raise LoadError(f"sent {sent} alerts, the ledger says {subject.received()}")


Start = Callable[[Path], AbstractContextManager[Subject]]


def compare(sizes: Sizes, folder: Path) -> Table:
    """Rounds in turn: product, Alertmanager, product, …; the ceiling of the load first."""
    results: Results = {}
    with subjects.null_server(folder / "null") as null:
        one_round(null, sizes, results)
    starts: Sequence[Start] = (subjects.product, subjects.alertmanager)
    for number in range(sizes.rounds):
        for start in starts:
            with start(folder / f"{start.__name__}-{number}") as subject:
                one_round(subject, sizes, results)
    table = Table(
        "Ingest, medians of the rounds",
        (
            *("load", "server", "alerts/s", "p50 ms", "p99 ms", "max ms"),
            *("server CPU µs/alert", "load CPU µs/alert", "incidents opened", "ratio to Alertmanager"),
        ),
        notes=[
            f"{sizes.rounds} rounds in turn, a fresh server and folder for each",
            "every product round's ledger balances and equals what was sent",
        ],
    )
    for (mode, server), rounds in sorted(results.items(), key=_by_mode(sizes)):
        ratio = rounds.rate / results[mode, "Alertmanager"].rate
        table.add(mode, server, *rounds.cells(), ratio)
    return table


def _by_mode(sizes: Sizes) -> Callable[[tuple[tuple[str, str], Rounds]], tuple[int, str]]:
    order = [mode.name for mode in modes(sizes)]
    return lambda item: (order.index(item[0][0]), item[0][1])


def memory(folder: Path, alerts: int = 100_000) -> Table:
    """Resident memory idle and after many alerts, sent as arrays."""
    table = Table("Memory", ("server", "idle MB", f"after {alerts:,} alerts MB", "start s"))
    starts: Sequence[Start] = (subjects.product, subjects.alertmanager)
    for start in starts:
        with start(folder / f"memory-{start.__name__}") as subject:
            idle = subject.process.resident_bytes()
            send(subject, Mode("fill", 4, alerts, ARRAY, "fill"), 1_000)
            after = subject.process.resident_bytes()
            table.add(subject.name, idle / 1e6, after / 1e6, subject.start_seconds)
    return table


def newest(subject: ProductSubject, path: str) -> list[float]:
    """Seconds of each of 60 reads of the newest 100, ordered."""
    taken: list[float] = []
    for _ in range(60):
        started = time.perf_counter()
        subject.client.get(path, params={"company_id": subject.company_id, "limit": "100"})
        taken.append(time.perf_counter() - started)
    return sorted(taken)


def growth(folder: Path, steps: Sequence[int], keys: int = 1_000) -> Table:
    """What an alert costs, and a read of the newest, as more and more are stored."""
    table = Table(
        "As the database grows",
        (
            *("stored", "arrays alerts/s", "single alerts/s", "single p99 ms"),
            *("newest 100 alerts p50 ms", "p99 ms", "newest 100 incidents p50 ms", "RSS MB"),
            "database MB",
        ),
    )
    with subjects.product(folder / "growth") as subject:
        stored = 0
        for step in steps:
            prefix = f"grow{step}"
            probe = Mode("probe", 64, min(5_000, step // 2), 1, f"{prefix}s")
            fill = Mode("fill", 4, step - stored - probe.alerts, ARRAY, prefix)
            rates = [send(subject, part, keys).rate for part in slices(fill, 100_000)]
            single = send(subject, probe, keys)
            stored = step
            alerts, incidents = newest(subject, "/api/alerts"), newest(subject, "/api/incidents")
            table.add(
                stored,
                rates[-1],
                single.rate,
                single.outcome.percentile(99) * 1e3,
                percentile(alerts, 50) * 1e3,
                percentile(alerts, 99) * 1e3,
                percentile(incidents, 50) * 1e3,
                subject.process.resident_bytes() / 1e6,
                sum(f.stat().st_size for f in subject.server.folder.glob("*.db*")) / 1e6,
            )
    return table


def slices(mode: Mode, size: int) -> list[Mode]:
    """The mode cut into parts of at most `size` alerts, so that few requests wait in memory."""
    return [
        Mode(mode.name, mode.connections, min(size, mode.alerts - at), mode.array, f"{mode.prefix}-{at}")
        for at in range(0, mode.alerts, size)
    ]


def own_incidents(folder: Path, sizes: Sizes) -> Table:
    """The hardest load: every alert opens an incident of its own."""
    table = Table("Every alert opens an incident", ("alerts/s", "p50 ms", "p99 ms", "incidents"))
    with subjects.product(folder / "own") as subject:
        mode = Mode("own", sizes.connections, sizes.singles, 1, "own")
        taken = send(subject, mode, sizes.singles)
        outcome = taken.outcome
        p50, p99 = outcome.percentile(50) * 1e3, outcome.percentile(99) * 1e3
        table.add(taken.rate, p50, p99, taken.incidents)
    return table


def run(*, long: bool, say: Callable[[str], object] = sys.stdout.write) -> Report:
    """The whole report; each table is said as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as temporary:
        folder = Path(temporary)
        sizes = Sizes(singles_alone=5_000, singles=40_000, arrays=100) if long else Sizes()
        report = Report(
            "Ingest",
            {
                "machine": machine.describe(),
                "disk": machine.describe_disk(folder),
                "busy before": f"{machine.busy_cores():.1f} cores kept busy by others",
                "server": "1 process, embedded database, HMAC on, acked after fsync",
                "load": f"1 process on the same cores, closed loop; {_alert_size()} bytes an alert",
            },
        )
        say(report.head() + "\n")
        for table in _tables(folder, sizes, long=long):
            report.tables.append(table())
            say(report.tables[-1].markdown() + "\n")
    return report


def _tables(folder: Path, sizes: Sizes, *, long: bool) -> list[Callable[[], Table]]:
    short: list[Callable[[], Table]] = [
        lambda: compare(sizes, folder),
        lambda: own_incidents(folder, sizes),
        lambda: memory(folder),
    ]
    steps = (10_000, 100_000, 1_000_000) if long else (10_000, 40_000)
    return [*short, lambda: growth(folder, steps)]


def _alert_size() -> int:
    return len(encode(LoadAlert(1, 1, "many").document()))
