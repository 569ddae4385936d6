"""Retention: what is older than it should be kept is deleted, oldest first, in small batches.

Ids made by us begin with their time, so the old stand at the beginning of their key. What follows from the log alone
is deleted without a record in it; each batch leaves a state that readers understand, so a sweep may be cut off.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Delete, Put, Write
from alertwhisperer.domain.delivery import Intake, Receipt
from alertwhisperer.domain.errors import Stale
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.incident import Incident, is_open
from alertwhisperer.domain.instant import Instant, moment, plus
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.domain.snapshot import Snapshot
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.domain.transfer import HOLDS, Hold
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.deliveries import INTAKES, archives
from alertwhisperer.engine.meters import Tally
from alertwhisperer.ports import Clock, Query, Storage
from alertwhisperer.schema import COLLECTIONS

BATCH: Final = 500
DAY_SECONDS: Final = 86_400
SNAPSHOTS: Final = "snapshots"

log = structlog.get_logger(__name__)


def defaults() -> dict[str, int]:
    """Collection → days that it is kept, as `schema.py` declares."""
    return {each.name: each.keep_days for each in COLLECTIONS if each.keep_days is not None}


def first_id_at(at: Instant) -> str:
    """The least UUIDv7 (RFC 9562) of an instant's millisecond: what was made before it is less."""
    milliseconds = f"{int(moment(at).timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"


