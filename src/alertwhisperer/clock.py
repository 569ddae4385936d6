"""Time and ids: the only module that reads the machine's clock, or its randomness for identities.

Ids are UUIDv7 (RFC 9562, section 5.7): time-ordered identities, never cursors.
"""

import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta

from alertwhisperer.domain.instant import Instant, instant, moment

COUNTER_LIMIT = 1 << 12
COUNTER_START_BITS = 10


class SystemClock:
    """The machine's clock."""

    def now(self) -> Instant:
        return instant(datetime.now(UTC))

    def monotonic(self) -> float:
        return time.monotonic()


class VirtualClock:
    """A clock that stands until it is moved: for tests, replays and backtests."""

    def __init__(self, start: Instant = "2026-01-05T09:00:00.000000Z") -> None:
        self._now = moment(start)
        self._elapsed = 0.0

    def now(self) -> Instant:
        return instant(self._now)

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> Instant:
        """Move forward, and return the new instant; raises ValueError for a step backwards."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds
        return self.now()

    def move_to(self, at: Instant) -> Instant:
        """Move forward to an instant; raises ValueError when it lies in the past."""
        return self.advance((moment(at) - self._now).total_seconds())


class SystemIds:
    """UUIDv7 strings that rise within a process, from any of its threads.

    48 bits of Unix milliseconds, then a 12-bit counter that starts at random in each millisecond
    (RFC 9562, section 6.2, method 1), then 62 random bits. A full counter borrows the next
    millisecond, and a clock that steps back is waited out in the same way: ids never fall.
    """

    def __init__(self) -> None:
        self._millisecond = 0
        self._counter = 0
        self._prefix = ""
        self._seed()
        # A forked child would otherwise draw the very bits that its parent draws.
        os.register_at_fork(after_in_child=self._seed)

    def _seed(self) -> None:
        # Ids must be unique, not secret; the operating system's generator costs a system call an id.
        self._bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311
        self._lock = threading.Lock()

    def new_id(self) -> str:
        """Return the next id."""
        bits = self._bits
        with self._lock:
            millisecond = time.time_ns() // 1_000_000
            self._counter += 1
            if millisecond > self._millisecond:
                self._start(millisecond)
            elif self._counter == COUNTER_LIMIT:
                self._start(self._millisecond + 1)
            prefix, counter = self._prefix, self._counter
        return f"{prefix}{counter:03x}-{bits(14) | 0x8000:04x}-{bits(48):012x}"

    def _start(self, millisecond: int) -> None:
        self._millisecond = millisecond
        self._counter = self._bits(COUNTER_START_BITS)
        text = f"{millisecond:012x}"
        self._prefix = f"{text[:8]}-{text[8:]}-7"


class SequentialIds:
    """Ids that a test can foresee: well-formed UUIDv7 strings that count 1, 2, 3."""

    def __init__(self) -> None:
        self._last = 0

    def new_id(self) -> str:
        self._last += 1
        return f"00000000-0000-7000-8000-{self._last:012x}"


new_id = SystemIds().new_id
