"""Carries what the log file (WAL) holds into the database file, beside the writer.

SQLite's own way is to do it inside some commit, each thousand pages: that commit's waiters pay for it, and a page that
every commit changes is carried over each time. Here a second connection carries a larger log over while the writer
goes on. The log can only begin anew when nothing is left in it. In a pause between commits that comes by itself;
under unbroken load the writer has to carry the last pages itself, which costs it a flush of the disk (20 to 60 ms
measured), so it does so seldom: once the log is long.
"""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from alertwhisperer.storage.sqlite_reads import connect

ROWS_BETWEEN: Final = 8_000
"""Changed rows between two turns under load: some 10,000 pages of log."""

ROWS_WHEN_CALM: Final = 500
"""Changed rows that are worth a turn once a second."""

PAGES_AT_MOST: Final = 50_000
"""Pages of log (200 MB) from which the writer makes it begin anew."""

KEPT_BYTES: Final = 64 * 2**20
"""What of a longer log's file is kept for the next one."""


class Checkpointer:
    """A thread that sleeps until enough was written."""

    def __init__(self, path: Path, *, rows_between: int = ROWS_BETWEEN, pages_at_most: int = PAGES_AT_MOST) -> None:
        self._rows_between = rows_between
        self._pages_at_most = pages_at_most
        self._connection = connect(path)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._wake = threading.Event()
        self._closing = False
        self._too_long = False
        self._rows = 0
        self._rows_carried = 0
        self._thread = threading.Thread(target=self._work, name="sqlite-checkpoint", daemon=True)
        self._thread.start()

    def after_commit(self, writing: sqlite3.Connection) -> None:
        """In the writing thread, with the file lock still held."""
        self._rows = writing.total_changes
        if self._too_long:
            self._too_long = False
            _carry(writing)
        elif self._rows - self._rows_carried > self._rows_between:
            self._wake.set()

    def close(self) -> None:
        """End the thread, and disconnect."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        while True:
            self._wake.wait(timeout=1.0)
            self._wake.clear()
            if self._closing:
                return
            if self._rows - self._rows_carried > ROWS_WHEN_CALM:
                self._rows_carried = self._rows
                self._too_long = _carry(self._connection) > self._pages_at_most


def _carry(connection: sqlite3.Connection) -> int:
    """Carry over as much as readers allow; returns how many pages the log has.

    What fails here, as on a full disk, the writer meets too, and tells.
    """
    with suppress(sqlite3.OperationalError):
        return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
    return 0
