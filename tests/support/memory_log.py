"""A log in memory, shared by several processes of a test: what a database would hold, without one.

It keeps the port's promises and no more: a commit is durable before anyone hears of it, a process hears its own
commits at once and is only rung for those of others, old records expire, and reads take their time.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Raw, Struct

from alertwhisperer.domain.change import ABSENT, Change, Delete, Put, Write
from alertwhisperer.domain.errors import Conflict, Stale, Unavailable
from alertwhisperer.domain.event import LoggedEvent, Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope
from alertwhisperer.ports import Limits, Ring
from alertwhisperer.schema import BY_NAME, key_of

Place = tuple[str, tuple[str | int, ...]]


@dataclass
class MemoryDatabase:
    """What is stored, by all processes. `doors` are their doorbells; `away` makes every call Unavailable."""

    logs: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    expired: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hidden: set[tuple[str, int]] = field(default_factory=set)
    documents: dict[Place, Struct] = field(default_factory=dict)
    doors: list[asyncio.Event] = field(default_factory=list)
    away: bool = False

    def expire(self, company_id: str, up_to: int) -> None:
        """Let the records up to seq `up_to` pass their retention."""
        self.expired[company_id] = max(self.expired[company_id], up_to)

    def hide(self, company_id: str, seq: int) -> None:
        """Let a record be absent from reads for now, as where reads lag behind writes."""
        self.hidden.add((company_id, seq))

    def show(self, company_id: str, seq: int) -> None:
        self.hidden.remove((company_id, seq))

    def ring(self) -> None:
        for door in self.doors:
            door.set()


class MemoryLog:
    """One process's view of the database. `queries` counts reads, `deaf` processes get no ring."""

    look_every_seconds = 2.0

    def __init__(self, database: MemoryDatabase | None = None, *, deaf: bool = False) -> None:
        self.database = database or MemoryDatabase()
        self.queries = 0
        self.deaf = deaf
        self.listening = 0
        self.limits = Limits()
        self._listeners: list[Callable[[Record], None]] = []

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
        await self._travel()
        log = self.database.logs[scope.company_id]
        if len(log) != base_seq:
            raise Conflict(f"record {base_seq + 1} of {scope.company_id} is there")
        if after is not None and log[-1].commit_id != after:
            raise Conflict(f"record {base_seq} of {scope.company_id} is not that of {after}")
        self._write(change.writes)
        record = Record(
            company_id=scope.company_id,
            seq=base_seq + 1,
            commit_id=commit_id,
            at=at,
            actor=scope.actor,
            events=[
                LoggedEvent(event.type, Raw(msgspec.json.encode(event.document)), event.internal)
                for event in change.events
            ],
            counts=dict(change.counts),
            audit_head=change.audit_head,
            touched=[(write.collection, str(_place(write)[1][-1])) for write in change.writes],
        )
        log.append(record)
        self.database.ring()
        for listener in self._listeners:
            listener(record)
        return record

    async def head(self, company_id: str) -> tuple[int, str]:
        await self._travel()
        log = self.database.logs[company_id]
        return (log[-1].seq, log[-1].audit_head) if log else (0, "")

    async def records(self, company_id: str, after: int, limit: int = 1000, *, told: bool = True) -> list[Record]:
        del told  # Its records hold what they told, asked for or not.
        await self._travel()
        first = max(after, self.database.expired[company_id])
        found = self.database.logs[company_id][first : first + limit]
        return [record for record in found if (company_id, record.seq) not in self.database.hidden]

    async def companies_with_log(self) -> list[tuple[str, int]]:
        await self._travel()
        return [(company_id, log[-1].seq) for company_id, log in self.database.logs.items() if log]

    async def store(self, writes: Sequence[Write]) -> None:
        await self._travel()
        self._write(writes)

    def on_commit(self, listener: Callable[[Record], None]) -> None:
        self._listeners.append(listener)

    async def doorbell(self) -> AsyncIterator[Ring]:
        door = asyncio.Event()
        self.database.doors.append(door)
        self.listening += 1
        try:
            while True:
                await door.wait()
                door.clear()
                if not self.deaf:
                    yield None
        finally:
            self.listening -= 1
            self.database.doors.remove(door)

    async def _travel(self) -> None:
        self.queries += 1
        await asyncio.sleep(0)
        if self.database.away:
            raise Unavailable("the database is away")

    def _write(self, writes: Sequence[Write]) -> None:
        for write in writes:
            self._expect(write)
        for write in writes:
            if isinstance(write, Put):
                self.database.documents[_place(write)] = write.document
            else:
                self.database.documents.pop(_place(write), None)

    def _expect(self, write: Write) -> None:
        place = _place(write)
        stored = self.database.documents.get(place)
        if write.expect is None:
            return
        if write.expect == ABSENT:
            holds = stored is None
        else:
            holds = stored is not None and all(getattr(stored, name) == value for name, value in write.expect.items())
        if not holds:
            raise Stale(*place)


def _place(write: Write) -> Place:
    key = write.key if isinstance(write, Delete) else key_of(BY_NAME[write.collection], write.document)
    return (write.collection, key)
