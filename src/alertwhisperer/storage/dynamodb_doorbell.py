"""Rings when somebody may have written: at once for this process, within two seconds for others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from alertwhisperer.domain.errors import AlertWhispererError
from alertwhisperer.storage.dynamodb_heads import Head, Heads

LOOK_EVERY_SECONDS: Final = 2.0


class Doorbell:
    """Wakes each listener. The heads of all logs are read, as they are now, only while somebody listens."""

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self._waiting: set[asyncio.Event] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    async def rings(self) -> AsyncIterator[None]:
        """One item for any number of rings since the last; ends when the storage is closed."""
        bell = asyncio.Event()
        self._waiting.add(bell)
        self._start(await self._heads.all())
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

    def _start(self, seen: dict[str, Head]) -> None:
        if self._watch is None and not self._closed:
            self._watch = asyncio.create_task(self._look(seen), name="dynamodb-doorbell")

    def ring(self) -> None:
        """Wake everybody."""
        for bell in self._waiting:
            bell.set()

    async def close(self) -> None:
        """Let every listener end."""
        self._closed = True
        watch = self._watch
        self._stop_watching()
        self.ring()
        if watch is not None:
            await asyncio.wait([watch])

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _look(self, seen: dict[str, Head]) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            # A hint, not a promise: what cannot be read now is looked at the next time.
            with suppress(AlertWhispererError):
                now = await self._heads.all()
                if now != seen:
                    seen = now
                    self.ring()