class Retention:
    """Sweeps. `keep_days` says how long each collection is kept; `swept` counts what was deleted, by collection."""

    def __init__(
        self, storage: Storage, clock: Clock, counters: Counters, audit: Audit, keep_days: Mapping[str, int]
    ) -> None:
        self.swept = Tally("collection")
        self._storage = storage
        self._clock = clock
        self._counters = counters
        self._audit = audit
        self._keep_days = keep_days
        # One less than the storage takes: the last batch of a timeline takes its incident with it.
        self._batch = storage.limits.batch(BATCH + 1) - 1

    async def sweep_all(self) -> None:
        """Sweep every company that has a log, and `_msp`."""
        for company_id, _ in await self._storage.companies_with_log():
            await self.sweep(Scope(company_id, SYSTEM))

    async def sweep(self, scope: Scope) -> None:
        """Delete what a company has kept long enough; nothing while a copy of the database is being made."""
        until = max((each.until for each in await self._storage.select(Hold, HOLDS)), default="")
        if until > self._clock.now():
            log.info("sweep held", company_id=scope.company_id, until=until)
            return
        sweeps: dict[str, Callable[[Scope, Instant], Awaitable[None]]] = {
            "alerts": self._alerts,
            "incidents": self._incidents,
            "deliveries": self._deliveries,
            "receipts": self._receipts,
            "audit_logs": self._audit_logs,
            "events": self._events,
        }
        for collection, sweep in sweeps.items():
            if collection in self._storage.expiring:
                continue
            try:
                await sweep(scope, self._cutoff(collection))
            except Stale:
                # Somebody changed or swept what we were about to: the next round looks again.
                log.info("sweep gave way", collection=collection, company_id=scope.company_id)

    def _cutoff(self, collection: str) -> Instant:
        """What is older has been kept long enough."""
        return plus(self._clock.now(), -self._keep_days[collection] * DAY_SECONDS)

    async def _alerts(self, scope: Scope, cutoff: Instant) -> None:
        after = ""
        while page := await self._storage.select(
            Alert, _old(scope, after, cutoff), sort=[("id", 1)], limit=self._batch
        ):
            after = page[-1].id
            ended = [each for each in page if each.resolved_at is not None and each.resolved_at < cutoff]
            held = await self._held(scope, {each.correlated_incident_id or "" for each in ended})
            going = [each for each in ended if (each.correlated_incident_id or "") not in held]
            await self._store(
                "alerts",
                [Delete("alerts", (scope.company_id, a.id), {"resolved_at": a.resolved_at}) for a in going],
            )

    async def _held(self, scope: Scope, incident_ids: set[str]) -> set[str]:
        """Those of the incidents that are open, or were merged into one that is."""
        held: set[str] = set()
        asked, leads_to = incident_ids, {each: each for each in incident_ids}
        while asked:
            found = await self._storage.get_many(Incident, [(scope.company_id, each) for each in asked if each])
            still_open = {each.id for each in found if is_open(each)}
            held |= {source for source, now in leads_to.items() if now in still_open}
            merged = {each.id: each.merged_into for each in found if each.merged_into}
            leads_to = {source: merged[now] for source, now in leads_to.items() if now in merged}
            asked = set(leads_to.values())
        return held

    async def _incidents(self, scope: Scope, cutoff: Instant) -> None:
        after = ""
        while page := await self._storage.select(
            Incident, _old(scope, after, cutoff), sort=[("id", 1)], limit=self._batch
        ):
            after = page[-1].id
            ended = [each for each in page if each.resolved_at is not None and each.resolved_at < cutoff]
            # What was merged shows in the timeline of what it was merged into, and stays as long.
            kept = await self._kept(scope, ended, cutoff)
            for incident in ended:
                if not is_open(incident) and incident.merged_into not in kept:
                    await self._incident(scope, incident)

    async def _kept(self, scope: Scope, merged: list[Incident], cutoff: Instant) -> set[str]:
        """Those of the incidents into which these were merged that are not yet old enough."""
        keys = [(scope.company_id, each.merged_into) for each in merged if each.merged_into]
        targets = await self._storage.get_many(Incident, keys)
        return {each.id for each in targets if each.resolved_at is None or each.resolved_at >= cutoff}

    async def _incident(self, scope: Scope, incident: Incident) -> None:
        """Its timeline first, the incident with the last of it: cut off in between, it is found again."""
        last = Delete("incidents", (scope.company_id, incident.id), {"resolved_at": incident.resolved_at})
        query = {"company_id": scope.company_id, "incident_id": incident.id}
        while True:
            entries = await self._storage.select(TimelineEntry, query, limit=self._batch)
            deletes: list[Write] = [Delete("timeline", (scope.company_id, each.id)) for each in entries]
            if len(entries) < self._batch:
                await self._store("incidents", [last, *deletes])
                return
            await self._store("timeline", deletes)

    async def _deliveries(self, scope: Scope, cutoff: Instant) -> None:
        while page := await self._storage.select(
            Intake, _old(scope, "", cutoff), sort=[("id", 1)], limit=self._batch // 10 or 1
        ):
            await self._store("deliveries", [Delete("deliveries", (scope.company_id, each.id)) for each in page])

    async def _receipts(self, scope: Scope, cutoff: Instant) -> None:
        # Their ids are the senders' own: only `received_at` knows their age.
        query = {"company_id": scope.company_id, "received_at": {"$lt": cutoff}}
        while page := await self._storage.select(Receipt, query, sort=[("received_at", 1)], limit=self._batch):
            expect = [(each, {"received_at": each.received_at}) for each in page]
            await self._store("receipts", [Delete("receipts", (scope.company_id, r.id), e) for r, e in expect])

    async def _audit_logs(self, scope: Scope, cutoff: Instant) -> None:
        while gone := await self._audit.forget(scope, cutoff, at_most=self._batch):
            self._count("audit_logs", gone)

    async def _events(self, scope: Scope, cutoff: Instant) -> None:
        """Records go only behind a stored snapshot of the log's head, and once they are counted."""
        oldest = await self._storage.select(Record, {"company_id": scope.company_id}, sort=[("seq", 1)], limit=1)
        if not oldest or oldest[0].at >= cutoff:
            return
        snapshot = await self._snapshot(scope)
        safe = min(snapshot.seq, await self._counters.fold(scope))
        end = await self._first_at(scope, cutoff, oldest[0].seq, safe + 1)
        await self._let_go(scope, oldest[0].seq, end)

    async def _let_go(self, scope: Scope, start: int, end: int) -> None:
        """Delete the records from seq `start` to before `end`; what rode in them goes into the archive with that."""
        cutoff = self._cutoff(INTAKES)
        while start < end:
            read = await self._storage.records(scope.company_id, start - 1, min(self._batch, end - start), told=False)
            page = [each for each in read if each.seq < end]
            if not page:
                return
            while len(page) + len(intakes := archives(page, cutoff)) > self._batch + 1:
                page = page[: len(page) // 2]
            # Whoever sweeps takes from the log's beginning: if the first is still there, nobody has archived any.
            expect = {"commit_id": page[0].commit_id} if intakes else None
            first, *rest = [(scope.company_id, each.seq) for each in page]
            deletes = [Delete("events", first, expect), *(Delete("events", each) for each in rest)]
            await self._store("events", [*deletes, *(Put(INTAKES, each) for each in intakes)])
            start = page[-1].seq + 1

    async def _first_at(self, scope: Scope, cutoff: Instant, low: int, high: int) -> int:
        """The first seq in [low, high) whose record is not older than `cutoff`; `high` if all are.

        Seqs have no gaps and rise with time, so that a few reads find it, however large the records.
        """
        while low < high:
            middle = (low + high) // 2
            record = await self._storage.get(Record, (scope.company_id, middle))
            if record is None or record.at < cutoff:
                low = middle + 1
            else:
                high = middle
        return low

    async def _snapshot(self, scope: Scope) -> Snapshot:
        old = await self._storage.get(Snapshot, (scope.company_id, "head"))
        seq, audit_head = await self._storage.head(scope.company_id)
        if old is not None and old.seq == seq:
            return old
        new = Snapshot(company_id=scope.company_id, seq=seq, audit_head=audit_head, at=self._clock.now())
        await self._storage.store([Put(SNAPSHOTS, new, ABSENT if old is None else {"seq": old.seq})])
        return new

    async def _store(self, collection: str, writes: Sequence[Write]) -> None:
        if writes:
            await self._storage.store(writes)
            self._count(collection, sum(isinstance(each, Delete) for each in writes))

    def _count(self, collection: str, gone: int) -> None:
        self.swept.add(collection, gone)


def _old(scope: Scope, after: str, cutoff: Instant) -> Query:
    return {"company_id": scope.company_id, "id": {"$gt": after, "$lt": first_id_at(cutoff)}}
