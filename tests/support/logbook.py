"""Writes logs for tests of those who read them: records with counters, at instants of the test's choosing."""

from collections.abc import Sequence
from typing import Any

from alertwhisperer.domain.change import Change, Event, Put, Write
from alertwhisperer.domain.errors import OutcomeUnknown
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.ports import Ids, Storage


class Logbook:
    """One company's log on a real engine."""

    def __init__(self, storage: Storage, ids: Ids, company_id: str = "acme") -> None:
        self.storage = storage
        self.company_id = company_id
        self.records: list[Record] = []
        self._ids = ids

    async def write(
        self,
        at: Instant,
        counts: dict[str, int] | None = None,
        writes: Sequence[Write] = (),
        audit_head: str = "",
        events: Sequence[Event] = (),
    ) -> Record:
        """Commit one record behind those that are there."""
        seq, _ = await self.storage.head(self.company_id)
        change = Change(counts=counts or {}, writes=tuple(writes), audit_head=audit_head, events=tuple(events))
        scope = Scope(self.company_id, SYSTEM)
        record = await self.storage.commit(scope, seq, change, commit_id=self._ids.new_id(), at=at)
        self.records.append(record)
        return record


class DyingStorage:
    """An engine whose process dies at its next `store`s, as told: before they happen, or just after."""

    def __init__(self, storage: Storage, deaths: Sequence[str]) -> None:
        self._storage = storage
        self._deaths = list(deaths)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def store(self, writes: Sequence[Write]) -> None:
        """Store, or die on the way."""
        death = self._deaths.pop(0) if self._deaths else ""
        if death == "before":
            raise OutcomeUnknown("the process died")
        await self._storage.store(writes)
        if death == "after":
            raise OutcomeUnknown("the process died")


def put(collection: str, document: Any) -> Put:
    """A write that expects nothing."""
    return Put(collection, document)
