"""Short reads beside the writer: a few threads, each with its own connection that can only read."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Final, TypeVar

from alertwhisperer.domain.errors import Unavailable

R = TypeVar("R")
STEPS_BETWEEN_LOOKS: Final = 100_000
"""SQLite instructions between two looks at the clock: some milliseconds."""


def connect(path: Path, *, statements: int = 256) -> sqlite3.Connection:
    """A connection in which transactions are ours to begin. Usable from any one thread at a time."""
    connection = sqlite3.connect(
        path, timeout=5.0, isolation_level=None, check_same_thread=False, cached_statements=statements
    )
    connection.execute("PRAGMA foreign_keys = OFF")
    return connection


class Readers:
    """A pool of reading threads. A read that lasts too long would keep the log file from being reused: it is ended."""

    def __init__(self, path: Path, *, threads: int, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._own = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sqlite-reader")

    async def run(self, ask: Callable[[sqlite3.Connection], R], *, seconds: float | None = None) -> R:
        """The answer of `ask`, run in a thread of the pool; texts come as bytes. Unavailable if it takes too long."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._ask, ask, seconds or self._seconds)

    def close(self) -> None:
        """Wait for reads under way, and disconnect."""
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()

    def _ask(self, ask: Callable[[sqlite3.Connection], R], seconds: float) -> R:
        connection = self._connection()
        self._own.deadline = monotonic() + seconds
        try:
            return ask(connection)
        except sqlite3.OperationalError as error:
            if monotonic() > self._own.deadline:
                message = f"this took longer than {seconds:g} s; ask for less at a time"
                raise Unavailable(message) from error
            raise Unavailable(f"the database cannot be read: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only = ON")
            connection.text_factory = bytes
            connection.set_progress_handler(self._late, STEPS_BETWEEN_LOOKS)
            self._own.connection = connection
            self._connections.append(connection)
        return connection

    def _late(self) -> int:
        return int(monotonic() > self._own.deadline)
