"""A log whose answers get lost: what a network, a time-out or a failing disk does to a commit."""

import asyncio
from collections.abc import Iterable
from typing import Literal, cast

from alertwhisperer.domain.change import Change
from alertwhisperer.domain.errors import OutcomeUnknown, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Storage

Fault = Literal["none", "refuse", "lose request", "lose answer", "delay"]
"""refuse: Unavailable, nothing done. lose request / lose answer: OutcomeUnknown, not done / done."""


class FaultyLog:
    """Commits as its plan says, one fault a commit, and without any once the plan is used up; all else as it is."""

    def __init__(self, storage: Storage, plan: Iterable[Fault]) -> None:
        self._storage = storage
        self._plan = iter(plan)

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    async def commit(
        self,
        scope: Scope,
        base_seq: int,
        change: Change,
        *,
        commit_id: str,
        at: Instant,
        after: str | None = None,
    ) -> Record:
        fault = next(self._plan, "none")
        if fault == "refuse":
            raise Unavailable("planned: nothing was written")
        if fault == "lose request":
            raise OutcomeUnknown("planned: the request was lost")
        if fault == "delay":
            await asyncio.sleep(0.02)
        record = await self._storage.commit(scope, base_seq, change, commit_id=commit_id, at=at, after=after)
        if fault == "lose answer":
            raise OutcomeUnknown("planned: the answer was lost")
        return record


def faulty(storage: Storage, *plan: Fault) -> Storage:
    """The storage with faults planned for its next commits."""
    return cast("Storage", FaultyLog(storage, plan))
