"""What a commit costs by itself: processor time of encoding and of the writing thread, and reads of a large table.

Processor time, not wall time, is what can be compared on a machine that others use too.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from alertwhisperer.clock import SystemClock, SystemIds
from alertwhisperer.domain.alert import Alert, IncomingAlert, begin
from alertwhisperer.domain.change import ABSENT, Change, Event, Put, Storm, Write
from alertwhisperer.domain.delivery import Delivery, Intake, may_ride
from alertwhisperer.domain.event import STORM_AT, EventType
from alertwhisperer.domain.incident import Incident, add, open_for
from alertwhisperer.domain.reason import Reason
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.ports import Query
from alertwhisperer.storage.sqlite import SQLiteStorage
from benchmarks import machine
from benchmarks.load import percentile
from benchmarks.report import Report, Table

_SCOPE = Scope("01930000-0000-7000-8000-000000000000", SYSTEM)
_READS = 50


@dataclass
class Load:
    """Changes of alerts that are all distinct: each opens an incident, or joins one of `incidents` in turn."""

    size: int
    incidents: int | None
    sent: int = 0
    known: dict[int, Incident] = field(default_factory=dict)
    ids: SystemIds = field(default_factory=SystemIds)
    clock: SystemClock = field(default_factory=SystemClock)

    def change(self) -> Change:
        writes: list[Write] = []
        events: list[Event] = []
        deliveries: list[Delivery] = []
        for _ in range(self.size):
            alert, incident, opened = self._next()
            writes += [Put("alerts", alert, ABSENT), Put("incidents", incident, ABSENT if opened else None)]
            kind: EventType = "incident_created" if opened else "incident_updated"
            events += [Event("alert_received", alert), Event(kind, incident)]
            now = self.clock.now()
            deliveries.append(
                Delivery(
                    id=self.ids.new_id(), source="alerts", received_at=now, body="x" * 390, dispositions=["grouped"]
                )
            )
        at = self.clock.now()
        riding = may_ride(deliveries)
        if not riding:
            intake = Intake(company_id=_SCOPE.company_id, id=self.ids.new_id(), received_at=at, deliveries=deliveries)
            writes.append(Put("deliveries", intake, ABSENT))
        if len(events) > STORM_AT:
            events = [Event("storm", Storm(alerts=self.size, incidents=self.size, reason="many at once"))]
        return Change(
            writes=tuple(writes),
            events=tuple(events),
            counts={"ledger.received": self.size, "ledger.grouped": self.size},
            deliveries=tuple(deliveries) if riding else (),
        )

    def _next(self) -> tuple[Alert, Incident, bool]:
        self.sent += 1
        place = self.sent % self.incidents if self.incidents else self.sent
        now = self.clock.now()
        alert = begin(
            _incoming(self.sent, place),
            alert_id=self.ids.new_id(),
            company_id=_SCOPE.company_id,
            received_at=now,
            delivery_id="",
        )
        before = self.known.get(place)
        key = hashlib.sha256(str(place).encode()).hexdigest()
        reason = Reason(kind="opened", sentence="The first of its kind.", fields={"asset_name": alert.asset_name})
        incident = before or _opened(alert, self.ids.new_id(), key, reason)
        alert = _placed(alert, incident, reason)
        incident = add(incident, alert, critical_asset=False, now=now)
        if self.incidents:
            self.known[place] = incident
        return alert, incident, before is None


def _opened(alert: Alert, incident_id: str, key: str, reason: Reason) -> Incident:
    return open_for(
        alert,
        incident_id=incident_id,
        company_id=_SCOPE.company_id,
        key=key,
        reason=reason,
        now=alert.received_at,
    )


def _incoming(number: int, place: int) -> IncomingAlert:
    return IncomingAlert(
        asset_name=f"host-{place:06d}.example.com",
        signature="high_cpu_usage",
        message="CPU above 95 % for five minutes",
        severity="high",
        tool_source="Load generator",
        dedup_key=hashlib.sha256(f"condition {number}".encode()).hexdigest()[:32],
        stable_key=hashlib.sha256(f"condition {number}".encode()).hexdigest()[:32],
        labels={"site": "fra1", "team": "platform", "shard": f"{number:08d}"},
    )


def _placed(alert: Alert, incident: Incident, reason: Reason) -> Alert:
    return replace(alert, correlated_incident_id=incident.id, reason=reason)


@dataclass
class Cost:
    """Processor seconds of the loop's and of the writing thread, and how long commits took."""

    alerts: int = 0
    loop: float = 0.0
    writer: float = 0.0
    waits: list[float] = field(default_factory=list)

    def cells(self) -> list[float]:
        waits = sorted(self.waits)
        micro = 1e6 / self.alerts
        return [self.loop * micro, self.writer * micro, percentile(waits, 50) * 1e3, percentile(waits, 99) * 1e3]


