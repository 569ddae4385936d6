"""A backup of an engine that is a server, and the way back: everything in one SQLite file, by the way that moves it.

The file is a whole database of ours, as it stood at one place of each log: documents, records and counters belong
together. Nobody is stopped for it. A copy that is brought up to the log reads documents a little later than the records
that named them; so each log is followed until what was read of it last had not been written to again meanwhile. Where
writers leave no moment for that, a record that does nothing makes one: whoever loses the race for its place reads the
log before the next try, and by then the few documents of its end are read.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from alertwhisperer.domain.change import Change, Delete
from alertwhisperer.domain.errors import Conflict, Invalid, OutcomeUnknown, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.metric import CURSOR_ID, FoldCursor, counted
from alertwhisperer.domain.scope import MSP, SYSTEM, Scope
from alertwhisperer.domain.transfer import FENCE_COMMIT, TRANSFER_KEY, Failure
from alertwhisperer.ports import Storage
from alertwhisperer.schema import BY_NAME
from alertwhisperer.storage import get_database_adapter, migrate
from alertwhisperer.storage.transfer import Mover
from alertwhisperer.storage.transfer_documents import companies_of
from alertwhisperer.storage.transfer_fence import held, release
from alertwhisperer.storage.transfer_follow import PAGE, Follower, named_by, reconcile
from alertwhisperer.storage.transfer_handover import Means, Outcome, Side
from alertwhisperer.storage.transfer_state import Progress, transfer_of
from alertwhisperer.storage.transfer_writer import Writer

TRIES: Final = 500
TRIES_ASIDE: Final = 10
"""So often it is only looked; then writers are held up, by some milliseconds a try."""

METRICS: Final = BY_NAME["metrics"]


class Saved(Struct, frozen=True):
    """What a backup holds: its size, the documents that were written, and those that are none of ours."""

    size_bytes: int
    documents: int
    failures: list[Failure]


async def back_up(source: Side, to: Path, means: Means) -> Saved:
    """Write everything into a new file, while servers run.

    Raises Invalid if the file exists, Unavailable if it cannot be written, Conflict if a company is written to so
    fast that no one moment of it could be caught.
    """
    with _folder_beside(to) as name:
        copy = Path(name) / "copy.db"
        async with _opened(copy) as storage, held(source.storage, means.clock, str(to)):
            copied = await Mover(source, Side(str(to), storage), means).move(switch=False)
            settled = await _settle(source, storage, means)
            await storage.store([Delete("snapshots", TRANSFER_KEY)])
        await release(source.storage, str(to))
        size = await asyncio.to_thread(migrate.backup, copy, to)
    return Saved(size, copied.written + settled.written, list(settled.failures.values()))


async def bring_back(copy: Path, target: Side, means: Means) -> Outcome:
    """Put everything that a backup holds into an empty database, and compare both. The backup is only read.

    It may be of an older version. Raises Invalid if it is damaged or not ours, Conflict if the database is not empty
    or something could not be brought back; broken off, the same goes on.
    """
    await asyncio.to_thread(migrate.check_backup, copy)
    with TemporaryDirectory() as folder:
        ours = Path(folder) / "copy.db"
        await asyncio.to_thread(shutil.copyfile, copy, ours)
        await asyncio.to_thread(migrate.upgrade, ours)
        async with _opened(ours) as storage:
            mover = Mover(Side(str(copy), storage), target, means)
            outcome = await mover.move(switch=False)
            comparisons = await mover.verify()
    wrong = [each.collection.name for each in comparisons if not each.agrees]
    if outcome.failures or wrong:
        why = outcome.failures[0].why if outcome.failures else "it differs"
        raise Conflict(f"not all of {copy} is in {target.name} ({', '.join(wrong)}: {why}); empty it and begin anew")
    await target.storage.store([Delete("snapshots", TRANSFER_KEY)])
    return Outcome("restored", outcome.written, comparisons=comparisons)


def _folder_beside(to: Path) -> TemporaryDirectory[str]:
    if to.exists():
        raise Invalid(f"{to} exists already")
    try:
        return TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.")
    except OSError as error:
        raise Unavailable(f"the backup could not be written: {error}") from error


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[Storage]:
    storage = get_database_adapter("sqlite", path=path)
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()


async def _settle(source: Side, target: Storage, means: Means) -> Writer:
    """Bring each log's documents to one place of it. The MSP's own first: it says which companies there are."""
    writer, state = Writer(target), await transfer_of(target)
    if state is None:
        raise Conflict("the copy was not begun")
    last = _Last(source, target, Progress(target, means.clock, writer, state), writer, means)
    await last.settle(MSP)
    for company_id in await companies_of(source.storage):
        if company_id != MSP:
            await last.settle(company_id)
    return writer


class _Last:
    """The last records of each log."""

    def __init__(self, source: Side, target: Storage, progress: Progress, writer: Writer, means: Means) -> None:
        self._name = source.name
        self._means = means
        self._source = source.storage
        self._target = target
        self._writer = writer
        self._progress = progress
        self._follower = Follower(self._source, writer, progress)

    async def settle(self, company_id: str) -> None:
        """Follow the log until what was read belongs to its last record, and to no later one."""
        await self._settle_counters(company_id)
        for attempt in range(TRIES):
            async with self._source.moment() as still:
                # As little as can be lies between reading the log, what it touched, and the log again.
                records = await self._behind(company_id, self._progress.head(company_id))
                if records and not still and attempt >= TRIES_ASIDE:
                    records += await self._ended(company_id, records[-1])
                read = await self._follower.read(company_id, records)
                newer = await self._behind(company_id, records[-1].seq) if records and not still else []
                await self._follower.write(read)
                await self._follower.copy_records(company_id, records)
            if records:
                await self._progress.followed(company_id, records[-1].seq)
            if not named_by(company_id, records).keys() & named_by(company_id, newer).keys():
                return
        raise Conflict(
            f"{self._name}: {company_id} is written to so fast that no one moment of it could be caught; try again in "
            "a quieter hour, or use the engine's own backups"
        )

    async def _ended(self, company_id: str, last: Record) -> list[Record]:
        """The record that was put behind the last one; none if a writer was faster."""
        commit_id, change = f"{FENCE_COMMIT}{self._means.ids.new_id()}", Change(audit_head=last.audit_head)
        scope, at = Scope(company_id, SYSTEM), self._means.clock.now()
        try:
            return [await self._source.commit(scope, last.seq, change, commit_id=commit_id, at=at)]
        except (Conflict, OutcomeUnknown):
            return []

    async def _behind(self, company_id: str, after: int) -> list[Record]:
        found = page = await self._source.records(company_id, after, PAGE, told=False)
        while len(page) == PAGE:
            page = await self._source.records(company_id, page[-1].seq, PAGE, told=False)
            found = [*found, *page]
        return found

    async def _settle_counters(self, company_id: str) -> None:
        """Buckets belong to the cursor that was written with them; both are folded from the log once a second."""
        cursor = await self._cursor(company_id)
        await reconcile(self._source, self._target, self._writer, METRICS, company_id)
        for _ in range(TRIES):
            before, cursor = cursor, await self._cursor(company_id)
            folded = counted(await self._behind(company_id, before))
            await self._follower.refresh(METRICS, [(company_id, each) for each in (*folded, CURSOR_ID)])
            if await self._cursor(company_id) == cursor:
                return
        raise Conflict(f"{self._name}: the counters of {company_id} are folded too fast to be read")

    async def _cursor(self, company_id: str) -> int:
        found = await self._source.get(FoldCursor, (company_id, CURSOR_ID))
        return found.last_seq if found else 0
