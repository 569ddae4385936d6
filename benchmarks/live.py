"""From a POST to the message in a browser's socket: one socket, and the last of a thousand."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks import machine, subjects
from benchmarks.alerts import LoadAlert, make_alerts
from benchmarks.ingest import Mode, send
from benchmarks.load import LoadError, percentile
from benchmarks.report import Report, Table
from benchmarks.subjects import ProductSubject
from benchmarks.websocket import Reader, open_reader, open_stalled
from tests.support.wire import Wire

_PATIENCE_SECONDS = 10.0


@dataclass
class Audience:
    """Counts who has received the alert that is under way."""

    size: int
    marker: bytes = b"\0"
    arrivals: list[float] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, marker: bytes) -> None:
        self.marker, self.arrivals = marker, []
        self.complete.clear()

    def listener(self) -> Callable[[bytes, float], None]:
        """The ear of one reader; an alert counts once for each, however many frames tell it."""
        heard = b""

        def hear(text: bytes, now: float) -> None:
            nonlocal heard
            if heard != self.marker and self.marker in text and b'"alert_received"' in text:
                heard = self.marker
                self.arrivals.append(now)
                if len(self.arrivals) == self.size:
                    self.complete.set()

        return hear


@dataclass(frozen=True)
class Delay:
    """Seconds from the first byte of one POST."""

    first: float
    last: float
    acked: float


async def deliver(subject: ProductSubject, wire: Wire, audience: Audience, alert: LoadAlert) -> Delay:
    """Posts one alert and waits until every reader has it."""
    request = subject.target.singles([alert])[0]
    audience.expect(alert.dedup_key.encode())
    sent_at = time.perf_counter()
    status, answer = await wire.exchange(request)
    acked_at = time.perf_counter()
    if status // 100 != 2:
        raise LoadError(f"{status}: {answer!r}")
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await audience.complete.wait()
    return Delay(
        first=min(audience.arrivals) - sent_at,
        last=max(audience.arrivals) - sent_at,
        acked=acked_at - sent_at,
    )


async def deliveries(
    subject: ProductSubject, audience: Audience, count: int, pause_seconds: float, prefix: str
) -> list[Delay]:
    wire = Wire(subject.target.port)
    delays: list[Delay] = []
    try:
        for alert in make_alerts(count, keys=50, prefix=prefix):
            delays.append(await deliver(subject, wire, audience, alert))
            await asyncio.sleep(pause_seconds)
    finally:
        wire.close()
    return delays


@dataclass(frozen=True)
class Crowd:
    """How many read, how many of them never read on, and how often an alert comes."""

    name: str
    readers: int
    stalled: int
    alerts: int
    pause_seconds: float


async def gather(subject: ProductSubject, crowd: Crowd, token: str, at: int | None = None) -> list[Delay]:
    """What each alert took to reach the whole crowd, which reads from the server at port `at` (default: the same)."""
    path = f"/ws?company={subject.company_id}&batch=1"
    port, audience = at or subject.target.port, Audience(crowd.readers)
    sockets: list[Reader] = []
    try:
        sockets.extend([await open_stalled(port, path, token) for _ in range(crowd.stalled)])
        sockets.extend([await open_reader(port, path, token, audience.listener()) for _ in range(crowd.readers)])
        await asyncio.sleep(0.5)
        prefix = crowd.name.replace(" ", "-")
        await deliveries(subject, audience, 3, crowd.pause_seconds, f"{prefix}-warm")
        return await deliveries(subject, audience, crowd.alerts, crowd.pause_seconds, prefix)
    finally:
        for reader in sockets:
            reader.close()


def measure(folder: Path, crowds: Sequence[Crowd]) -> Table:
    table = Table(
        "From POST to message",
        (
            *("sockets", "alerts", "first p50 ms", "last p50 ms", "last p99 ms", "last max ms"),
            *("ack p50 ms", "RSS before MB", "RSS after MB"),
        ),
        notes=["readers, sender and server share the cores; the reader's own time is included"],
    )
    with subjects.product(folder / "live") as subject:
        token = str(subject.client.headers["Authorization"]).removeprefix("Bearer ")
        for crowd in crowds:
            before = subject.process.resident_bytes()
            delays = uvloop.run(gather(subject, crowd, token))
            after = subject.process.resident_bytes()
            last = sorted(delay.last * 1e3 for delay in delays)
            table.add(
                crowd.name,
                len(delays),
                percentile(sorted(delay.first * 1e3 for delay in delays), 50),
                percentile(last, 50),
                percentile(last, 99),
                last[-1],
                percentile(sorted(delay.acked * 1e3 for delay in delays), 50),
                before / 1e6,
                after / 1e6,
            )
        table.notes.append(stall(subject, token))
    return table


def stall(subject: ProductSubject, token: str) -> str:
    """What a client that never reads costs: memory after two equal storms, the second with that client."""
    before = subject.process.resident_bytes()
    send(subject, _storm("alone"), 1_000)
    between = subject.process.resident_bytes()
    uvloop.run(_stall(subject, token))
    after = subject.process.resident_bytes()
    return (
        f"{_storm('').alerts:,} alerts singly: RSS {before / 1e6:.0f} → {between / 1e6:.0f} MB with nobody listening, "
        f"the same once more with one stalled client: → {after / 1e6:.0f} MB"
    )


def _storm(name: str) -> Mode:
    return Mode("storm", 16, 6_000, 1, f"storm-{name}")


async def _stall(subject: ProductSubject, token: str) -> None:
    path = f"/ws?company={subject.company_id}&batch=1"
    socket = await open_stalled(subject.target.port, path, token)
    try:
        # A thread, since the load runs a loop of its own.
        await asyncio.to_thread(send, subject, _storm("stalled"), 1_000)
    finally:
        socket.close()


def run(*, long: bool, say: Callable[[str], object] = sys.stdout.write) -> Report:
    """The whole report; the table is said when it is there."""
    machine.allow_many_sockets(8_192)
    with tempfile.TemporaryDirectory(prefix="bench-live-") as temporary:
        report = Report(
            "Live",
            {
                "machine": machine.describe(),
                "busy before": f"{machine.busy_cores():.1f} cores kept busy by others",
                "server": "1 process, embedded database, HMAC on, batch=1",
            },
        )
        say(report.head() + "\n")
        count = 400 if long else 60
        crowds = [
            Crowd("1 socket", 1, 0, count, 0.15),
            Crowd("1 socket without pause", 1, 0, count * 3, 0.0),
            Crowd("1,000 sockets", 1_000, 0, count, 0.25),
            Crowd("999 sockets and 1 stalled", 999, 1, count, 0.25),
        ]
        report.tables.append(measure(Path(temporary), crowds))
        say(report.tables[-1].markdown() + "\n")
    return report
