"""The loop that fires timers: claims what is due by compare-and-set, and calls what its kind stands for.

A claim writes a lease token; the commit of the operation that fires deletes the timer on condition of that token. So
a timer's effect on our data happens exactly once: a scheduler that died is taken over when its lease ends, and one
that slept through its lease is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from msgspec.structs import replace

from alertwhisperer.domain.change import Delete, Put
from alertwhisperer.domain.errors import AlertWhispererError, NotFound, Stale
from alertwhisperer.domain.instant import Instant, plus
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.domain.timer import LEASE_SECONDS, SHARDS, Timer, TimerKind
from alertwhisperer.ports import Clock, Ids, Storage

TIMERS: Final = "timers"
_BATCH: Final = 100

Handler = Callable[[Scope, Timer], Awaitable[object]]
"""Fires one kind: (scope of the company, the claimed timer). Its commit deletes the timer on
condition of its lease token; NotFound says that its subject is gone."""

log = structlog.get_logger(__name__)


class Scheduler:
    """Fires timers. `fired`, `lost` (another was faster) and `failed` count since the process began."""

    def __init__(self, storage: Storage, clock: Clock, ids: Ids, handlers: Mapping[TimerKind, Handler]) -> None:
        self.fired = 0
        self.lost = 0
        self.failed = 0
        self._storage = storage
        self._clock = clock
        self._ids = ids
        self._handlers = handlers

    async def tick_now(self) -> int:
        """`tick` at the clock's present."""
        return await self.tick(self._clock.now())

    async def tick(self, now: Instant) -> int:
        """Fire what is due at `now` and not claimed by another; returns how many fired."""
        return sum(await asyncio.gather(*(self._tick_shard(str(shard), now) for shard in range(SHARDS))))

    async def _tick_shard(self, shard: str, now: Instant) -> int:
        fired = 0
        for timer in await self._due(shard, now):
            fired += await self._claim_and_fire(timer, now)
        return fired

    async def _due(self, shard: str, now: Instant) -> list[Timer]:
        # Ids begin with `due_at#`, and "$" follows "#": a range of the key, oldest first.
        query = {
            "shard": shard,
            "id": {"$lt": f"{now}$"},
            "$or": [{"lease_until": None}, {"lease_until": {"$lte": now}}],
        }
        return await self._storage.select(Timer, query, sort=[("id", 1)], limit=_BATCH)

    async def _claim_and_fire(self, timer: Timer, now: Instant) -> bool:
        claimed = replace(timer, lease_token=self._ids.new_id(), lease_until=plus(now, LEASE_SECONDS))
        try:
            await self._storage.store([Put(TIMERS, claimed, {"lease_token": timer.lease_token})])
            await self._fire(claimed)
        except Stale:
            self.lost += 1
            return False
        except AlertWhispererError:
            # One timer that cannot fire now must not hold up the others; it is tried again when its lease ends.
            self.failed += 1
            log.exception("timer failed", kind=timer.kind, company_id=timer.company_id, subject_id=timer.subject_id)
            return False
        self.fired += 1
        return True

    async def _fire(self, timer: Timer) -> None:
        try:
            await self._handlers[timer.kind](Scope(timer.company_id, SYSTEM), timer)
        except NotFound:
            await self._storage.store([Delete(TIMERS, (timer.shard, timer.id), {"lease_token": timer.lease_token})])
