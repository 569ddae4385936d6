"""A log whose answers get lost: what a network, a time-out or a failing disk does to a commit."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Literal, cast

from alertwhisperer.domain.change import Change
from alertwhisperer.domain.errors import AlertWhispererError, OutcomeUnknown, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Storage

Fault = Literal["none", "refuse", "lose request", "arrive late", "lose answer", "cut off", "delay"]
"""refuse: Unavailable, nothing done. lose request / lose answer: OutcomeUnknown, not done / done.

arrive late: OutcomeUnknown, and done just before the next commit. cut off: as lose answer, and the next look at the log
fails too.
"""


class FaultyLog:
    """Commits as its plan says, one fault a commit, and without any once the plan is used up; all else as it is."""

    def __init__(self, storage: Storage, plan: Iterable[Fault]) -> None:
        self._storage = storage
        self._plan = iter(plan)
        self._late: Callable[[], Awaitable[Record]] | None = None
        self._blind_looks = 0

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
        await self._let_the_late_one_arrive()
        store = partial(self._storage.commit, scope, base_seq, change, commit_id=commit_id, at=at, after=after)
        fault = next(self._plan, "none")
        if fault == "refuse":
            raise Unavailable("planned: nothing was written")
        if fault in {"lose request", "arrive late"}:
            self._late = store if fault == "arrive late" else None
            raise OutcomeUnknown("planned: the request was lost")
        if fault == "delay":
            await asyncio.sleep(0.02)
        record = await store()
        if fault in {"lose answer", "cut off"}:
            self._blind_looks += fault == "cut off"
            raise OutcomeUnknown("planned: the answer was lost")
        return record

    async def _let_the_late_one_arrive(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            # Nobody waits for its answer any more.
            with suppress(AlertWhispererError):
                await late()

    async def records(self, company_id: str, after: int, limit: int = 1000, *, told: bool = True) -> list[Record]:
        if self._blind_looks:
            self._blind_looks -= 1
            raise Unavailable("planned: the log cannot be read")
        return await self._storage.records(company_id, after, limit, told=told)


def faulty(storage: Storage, *plan: Fault) -> Storage:
    """The storage with faults planned for its next commits."""
    return cast("Storage", FaultyLog(storage, plan))
