"""Trying again while a database is away for a moment: a move lasts for long, and what it does may be done twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from alertwhisperer.domain.errors import Unavailable

T = TypeVar("T")

TRIES: Final = 12
PAUSE_SECONDS: Final = 0.1
PAUSE_AT_MOST: Final = 10.0


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """What the work returns. It is done again, after growing pauses, while it is Unavailable or its answer lost."""
    pause = PAUSE_SECONDS
    for _ in range(TRIES):
        try:
            return await work()
        except Unavailable:
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_AT_MOST)
    return await work()
