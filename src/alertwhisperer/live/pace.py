"""How often a subscriber is sent something: at once after quiet, and at most so often under load."""

import asyncio
from itertools import islice
from typing import Final, Protocol

LEAST_SECONDS: Final = 0.05
MOST_SECONDS: Final = 0.1
SECONDS_PER_SUBSCRIBER: Final = 0.000_05
"""A thousand subscribers are sent to ten times a second, a few twenty times: a fan-out costs the loop that much."""

_GRAIN: Final = 0.005
_EARLY: Final = 0.001
"""Loops round their timers to milliseconds: one that strikes a little early has struck."""

_AT_A_TIME: Final = 32
"""Woken in one turn of the loop, so that a fan-out to many lets requests pass in between."""


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
        self._due: dict[Paced, None] = {}
        self._waiting: dict[Paced, None] = {}
        self._turn: asyncio.Handle | None = None
        self._beat: asyncio.TimerHandle | None = None

    @property
    def interval(self) -> float:
        """Seconds between two messages to one subscriber."""
        return min(MOST_SECONDS, LEAST_SECONDS + self.subscribers * SECONDS_PER_SUBSCRIBER)

    def ask(self, one: Paced) -> None:
        """Wake `one` in the loop's next turns if it has been quiet, else when its interval has passed."""
        if one in self._due or one in self._waiting:
            return
        loop = asyncio.get_running_loop()
        due_at = one.woken_at + self.interval
        if due_at <= loop.time():
            self._due[one] = None
            if self._turn is None:
                self._turn = loop.call_soon(self._wake_some)
        else:
            self._waiting[one] = None
            if self._beat is None:
                self._beat = loop.call_at(due_at, self._strike)

    def forget(self, one: Paced) -> None:
        """Wake it no more."""
        self._due.pop(one, None)
        self._waiting.pop(one, None)

    def _wake_some(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for one in list(islice(self._due, _AT_A_TIME)):
            del self._due[one]
            one.wake(now)
        self._turn = loop.call_soon(self._wake_some) if self._due else None

    def _strike(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() - self.interval + _EARLY
        for one in [one for one in self._waiting if one.woken_at <= latest]:
            del self._waiting[one]
            self._due[one] = None
        if self._due and self._turn is None:
            self._wake_some()
        self._beat = None
        if self._waiting:
            next_due = min(one.woken_at for one in self._waiting) + self.interval
            self._beat = loop.call_at(max(next_due, loop.time() + _GRAIN), self._strike)
