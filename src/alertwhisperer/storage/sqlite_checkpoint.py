"""Carries what the log file (WAL) holds into the database file, beside the writer.

SQLite's own way is to do it inside some commit, each thousand pages: that commit's waiters pay for all (measured at
64 alerts a commit: p99 78 ms against 11 ms), and a page that every commit changes is carried over each time. Here a
second connection carries a larger log over while the writer goes on. Since the log can only begin anew once nothing
is left in it, the writer itself carries the last few pages, those written meanwhile.
"""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from alertwhisperer.storage.sqlite_reads import connect

ROWS_BETWEEN: Final = 8_000
"""Changed rows between two turns: 10 to 100 MB of log."""

KEPT_BYTES: Final = 64 * 2**20
"""What of a longer log's file is kept for the next one."""


class Checkpointer:
    """A thread that sleeps until it is told that enough was written."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._wake = threading.Event()
        self._closing = False
        self._carried = False
        self._rows_before = 0
        self._thread = threading.Thread(target=self._work, name="sqlite-checkpoint", daemon=True)
        self._thread.start()

    def after_commit(self, writing: sqlite3.Connection) -> None:
        """In the writing thread, with the file lock still held: wake the thread, or finish what it has done."""
        if self._carried:
            self._carried = False
            self._rows_before = writing.total_changes
            _carry(writing)
        elif writing.total_changes - self._rows_before > ROWS_BETWEEN:
            self._rows_before = writing.total_changes
            self._wake.set()

    def close(self) -> None:
        """End the thread, and disconnect."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closing:
                return
            _carry(self._connection)
            self._carried = True


def _carry(connection: sqlite3.Connection) -> None:
    """As much as readers allow. What fails here, as on a full disk, the writer meets too, and tells."""
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
