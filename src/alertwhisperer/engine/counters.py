"""The folder: counters of each company, folded from its log into hours, with their minutes, and days (DESIGN §6).

Buckets and the cursor that says how far they reach are written in one transaction on condition of the cursor's old
value. So several folders may run, or die half-way, and each record is still counted once. Readers add the records
behind the cursor, so that their sums are exact at any instant.
"""

from collections.abc import Sequence
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain import ledger
from alertwhisperer.domain.change import ABSENT, Put
from alertwhisperer.domain.errors import Stale, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.metric import (
    CURSOR_ID,
    WIDTHS,
    Bucket,
    FoldCursor,
    Grain,
    bucket_id,
    counted,
    joined,
    sums_at,
)
from alertwhisperer.domain.scope import MSP, SYSTEM, Scope
from alertwhisperer.ports import Storage

METRICS: Final = "metrics"
IMBALANCE: Final = "system.ledger_imbalance"
"""Counts records in which what was received is not the sum of where it ended."""

_PAGE: Final = 1000
_NOTED_AT_MOST: Final = 5_000
_TRIES: Final = 50

Counts = dict[str, dict[str, int]]


class Patience(Struct, frozen=True):
    """How much may gather before a company is folded: so many records, or what has waited for so many turns.

    For an engine that is paid by the write: a fold writes a cursor and two buckets, however little it counts.
    `full_pass_every`: after so many turns the companies that others wrote to are folded as well.
    """

    records: int = 1
    turns: int = 1
    full_pass_every: int = 30


AT_ONCE: Final = Patience()
THRIFTY: Final = Patience(records=100, turns=3600, full_pass_every=3600)
"""For turns of a second. Readers add what is not folded: up to 100 records more for each process."""

log = structlog.get_logger(__name__)


