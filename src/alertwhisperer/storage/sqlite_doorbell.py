"""Rings when somebody may have written: at once for this process, within milliseconds for others."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from alertwhisperer.storage.sqlite_reads import connect

LOOK_EVERY_SECONDS: Final = 0.005


class Doorbell:
    """Wakes each listener. Other processes are noticed by `PRAGMA data_version`, looked at only while somebody listens.

    The pragma reads a counter in shared memory (some microseconds), so it is asked in the event loop itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: set[asyncio.Event] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    async def rings(self) -> AsyncIterator[None]:
        """One item for any number of rings since the last; ends when the storage is closed."""
        bell = asyncio.Event()
        self._waiting.add(bell)
        if self._watch is None:
            self._watch = asyncio.create_task(self._look(), name="sqlite-doorbell")
        try:
            while not self._closed:
                await bell.wait()
                bell.clear()
                if not self._closed:
                    yield
        finally:
            self._waiting.discard(bell)
            if not self._waiting:
                self._stop_watching()

    def ring(self) -> None:
        """Wake everybody; in the event loop."""
        for bell in self._waiting:
            bell.set()

    def close(self) -> None:
        """Let every listener end."""
        self._closed = True
        self._stop_watching()
        self.ring()

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _look(self) -> None:
        connection = connect(self._path)
        try:
            seen = _data_version(connection)
            while True:
                await asyncio.sleep(LOOK_EVERY_SECONDS)
                with suppress(sqlite3.OperationalError):
                    now = _data_version(connection)
                    if now != seen:
                        seen = now
                        self.ring()
        finally:
            connection.close()


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
