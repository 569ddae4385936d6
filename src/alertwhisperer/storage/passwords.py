"""Passwords: argon2id at OWASP's second recommendation (t=2, 19 MiB, p=1), about 20 ms each.

Hashing runs in a pool of two threads, so that a burst of sign-ins never holds the event loop, nor
more than 38 MiB.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alertwhisperer.domain.errors import Unavailable

THREADS: Final = 2
WAITING_AT_MOST: Final = 100
"""Two seconds of work: whoever comes later is told to try again, and nothing piles up."""

T = TypeVar("T")


class Argon2Passwords:
    """Hashes and compares passwords; an unknown person costs the same time as a known one."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The hash to store; Unavailable when too many wait."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the hashed one. With None (nobody's) the work is done all the same."""
        return await self._run(lambda: self._verify(hashed or self._nobodys, password)) and bool(hashed)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_AT_MOST:
            raise Unavailable("too many are signing in; try again", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
