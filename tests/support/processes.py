"""Child processes that a test owns, and where their programs are found."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

REQUIRE_REAL = "ALERTWHISPERER_REQUIRE_REAL"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this instant."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def find_program(name: str, *, variable: str, package: str) -> Path:
    """The path of a program: from an environment variable, or from PATH.

    Skips the test when there is none; fails it when ALERTWHISPERER_REQUIRE_REAL=1.
    """
    found = os.environ.get(variable) or shutil.which(name)
    if not found or not Path(found).exists():
        missing(f"{name} is not installed (Debian package {package}; or set {variable})")
    return Path(found)


def missing(reason: str) -> NoReturn:
    """Skips the test for want of something real; fails it when ALERTWHISPERER_REQUIRE_REAL=1."""
    if os.environ.get(REQUIRE_REAL) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class NotReadyError(RuntimeError):
    """A program ended, or did not answer, before it was ready; says what it wrote last."""


@dataclass
class OwnedProcess:
    """One child process with its log file; `stop` and `kill` end this one and no other."""

    argv: Sequence[str]
    folder: Path
    name: str
    env: Mapping[str, str] | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        if self._child is None:
            raise NotReadyError(f"{self.name} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                list(self.argv),
                cwd=self.folder,
                env=dict(self.env) if self.env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self, *, grace_seconds: float = 5.0) -> None:
        """SIGTERM, then SIGKILL if it is still there after the grace."""
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said goodbye to."""
        child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGKILL)
            child.wait()

    def ended(self, *, seconds: float) -> int:
        """Its exit code, once it has ended by itself; raises NotReadyError when time is up."""
        wait_for(lambda: not self.running, seconds=seconds, what=lambda: f"{self.name} goes on\n{self.tail()}")
        return self._child.returncode if self._child else 0

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Returns when `ready()`; raises NotReadyError when the child ends or time is up."""
        wait_for(
            lambda: self._alive() and ready(),
            seconds=seconds,
            what=lambda: f"{self.name} is not ready\n{self.tail()}",
        )

    def _alive(self) -> bool:
        if not self.running:
            code = self._child.returncode if self._child else None
            raise NotReadyError(f"{self.name} ended with {code}\n{self.tail()}")
        return True

    def tail(self, size: int = 4_000) -> str:
        """The last of what the program wrote."""
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""

    def resident_bytes(self) -> int:
        """Resident memory of the child and its descendants, from /proc."""
        return sum(_resident_bytes(pid) for pid in (self.pid, *_descendants(self.pid)))

    def cpu_seconds(self) -> float:
        """User and system time of the child and its living descendants, from /proc."""
        return sum(_cpu_seconds(pid) for pid in (self.pid, *_descendants(self.pid)))


def wait_for(
    ready: Callable[[], bool],
    *,
    seconds: float,
    what: Callable[[], str] | str,
    poll_seconds: float = 0.02,
) -> None:
    """Polls until `ready()`; raises NotReadyError with `what` when the time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            raise NotReadyError(f"waited {seconds:g} s: {said}")
        time.sleep(poll_seconds)


def answers(url: str) -> bool:
    """True when a GET of the url is answered with 2xx."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=2.0).is_success
    return False


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    return found


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _cpu_seconds(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
