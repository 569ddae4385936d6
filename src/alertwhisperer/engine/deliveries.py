"""What was delivered, wherever it lies.

Small deliveries ride in their commit's record, large ones are an `Intake` beside it, and those that rode in records
which retention has swept are an `Intake` too.

Order is that of the log: by seq, and within a record as decided. Neither ids nor instants would do, since the clocks of
several processes differ.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.delivery import Delivery, Intake
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Storage

INTAKES: Final = "deliveries"

DATE: Final = len("2026-01-05")

_RECORDS: Final = 500
_INTAKES: Final = 10
"""Documents read at once; a delivery may have 5 MB."""


async def received(scope: Scope, storage: Storage, since: Instant, until: Instant) -> AsyncIterator[Delivery]:
    """Every stored delivery of a company that came in [since, until), in the order in which they were decided.

    All that was decided before the call; of what is decided while it reads, perhaps some.
    """
    async for deliveries in _Reading(storage, scope.company_id, since, until).all():
        for each in deliveries:
            if since <= each.received_at < until:
                yield each


class _Reading(Struct, frozen=True):
    """One walk through the archive and then the log, in which nothing is met twice and nothing missed.

    A sweep moves deliveries from the log's beginning into the archive in one transaction. So a record that is not where
    the walk expects it had been archived before the log was read: the archive is read after that, for the seqs between
    where the walk stands and the log's first record, and holds them. What a sweep archives after that is of records
    that have been read, and its seqs are not asked for.
    """

    storage: Storage
    company_id: str
    since: Instant
    until: Instant

    async def all(self) -> AsyncIterator[list[Delivery]]:
        """The deliveries of one record, or of a document of the archive, after the other."""
        head, _ = await self.storage.head(self.company_id)
        # Intakes that do not say whose they are count as of seq 0: they are older than all that do.
        after = -1
        while after < head:
            records = await self.storage.records(self.company_id, after, _RECORDS, told=False)
            first = records[0].seq if records else head + 1
            if first > after + 1:
                async for deliveries in self._archived(after, first):
                    yield deliveries
                after = first - 1
            for record in records:
                if record.seq > after + 1:
                    break  # A sweep came between two requests of an engine that reads a page in several.
                yield await self._logged(record)
                after = record.seq

    async def _logged(self, record: Record) -> list[Delivery]:
        """A record's deliveries, riding or beside it."""
        keys = [(self.company_id, key) for collection, key in record.touched if collection == INTAKES]
        beside = await self.storage.get_many(Intake, keys) if keys else []
        # Those that do not say whose they are were met in the archive.
        return [*record.deliveries, *(each for intake in beside if intake.records for each in intake.deliveries)]

    async def _archived(self, after: int, before: int) -> AsyncIterator[list[Delivery]]:
        """Deliveries of records with after < seq < before, of each document alone.

        The documents are looked through by id, and then read again in the order of their seqs: an id has its process's
        time.
        """
        places: list[tuple[int, str]] = []
        last = ""
        while page := await self.storage.select(
            Intake, {"company_id": self.company_id, "id": {"$gt": last}}, sort=[("id", 1)], limit=_INTAKES
        ):
            last = page[-1].id
            places += [(_first_seq(each), each.id) for each in page if self._is_wanted(_between(each, after, before))]
        places.sort()
        for start in range(0, len(places), _INTAKES):
            ids = [each for _, each in places[start : start + _INTAKES]]
            found = await self.storage.get_many(Intake, [(self.company_id, each) for each in ids])
            by_id = {each.id: each for each in found}
            for each in ids:
                if each in by_id:
                    yield _between(by_id[each], after, before)

    def _is_wanted(self, deliveries: Sequence[Delivery]) -> bool:
        return any(self.since <= each.received_at < self.until for each in deliveries)


def _first_seq(intake: Intake) -> int:
    return intake.records[0][0] if intake.records else 0


def _between(intake: Intake, after: int, before: int) -> list[Delivery]:
    """Those of its deliveries whose records have after < seq < before."""
    rest = iter(intake.deliveries)
    parts = [(seq, list(islice(rest, count))) for seq, count in intake.records or [(0, len(intake.deliveries))]]
    return [each for seq, deliveries in parts if after < seq < before for each in deliveries]


def archives(records: Sequence[Record], cutoff: Instant) -> list[Intake]:
    """The deliveries that rode in some records of a company, but for those that came before `cutoff`.

    They are in one document, or in several: where an `Intake` that a commit wrote lies between them, and for each day,
    since a document goes as a whole when its first delivery has been kept long enough.
    """
    return [_archive(run) for run in _runs(records, cutoff)]


def _runs(records: Sequence[Record], cutoff: Instant) -> Iterator[list[Record]]:
    run: list[Record] = []
    for record in records:
        parted = any(collection == INTAKES for collection, _ in record.touched)
        if run and (parted or record.at[:DATE] != run[0].at[:DATE]):
            yield run
            run = []
        kept = [each for each in record.deliveries if each.received_at >= cutoff]
        if kept:
            run.append(replace(record, deliveries=kept))
    if run:
        yield run


def _archive(records: Sequence[Record]) -> Intake:
    """One document. Its id is the first record's commit's: made as every id is, so that its age shows in it."""
    first = records[0]
    return Intake(
        company_id=first.company_id,
        id=first.commit_id,
        received_at=first.deliveries[0].received_at,
        deliveries=[each for record in records for each in record.deliveries],
        records=[(record.seq, len(record.deliveries)) for record in records],
    )
