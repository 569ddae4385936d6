"""The bell of a storage: wakes those who listen, each for all that has rung since it last looked."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from alertwhisperer.ports import Ring


class _Ear:
    """One listener."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()
        self._names: set[str] = set()
        self._any = False

    def hear(self, ring: Ring) -> None:
        self._any |= ring is None
        self._names |= ring or frozenset()
        self.rung.set()

    def take(self) -> Ring:
        ring = None if self._any else frozenset(self._names)
        self._any = False
        self._names.clear()
        self.rung.clear()
        return ring


class Doorbell(ABC):
    """Rings at once for this process; what others do is watched only while somebody listens."""

    def __init__(self) -> None:
        self._ears: set[_Ear] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    async def rings(self) -> AsyncIterator[Ring]:
        """One item for any number of rings since the last; ends when the storage is closed."""
        ear = _Ear()
        self._ears.add(ear)
        if self._watch is None and not self._closed:
            self._watch = asyncio.create_task(self.watch(), name="doorbell")
        try:
            while not self._closed:
                await ear.rung.wait()
                ring = ear.take()
                if not self._closed:
                    yield ring
        finally:
            self._ears.discard(ear)
            if not self._ears:
                self._stop_watching()

    def ring(self, ring: Ring = None) -> None:
        """Wake everybody; in the event loop."""
        for ear in self._ears:
            ear.hear(ring)

    async def close(self) -> None:
        """Let every listener end."""
        self._closed = True
        watch = self._stop_watching()
        self.ring()
        if watch is not None:
            await asyncio.wait([watch])

    def _stop_watching(self) -> asyncio.Task[None] | None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
        return watch

    @property
    def listened_to(self) -> bool:
        """Whether anybody listens."""
        return bool(self._ears)

    @abstractmethod
    async def watch(self) -> None:
        """Ring when other processes may have written, until cancelled."""