class Counters:
    """Sums of what each company's records counted."""

    def __init__(self, storage: Storage, patience: Patience = AT_ONCE) -> None:
        self.imbalances = 0
        self._storage = storage
        self._patience = patience
        self._due: dict[str, list[Record]] = {}
        self._since: dict[str, int] = {}
        self._turn = 0

    def note(self, record: Record) -> None:
        """A listener of the log: this company has something to fold. Only what counts is kept of the record."""
        noted = self._due.setdefault(record.company_id, [])
        self._since.setdefault(record.company_id, self._turn)
        if len(noted) < _NOTED_AT_MOST:
            noted.append(replace(record, events=[], touched=[], deliveries=[]))

    @property
    def lag(self) -> int:
        """Records that this process has committed and not yet seen folded."""
        return sum(len(noted) for noted in self._due.values())

    async def fold_due(self) -> None:
        """Fold the companies that this process wrote to; now and then all, for what others left behind."""
        full = self._turn % self._patience.full_pass_every == 0
        self._turn += 1
        due = {company_id for company_id, noted in self._due.items() if self._is_due(company_id, noted)}
        if full:
            due.update(company_id for company_id, _ in await self._storage.companies_with_log())
        for company_id in sorted(due):
            self._since.pop(company_id, None)
            await self.fold(Scope(company_id, SYSTEM), self._due.pop(company_id, ()))

    def _is_due(self, company_id: str, noted: Sequence[Record]) -> bool:
        waited = self._turn - self._since[company_id]
        return len(noted) >= self._patience.records or waited >= self._patience.turns

    async def fold(self, scope: Scope, noted: Sequence[Record] = ()) -> int:
        """Fold a company's records to the head of its log; returns the seq up to which its buckets now reach.

        noted: records that this process has just written, so that they need not be read again, events and all.
        """
        while True:
            last = await self._cursor(scope.company_id)
            records = _directly_after(last or 0, noted)
            if not records:
                records = await self._storage.records(scope.company_id, last or 0, _PAGE, told=False)
            if not records:
                return last or 0
            records = self._fitting(records)
            try:
                await self._store(scope.company_id, last, records)
            except Stale:
                continue  # Another folder was faster: these records are counted. Read on from its cursor.
            self._report(records)

    def _fitting(self, records: list[Record]) -> list[Record]:
        """As many of the first records as have no more buckets than the storage writes at once."""
        while len(records) > 1:
            writes = len(with_imbalances(records)) + 1
            if self._storage.limits.batch(writes) == writes:
                break
            records = records[: len(records) // 2]
        return records

    async def counts(self, scope: Scope, grain: Grain, since: Instant, until: Instant) -> Counts:
        """Start → counter → sum, from the minute, hour or day of `since` to that of `until`, both included.

        Those without a count are left out. Starts are as wide as the grain: `2026-11-21T14` is an hour.
        """
        return (await self.several(scope, [(grain, since, until)]))[0]

    async def several(self, scope: Scope, ranges: Sequence[tuple[Grain, Instant, Instant]]) -> list[Counts]:
        """`counts` of several ranges, all of one and the same instant."""
        for _ in range(_TRIES):
            seq = await self._cursor(scope.company_id)
            buckets = [await self._buckets(scope, *each) for each in ranges]
            tail = with_imbalances(await self._tail(scope.company_id, seq or 0)).values()
            # The cursor rises with every fold: standing still, buckets and tail belong together.
            if await self._cursor(scope.company_id) == seq:
                return [_sums([*found, *tail], *each) for found, each in zip(buckets, ranges, strict=True)]
        raise Unavailable("counters are being folded too fast to be read")

    async def _buckets(self, scope: Scope, grain: Grain, since: Instant, until: Instant) -> list[Bucket]:
        bounds = {"$gte": bucket_id(grain, since), "$lte": bucket_id(grain, until)}
        return await self._storage.select(Bucket, {"company_id": scope.company_id, "id": bounds})

    async def _tail(self, company_id: str, after: int) -> list[Record]:
        tail = page = await self._storage.records(company_id, after, _PAGE, told=False)
        while len(page) == _PAGE:
            page = await self._storage.records(company_id, page[-1].seq, _PAGE, told=False)
            tail = [*tail, *page]
        return tail

    async def _cursor(self, company_id: str) -> int | None:
        found = await self._storage.get(FoldCursor, (company_id, CURSOR_ID))
        return found.last_seq if found else None

    async def _store(self, company_id: str, last: int | None, records: list[Record]) -> None:
        buckets = with_imbalances(records)
        for bucket in await self._storage.get_many(Bucket, [(company_id, each) for each in buckets]):
            buckets[bucket.id] = joined(bucket, buckets[bucket.id])
        cursor = FoldCursor(company_id=company_id, last_seq=records[-1].seq)
        await self._storage.store(
            [
                Put(METRICS, cursor, ABSENT if last is None else {"last_seq": last}),
                *(Put(METRICS, bucket) for bucket in buckets.values()),
            ]
        )

    def _report(self, records: list[Record]) -> None:
        for record in records:
            if not is_balanced(record):
                self.imbalances += 1
                log.error("ledger out of balance", company_id=record.company_id, seq=record.seq, counts=record.counts)


def _directly_after(seq: int, noted: Sequence[Record]) -> list[Record]:
    """Those of the noted records that follow `seq` without a gap; a gap is another process's, and in the log."""
    following: list[Record] = []
    for record in noted:
        if record.seq == seq + len(following) + 1:
            following.append(record)
    return following


def is_balanced(record: Record) -> bool:
    """Whether all that a record says was received also ended somewhere (what is tied to no company only ends)."""
    return record.company_id == MSP or ledger.row("", record.counts).balanced


def with_imbalances(records: Sequence[Record]) -> dict[str, Bucket]:
    """`counted`, and under `IMBALANCE` how many records do not balance."""
    return counted(
        [each if is_balanced(each) else replace(each, counts={**each.counts, IMBALANCE: 1}) for each in records]
    )


def _sums(buckets: Sequence[Bucket], grain: Grain, since: Instant, until: Instant) -> Counts:
    first, last = since[: WIDTHS[grain]], until[: WIDTHS[grain]]
    sums: Counts = {}
    for bucket in buckets:
        for start, name, count in sums_at(bucket, grain):
            if first <= start <= last:
                counts = sums.setdefault(start, {})
                counts[name] = counts.get(name, 0) + count
    return sums
