"""Rings when somebody may have written: at once for this process, within milliseconds for others."""

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from alertwhisperer.storage.doorbell import Doorbell
from alertwhisperer.storage.sqlite_reads import connect

LOOK_EVERY_SECONDS: Final = 0.005


class FileDoorbell(Doorbell):
    """Other processes are noticed by `PRAGMA data_version`: a counter in shared memory, read in some microseconds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def watch(self) -> None:
        """See `Doorbell.watch`. It is asked in the event loop itself."""
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
