"""What the figures depend on: the machine and how long its disk takes to promise."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path

from benchmarks.load import percentile


def describe() -> str:
    """One line: processor, cores, memory, kernel, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def sync_latencies(folder: Path, *, rounds: int = 200) -> list[float]:
    """Seconds for a write of 4 KiB with fdatasync, ordered; the floor of every durable ack."""
    taken: list[float] = []
    path = folder / "probe"
    with path.open("wb", buffering=0) as file:
        for _ in range(rounds):
            started = time.perf_counter()
            file.write(b"\0" * 4096)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    path.unlink()
    return sorted(taken)


def describe_disk(folder: Path) -> str:
    taken = sync_latencies(folder)
    return (
        f"write 4 KiB + fdatasync: p50 {percentile(taken, 50) * 1e3:.2f} ms, p99 {percentile(taken, 99) * 1e3:.2f} ms"
    )


def busy_cores(seconds: float = 0.5) -> float:
    """How many cores others keep busy at this moment."""
    before = _busy_ticks()
    time.sleep(seconds)
    return (_busy_ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def _busy_ticks() -> int:
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return sum(fields[:8]) - fields[3] - fields[4]


def allow_many_sockets(count: int) -> None:
    """Raises the soft limit on open files; ValueError when the hard one is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
