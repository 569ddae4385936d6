"""An open database file: its writing thread, its reading ones, its lock and its doorbell."""

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from alertwhisperer.domain.errors import Unavailable
from alertwhisperer.storage import migrate
from alertwhisperer.storage.sqlite_checkpoint import KEPT_BYTES, Checkpointer
from alertwhisperer.storage.sqlite_doorbell import FileDoorbell
from alertwhisperer.storage.sqlite_reads import Readers, connect
from alertwhisperer.storage.sqlite_writer import FileLock, Writer

R = TypeVar("R")

CACHE_KIB: Final = 24 * 1024
"""Pages of the writing connection kept in memory; 8 to 64 MiB cost the same (measured up to 128,000 alerts)."""

SWITCH_SECONDS: Final = 0.000_05
"""How long a thread that wants the interpreter waits before it demands it (CPython's default: 5 ms).

A busy event loop gives the interpreter up for each system call and takes it back at once; the writing thread, woken
too late, begins its wait anew and may starve for seconds (measured: p99 of a commit 400 to 4,000 ms beside a loop that
never rests, 30 to 60 ms so).
"""


class _Parts(Struct, frozen=True):
    """What an open session holds, to be closed from the last to the first."""

    lock: FileLock
    connection: sqlite3.Connection
    readers: Readers
    checkpointer: Checkpointer
    writer: Writer


class Session:
    """Opens at first use; once closed it serves nothing more."""

    def __init__(self, path: Path, *, readers: int, read_seconds: float) -> None:
        self.path = path
        self.doorbell = FileDoorbell(path)
        self._threads = readers
        self._read_seconds = read_seconds
        self._opening = asyncio.Lock()
        self._parts: _Parts | None = None
        self._closed = False

    async def open(self) -> None:
        """Connect; make the schema, or check it. Invalid if it is not ours, Unavailable if it cannot be opened."""
        await self._opened()

    async def close(self) -> None:
        """Finish what is queued, and disconnect."""
        self._closed = True
        await self.doorbell.close()
        async with self._opening:
            parts, self._parts = self._parts, None
        if parts is not None:
            await parts.writer.close()
            await asyncio.to_thread(_disconnect, parts)

    async def write(
        self,
        act: Callable[[sqlite3.Connection], R],
        *,
        alone: Callable[[sqlite3.Connection], R | None] | None = None,
        done: Callable[[R], None] | None = None,
    ) -> R:
        """Run `act` in the writing thread, inside a transaction that is undone if it raises.

        `alone` may do the same without one (see `Job`). `done` is called in the event loop with the answer once it is
        durable, even if the caller has given up.
        """
        return await (await self._opened()).writer.submit(act, alone=alone, done=done)

    async def read(self, ask: Callable[[sqlite3.Connection], R], *, seconds: float | None = None) -> R:
        """Run `ask` in a reading thread; texts come as bytes. Unavailable if it takes too long."""
        return await (await self._opened()).readers.run(ask, seconds=seconds)

    @property
    def groups(self) -> int:
        """Transactions so far."""
        return self._parts.writer.groups if self._parts else 0

    async def _opened(self) -> _Parts:
        if self._parts is not None:
            return self._parts
        async with self._opening:
            if self._closed:
                raise Unavailable("the database is closed")
            if self._parts is None:
                self._parts = await self._connect()
            return self._parts

    async def _connect(self) -> _Parts:
        try:
            lock, connection = await asyncio.to_thread(_prepared, self.path)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(_refusal(self.path, error)) from error
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
        readers = Readers(self.path, threads=self._threads, seconds=self._read_seconds)
        checkpointer = Checkpointer(self.path)
        writer = Writer(connection, lock, checkpointer, self.doorbell.ring)
        return _Parts(lock, connection, readers, checkpointer, writer)


def _prepared(path: Path) -> tuple[FileLock, sqlite3.Connection]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as undo:
        lock = undo.enter_context(closing(FileLock(migrate.lock_path(path))))
        connection = undo.enter_context(closing(connect(path, statements=512)))
        with lock.held():
            migrate.prepare(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {KEPT_BYTES}")
        undo.pop_all()
        return lock, connection


def _refusal(path: Path, error: sqlite3.Error | OSError) -> str:
    """Why a file cannot be opened, and what to do about it."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        said, step = str(error), "restore a backup (`alertwhisperer db restore`), or set SQLITE_PATH to another file"
    else:
        said = error.strerror or "" if isinstance(error, OSError) else str(error)
        step = f"let this user read and write {path.parent}, or set SQLITE_PATH to another file"
    return f"{path} cannot be opened ({said}): {step}"


def _disconnect(parts: _Parts) -> None:
    for part in (parts.checkpointer, parts.readers, parts.connection, parts.lock):
        part.close()
