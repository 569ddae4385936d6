"""Tickets: good once, for thirty seconds, in any process."""

import asyncio

import pytest

from alertwhisperer.clock import SequentialIds, SystemIds, VirtualClock
from alertwhisperer.domain.errors import Unauthenticated
from alertwhisperer.live.tickets import Tickets
from tests.support.memory_log import MemoryDatabase, MemoryLog

SECRET = "a secret that signs the tokens of this house"


class Offices:
    """Two processes that issue and redeem tickets over one database and clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        database = MemoryDatabase()
        ids = SequentialIds()
        self.here, self.there = (Tickets(SECRET, MemoryLog(database), self.clock, ids) for _ in range(2))


async def test_a_ticket_is_redeemed_by_another_process() -> None:
    offices = Offices()
    ticket, expires_at = offices.here.issue("session-of-rio")
    assert expires_at == "2026-01-05T09:00:30.000000Z"
    assert await offices.there.redeem(ticket) == "session-of-rio"


async def test_a_ticket_is_good_once_even_for_two_processes_at_once() -> None:
    offices = Offices()
    ticket, _ = offices.here.issue("session-of-rio")
    attempts = [office.redeem(ticket) for office in (offices.here, offices.there, offices.here)]
    ends = await asyncio.gather(*attempts, return_exceptions=True)
    assert ends.count("session-of-rio") == 1
    assert sum(isinstance(end, Unauthenticated) for end in ends) == 2


async def test_a_ticket_expires() -> None:
    offices = Offices()
    ticket, _ = offices.here.issue("session-of-rio")
    offices.clock.advance(30)
    with pytest.raises(Unauthenticated):
        await offices.here.redeem(ticket)


async def test_a_ticket_of_another_secret_or_another_text_does_not_hold() -> None:
    offices = Offices()
    ticket, _ = offices.here.issue("session-of-rio")
    other = Tickets("another secret", MemoryLog(), offices.clock, SystemIds())
    payload, _, signature = ticket.partition(".")
    forged = [
        other.issue("session-of-rio")[0],
        f"{payload}A.{signature}",
        f"{payload}.{signature[:-1]}",
        payload,
        f".{signature}",
        "",
        ".",
        "ü.ü",
    ]
    for text in forged:
        with pytest.raises(Unauthenticated):
            await offices.here.redeem(text)
    assert await offices.here.redeem(ticket) == "session-of-rio"
