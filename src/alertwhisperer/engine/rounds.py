"""What a process does again and again while it lives: folding, firing timers, retention."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from alertwhisperer.domain.errors import Unavailable

JITTER: Final = 0.2
"""A round's pause varies by this share, so that processes do not knock at the database in step."""

log = structlog.get_logger(__name__)


class Round:
    """A job repeated about every `every_seconds`, first after up to `delay_seconds`.

    `failures` counts the times it raised; it goes on all the same.
    """

    def __init__(
        self,
        name: str,
        job: Callable[[], Awaitable[object]],
        *,
        every_seconds: float,
        chance: Callable[[], float],
        delay_seconds: float = 0,
    ) -> None:
        self.name = name
        self.failures = 0
        self._job = job
        self._every_seconds = every_seconds
        self._chance = chance
        self._delay_seconds = delay_seconds

    async def once(self) -> None:
        """Do the job now; what it raises is logged and counted."""
        try:
            await self._job()
        except Unavailable as error:
            # The database is away: what is left undone waits for it, and where that was met says nothing.
            self.failures += 1
            log.warning("round failed", round=self.name, reason=str(error))
        # A round must outlive whatever one turn of it meets: what it left undone, the next turn does.
        except Exception:
            self.failures += 1
            log.exception("round failed", round=self.name)

    async def forever(self) -> None:
        """Do the job until cancelled."""
        await asyncio.sleep(self._delay_seconds * self._chance())
        while True:
            await self.once()
            await asyncio.sleep(self._every_seconds * (1 + JITTER * (2 * self._chance() - 1)))


class Rounds:
    """The rounds of one process, started and stopped together."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self.rounds = rounds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin each round, in the running event loop."""
        self._tasks = [asyncio.create_task(each.forever(), name=each.name) for each in self.rounds]

    async def stop(self) -> None:
        """End each round; a turn under way is cancelled (each is safe to be cut off)."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
