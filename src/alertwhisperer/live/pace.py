"""How often a subscriber is sent something: at once after quiet, and at most so often under load."""

import asyncio
from typing import Final, Protocol

LEAST_SECONDS: Final = 0.05
MOST_SECONDS: Final = 0.1
SECONDS_PER_SUBSCRIBER: Final = 0.000_05
"""A thousand subscribers are sent to ten times a second, a few twenty times: a fan-out costs the loop that much."""

_GRAIN: Final = 0.005


class Paced(Protocol):
    """Who is paced. `woken_at` is the loop's time of the last `wake`."""

    woken_at: float

    def wake(self, now: float) -> None:
        """It may send one message."""
        ...


class Pace:
    """Wakes each subscriber that has something to send, never twice within the interval."""

    def __init__(self) -> None:
        self.subscribers = 0
        self._waiting: dict[Paced, None] = {}
        self._beat: asyncio.TimerHandle | None = None

    @property
    def interval(self) -> float:
        """Seconds between two messages to one subscriber."""
        return min(MOST_SECONDS, LEAST_SECONDS + self.subscribers * SECONDS_PER_SUBSCRIBER)

    def ask(self, one: Paced) -> None:
        """Wake `one` now if it has been quiet, else when its interval has passed."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = one.woken_at + self.interval
        if due <= now:
            self._waiting.pop(one, None)
            one.wake(now)
            return
        self._waiting[one] = None
        if self._beat is None:
            self._beat = loop.call_at(due, self._strike)

    def forget(self, one: Paced) -> None:
        """Wake it no more."""
        self._waiting.pop(one, None)

    def _strike(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._beat = None
        latest = now - self.interval
        due = [one for one in self._waiting if one.woken_at <= latest]
        for one in due:
            del self._waiting[one]
            one.wake(now)
        if self._waiting:
            next_due = min(one.woken_at for one in self._waiting) + self.interval
            self._beat = loop.call_at(max(next_due, now + _GRAIN), self._strike)