async def commits(storage: SQLiteStorage, load: Load, alerts: int) -> Cost:
    """Commit so many alerts, one commit after the other."""
    cost = Cost()
    seq, _ = await storage.head(_SCOPE.company_id)
    while cost.alerts < alerts:
        change, at = load.change(), load.clock.now()
        writer = await storage.write(lambda _: time.thread_time())
        began, loop = time.perf_counter(), time.thread_time()
        seq = (await storage.commit(_SCOPE, seq, change, commit_id="bench", at=at)).seq
        cost.loop += time.thread_time() - loop
        cost.waits.append(time.perf_counter() - began)
        cost.writer += await storage.write(lambda _: time.thread_time()) - writer
        cost.alerts += load.size
    return cost


def by_size(folder: Path, alerts: int) -> Table:
    """Commits of different sizes, each into an empty database."""
    table = Table(
        f"Commits, one after the other, {alerts:,} distinct alerts each",
        ["alerts a commit", "incidents", "loop µs/alert", "writer µs/alert", "commit p50 ms", "commit p99 ms"],
    )
    for size in (1, 8, 64, 256, 512):
        for incidents in (None, 1_000):
            path = folder / f"{size}-{incidents}.db"
            cost = asyncio.run(_measured(path, Load(size, incidents), min(alerts, size * 500)))
            table.add(size, "one each" if incidents is None else f"{incidents:,} in turn", *cost.cells())
    table.notes.append("The writer's time includes two empty transactions a commit, which carry the measurement.")
    return table


async def _measured(path: Path, load: Load, alerts: int) -> Cost:
    storage = SQLiteStorage(path)
    await storage.open()
    try:
        return await commits(storage, load, alerts)
    finally:
        await storage.close()


def growing(folder: Path, alerts: int) -> list[Table]:
    """One database as it grows, and reads of it at the end."""
    return asyncio.run(_growing(folder / "growing.db", alerts))


async def _growing(path: Path, alerts: int) -> list[Table]:
    storage = SQLiteStorage(path)
    load = Load(256, 1_000)
    table = Table(
        "The same database as it grows, 256 alerts a commit, 1,000 incidents in turn",
        ["stored before", "loop µs/alert", "writer µs/alert", "commit p50 ms", "commit p99 ms"],
    )
    for step in range(10):
        table.add(step * alerts // 10, *(await commits(storage, load, alerts // 10)).cells())
    reads = await _reads(storage, alerts)
    size = (await storage.check())["size_bytes"]
    await storage.close()
    table.notes.append(f"{int(str(size)) / alerts:,.0f} bytes an alert on disk, everything included")
    return [table, reads]


async def _reads(storage: SQLiteStorage, alerts: int) -> Table:
    table = Table(f"Reads among {alerts:,} alerts, the newest 100 that match", ["query", "p50 ms", "max ms"])
    newest = await storage.select(Alert, {"company_id": _SCOPE.company_id}, limit=100)
    queries: dict[str, Query] = {
        "of a company": {},
        "not resolved": {"status": {"$ne": "resolved"}},
        "by severity": {"severity": "high"},
        "of an incident": {"correlated_incident_id": newest[0].correlated_incident_id},
        "by dedup key": {"dedup_key": newest[-1].dedup_key, "status": {"$ne": "resolved"}},
    }
    for name, query in queries.items():
        waits = []
        for _ in range(_READS):
            began = time.perf_counter()
            await storage.select(Alert, {"company_id": _SCOPE.company_id, **query}, limit=100)
            waits.append(time.perf_counter() - began)
        table.add(name, percentile(sorted(waits), 50) * 1e3, max(waits) * 1e3)
    return table


def run(*, long: bool, say: Callable[[str], object] = sys.stdout.write) -> Report:
    """The whole report; each table is said as soon as it is there."""
    with tempfile.TemporaryDirectory(prefix="bench-storage-") as temporary:
        folder = Path(temporary)
        report = Report(
            "Storage",
            {
                "machine": machine.describe(),
                "disk": machine.describe_disk(folder),
                "busy before": f"{machine.busy_cores():.1f} cores kept busy by others",
            },
        )
        say(report.head() + "\n")
        report.tables.append(by_size(folder, 25_600))
        say(report.tables[-1].markdown() + "\n")
        for table in growing(folder, 1_000_000 if long else 51_200):
            report.tables.append(table)
            say(table.markdown() + "\n")
    return report
