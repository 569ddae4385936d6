"""Passwords are hashed as the standard asks, and an unknown person costs as much as a known one."""

import asyncio
from collections.abc import Iterator

import pytest

from alertwhisperer.domain.errors import Unavailable
from alertwhisperer.storage import passwords
from alertwhisperer.storage.passwords import Argon2Passwords


@pytest.fixture
def hashing() -> Iterator[Argon2Passwords]:
    made = Argon2Passwords()
    yield made
    made.close()


async def test_only_the_right_password_matches(hashing: Argon2Passwords) -> None:
    hashed = await hashing.hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hashing.matches(hashed, "correct horse")
    assert not await hashing.matches(hashed, "wrong horse")
    assert await hashing.hash("correct horse") != hashed


async def test_nobodys_password_matches_nothing(hashing: Argon2Passwords) -> None:
    assert not await hashing.matches(None, "nobody has this password")
    assert not await hashing.matches("no hash at all", "x")


async def test_beyond_its_queue_it_asks_to_come_again(hashing: Argon2Passwords) -> None:
    tries = [hashing.matches(None, "x") for _ in range(passwords.WAITING_AT_MOST + 1)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert isinstance(answers[-1], Unavailable)
    assert answers[:-1] == [False] * passwords.WAITING_AT_MOST
    assert not await hashing.matches(None, "x")
