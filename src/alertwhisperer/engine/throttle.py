"""How often something may be tried, counted in this process's memory."""

from collections import OrderedDict
from typing import Final

from alertwhisperer.domain.errors import RateLimited
from alertwhisperer.ports import Clock

KEYS_AT_MOST: Final = 20_000
"""Beyond that the longest untried key is forgotten."""


class Throttle:
    """At most `limit` tries of one key within `window_seconds` of the first."""

    def __init__(self, clock: Clock, *, limit: int, window_seconds: float) -> None:
        self._clock = clock
        self._limit = limit
        self._window = window_seconds
        self._tries: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count a try before it is made; RateLimited, with the seconds to wait, if it is one too many."""
        now = self._clock.monotonic()
        since, count = self._tries.pop(key, (now, 0))
        if now - since >= self._window:
            since, count = now, 0
        self._tries[key] = (since, count + 1)
        if len(self._tries) > KEYS_AT_MOST:
            self._tries.popitem(last=False)
        if count >= self._limit:
            wait = self._window - (now - since)
            raise RateLimited("too many attempts; wait", retry_after=wait, limit=self._limit)

    def give_back(self, key: str) -> None:
        """The last try was a good one: it does not count."""
        since, count = self._tries.get(key, (0.0, 0))
        if count:
            self._tries[key] = (since, count - 1)

    def forget(self, key: str) -> None:
        """Start over with this key."""
        self._tries.pop(key, None)
