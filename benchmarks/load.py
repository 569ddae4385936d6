"""A closed-loop HTTP/1.1 load: N keep-alive connections, each with one request in flight.

Requests are whole rendered messages, so a request costs the generator one write, one read and
two searches. That leaves one shared core able to push more than the servers it measures; the
null server's row in each report says by how much.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"


class LoadError(RuntimeError):
    """A connection was lost, or an answer could not be read."""


@dataclass(frozen=True)
class Outcome:
    """What one load did; latencies are of whole requests, in seconds, sorted."""

    seconds: float
    latencies: Sequence[float]
    statuses: dict[int, int]
    answers: Sequence[bytes]
    generator_cpu_seconds: float

    @property
    def requests(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def percentile(self, percent: float) -> float:
        return percentile(self.latencies, percent)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of an ordered sequence; NaN of nothing."""
    if not ordered:
        return float("nan")
    rank = max(0, -(-len(ordered) * percent // 100) - 1)
    return ordered[int(rank)]


class _Tally:
    """What all connections of one load share."""

    def __init__(self, requests: Sequence[bytes], connections: int, keep: int, done: asyncio.Future[None]) -> None:
        self.pending: Iterator[bytes] = iter(requests)
        self.open = connections
        self.keep = keep
        self.latencies: list[float] = []
        self.statuses: dict[int, int] = {}
        self.answers: list[bytes] = []
        self.done = done

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(why))

    def finish_one(self) -> None:
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered whole."""

    def __init__(self, tally: _Tally) -> None:
        self._tally = tally
        self._received = b""
        self._sent_at = 0.0
        self._finished = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send_next(self) -> None:
        request = next(self._tally.pending, None)
        if request is None:
            self._finished = True
            self._transport.close()
            self._tally.finish_one()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head_end = received.find(_HEAD_END)
        if head_end < 0:
            self._received = received
            return
        body_length = _content_length(received, head_end)
        if body_length is None:
            self._tally.fail(f"no Content-Length in {received[:head_end]!r}")
            return
        if len(received) < head_end + 4 + body_length:
            self._received = received
            return
        self._received = b""
        tally = self._tally
        tally.latencies.append(time.perf_counter() - self._sent_at)
        status = int(received[9:12])
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        if len(tally.answers) < tally.keep:
            tally.answers.append(received[head_end + 4 :])
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._finished:
            self._tally.fail(f"connection lost: {exc}")


def _content_length(received: bytes, head_end: int) -> int | None:
    """The value of Content-Length, spelt as Go, h11 and httptools servers spell it."""
    at = received.find(b"ontent-", 0, head_end)
    while at >= 0:
        if received[at + 7 : at + 14] in {b"length:", b"Length:"}:
            return int(received[at + 14 : received.find(b"\r", at)])
        at = received.find(b"ontent-", at + 7, head_end)
    return 0 if received[9:12] == b"204" else None


async def _drive(port: int, requests: Sequence[bytes], connections: int, keep: int) -> tuple[float, _Tally]:
    loop = asyncio.get_running_loop()
    tally = _Tally(requests, connections, keep, loop.create_future())
    opened: list[_Connection] = []
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: _Connection(tally), "127.0.0.1", port)
        opened.append(connection)
    started = time.perf_counter()
    for connection in opened:
        connection.send_next()
    await tally.done
    return time.perf_counter() - started, tally


def run_load(port: int, requests: Sequence[bytes], *, connections: int, keep_answers: int = 0) -> Outcome:
    """Sends all requests to 127.0.0.1 and returns when the last is answered.

    Keeps the first `keep_answers` bodies. Raises LoadError when a connection is lost.
    """
    before = resource.getrusage(resource.RUSAGE_SELF)
    gc.collect()
    gc.disable()
    try:
        seconds, tally = uvloop.run(_drive(port, requests, connections, keep_answers))
    finally:
        gc.enable()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return Outcome(
        seconds=seconds,
        latencies=sorted(tally.latencies),
        statuses=tally.statuses,
        answers=tally.answers,
        generator_cpu_seconds=after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime,
    )
