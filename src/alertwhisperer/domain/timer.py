"""Timers: everything that is due later."""

from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.instant import Instant

SHARDS: Final = 8
LEASE_SECONDS: Final = 30
"""How long a claim holds before another process may take the timer over."""

TimerKind = Literal["incident.wake", "incident.quiet"]


class Timer(Struct, frozen=True, kw_only=True):
    """Something due at an instant. Its id begins with `due_at`, so that key order is time order.

    `lease_token` names the claim under which it may fire; the commit that fires it deletes it on that condition.
    """

    shard: str
    id: str
    due_at: Instant
    company_id: str
    kind: TimerKind
    subject_id: str
    lease_token: str | None = None
    lease_until: Instant | None = None


def shard_of(company_id: str) -> str:
    """Which of the shards a company's timers are kept in."""
    return str(sha256(company_id.encode()).digest()[0] % SHARDS)


def timer(kind: TimerKind, company_id: str, subject_id: str, due_at: Instant) -> Timer:
    """A timer whose key follows from what it is about: setting it twice for one instant sets one."""
    return Timer(
        shard=shard_of(company_id),
        id=f"{due_at}#{kind}#{subject_id}",
        due_at=due_at,
        company_id=company_id,
        kind=kind,
        subject_id=subject_id,
    )
