"""Stopping the writers of a database, and keeping its retention off (DESIGN §8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from alertwhisperer.domain.change import Change, Delete, Put
from alertwhisperer.domain.errors import AlertWhispererError, Conflict, Unavailable
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.domain.transfer import FENCE_COMMIT, FENCE_KEY, Fence, Hold, hold_key
from alertwhisperer.ports import Clock, Ids, Storage
from alertwhisperer.storage.transfer_documents import companies_of
from alertwhisperer.storage.transfer_patience import patiently

RETRY_AFTER_SECONDS: Final = 5.0
HOLD_SECONDS: Final = 3600.0
RENEW_SECONDS: Final = 60.0
RACES: Final = 1_000
SETTLE_SECONDS: Final = 1.0
"""Who began a company's first commit before the fence stood has ended it by then, and its log is found."""


async def set_fence(storage: Storage, clock: Clock, ids: Ids, reason: str) -> dict[str, int]:
    """Let nobody commit any more; returns where each log ends."""
    fence = Fence(at=clock.now(), reason=reason, retry_after=RETRY_AFTER_SECONDS)
    await patiently(lambda: storage.store([Put("snapshots", fence)]))
    ends: dict[str, int] = {}
    for pause in (0.0, SETTLE_SECONDS):
        await asyncio.sleep(pause)
        for company_id in await companies_of(storage):
            if company_id not in ends:
                ends[company_id] = await _end_log(storage, clock, ids, company_id)
    return ends


async def _end_log(storage: Storage, clock: Clock, ids: Ids, company_id: str) -> int:
    """Put a record that does nothing behind all others; whoever comes next loses the race for its place."""
    for _ in range(RACES):
        try:
            return await patiently(lambda: _put_behind(storage, clock, ids, company_id))
        except Conflict:
            continue  # A writer was faster; a fence too many, when an answer was lost, does no harm.
    raise Unavailable(f"the log of {company_id} is written to so fast that it could not be ended; nothing has moved")


async def _put_behind(storage: Storage, clock: Clock, ids: Ids, company_id: str) -> int:
    seq, audit_head = await storage.head(company_id)
    commit_id, change = f"{FENCE_COMMIT}{ids.new_id()}", Change(audit_head=audit_head)
    record = await storage.commit(Scope(company_id, SYSTEM), seq, change, commit_id=commit_id, at=clock.now())
    return record.seq


async def lift_fence(storage: Storage) -> None:
    """Let writers in again."""
    await patiently(lambda: storage.store([Delete("snapshots", FENCE_KEY)]))


async def fence_of(storage: Storage) -> Fence | None:
    """The fence, if the database has one."""
    return await storage.get(Fence, FENCE_KEY)


@asynccontextmanager
async def held(storage: Storage, clock: Clock, holder: str) -> AsyncIterator[None]:
    """Keep retention off while this lasts, and for an hour in case it is broken off: it may be resumed until then.

    `holder` names what is copied to; holds of others stand beside.
    """
    await _hold(storage, clock, holder)
    renewing = asyncio.create_task(_renew(storage, clock, holder))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


async def release(storage: Storage, holder: str) -> None:
    """Let retention go on at once, unless somebody else holds it."""
    await patiently(lambda: storage.store([Delete("snapshots", hold_key(holder))]))


async def _renew(storage: Storage, clock: Clock, holder: str) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        # The lease lasts for many renewals: one that fails is made up for by the next.
        with suppress(AlertWhispererError):
            await _hold(storage, clock, holder)


async def _hold(storage: Storage, clock: Clock, holder: str) -> None:
    _, within = hold_key(holder)
    hold = Hold(id=within, until=plus(clock.now(), HOLD_SECONDS))
    await patiently(lambda: storage.store([Put("snapshots", hold)]))
