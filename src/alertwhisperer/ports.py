"""What the engine sees of the outside, on one page. Each port has one contract suite that runs on all it has."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from msgspec import Struct

from alertwhisperer.domain.change import Change, Write
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Scope

Document = Mapping[str, object]
Query = Mapping[str, object]
Sort = Sequence[tuple[str, int]]
Key = tuple[str | int, ...]
T = TypeVar("T", bound=Struct)


class Limits(Struct, frozen=True):
    """How much one commit (or `store`) of an engine holds; None: whatever fits in memory.

    A write may cost more than itself (a unique field, for one), so a change of fewer writes may still be refused: by
    TooLarge, and nothing is written.
    """

    writes: int | None = None
    bytes: int | None = None

    def batch(self, wanted: int) -> int:
        """So many writes of a batch of `wanted` fit at once."""
        return wanted if self.writes is None else min(wanted, self.writes)


class Clock(Protocol):
    """Time comes in through this door."""

    def now(self) -> Instant:
        """The present instant (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward, for intervals."""
        ...


class Ids(Protocol):
    """Identities come in through this door."""

    def new_id(self) -> str:
        """A new time-ordered id (UUIDv7, RFC 9562), later ones greater within the process."""
        ...


class DatabaseAdapter(Protocol):
    """Documents by MongoDB's query language, the same on each engine (SPEC §15).

    Queries take `$gt $gte $lt $lte $ne $in $nin $exists $and $or` and dotted paths; updates take `$set $unset $inc
    $push $addToSet $max $min`. Raises Invalid, naming the field, for what no engine would hold alike.
    """

    async def insert_one(self, collection: str, document: Document) -> str:
        """Insert a document and return its id; Conflict if its key is taken."""
        ...

    async def insert_many(self, collection: str, documents: Sequence[Document]) -> list[str]:
        """Insert all or none, and return their ids."""
        ...

    async def find_one(
        self, collection: str, query: Query, projection: Mapping[str, int] | None = None
    ) -> dict[str, object] | None:
        """The first document that matches, in key order; None if none does."""
        ...

    async def find(
        self,
        collection: str,
        query: Query,
        projection: Mapping[str, int] | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> list[dict[str, object]]:
        """The documents that match, sorted as asked and then by key."""
        ...

    async def update_one(self, collection: str, query: Query, update: Mapping[str, object]) -> int:
        """Update the first that matches; returns how many matched (0 or 1)."""
        ...

    async def update_many(self, collection: str, query: Query, update: Mapping[str, object]) -> int:
        """Update all that match; returns how many matched."""
        ...

    async def delete_one(self, collection: str, query: Query) -> int:
        """Delete the first that matches; returns how many (0 or 1)."""
        ...

    async def delete_many(self, collection: str, query: Query) -> int:
        """Delete all that match; returns how many."""
        ...

    async def count_documents(self, collection: str, query: Query) -> int:
        """How many match."""
        ...


class Reader(Protocol):
    """Typed reads of `schema.py`'s documents."""

    async def get(self, kind: type[T], key: Key) -> T | None:
        """One document by its whole key."""
        ...

    async def get_many(self, kind: type[T], keys: Sequence[Key]) -> list[T]:
        """Those of the keys that are there, in no order."""
        ...

    async def select(
        self,
        kind: type[T],
        query: Query,
        *,
        sort: Sort | None = None,
        limit: int | None = None,
        before: Key | None = None,
    ) -> list[T]:
        """The documents that match. Default order: by key, newest (greatest) first.

        before: only documents whose key is less (the next page of the default order).
        """
        ...

    async def count(self, kind: type[Struct], query: Query) -> int:
        """How many match."""
        ...


Ring = frozenset[str] | None
"""The companies that may have committed; None if it may have been any."""


class Log(Protocol):
    """The log and the one way to change state (DESIGN §3)."""

    @property
    def limits(self) -> Limits:
        """How much one `commit` or `store` holds."""
        ...

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
        """Write record `base_seq + 1` only if it is absent, and the change's documents, in one durable transaction.

        after: the commit that writes record `base_seq`; it may still be on its way from this process, and this one
        goes behind it.

        Raises Conflict if record `base_seq + 1` exists or record `base_seq` is not that commit's, Stale if a write's
        expectation does not hold, Unavailable if nothing was written, OutcomeUnknown if it may have been, TooLarge if
        it is more than the engine's `limits`.
        """
        ...

    async def head(self, company_id: str) -> tuple[int, str]:
        """(seq, audit head) of the newest record or snapshot; (0, "") for a company without either."""
        ...

    async def records(self, company_id: str, after: int, limit: int = 1000, *, told: bool = True) -> list[Record]:
        """The records behind seq `after`, oldest first. Fewer than were written if their retention has passed.

        told: with the data of their events, documents as they stand now, GONE where one is deleted; without, for who
        only counts or folds, data may be missing.
        """
        ...

    async def companies_with_log(self) -> list[tuple[str, int]]:
        """(company_id, seq of the head) of every log."""
        ...

    async def store(self, writes: Sequence[Write]) -> None:
        """Write what can be made again from the log, and leases: counters, snapshots, claims, expiry. All or none.

        Raises Stale if an expectation does not hold, TooLarge as `commit` does.
        """
        ...

    def on_commit(self, listener: Callable[[Record], None]) -> None:
        """Call `listener`, in the event loop, with every record that this process has committed, once durable.

        Who keeps records lets go of their `deliveries`: they may be large beside what is told.
        """
        ...

    def doorbell(self) -> AsyncIterator[Ring]:
        """Yields when some process may have committed. A hint, not a promise: readers ask the log."""
        ...

    @property
    def look_every_seconds(self) -> float:
        """How often a reader asks the log though no bell has rung: seldom where asking is billed."""
        ...


class Storage(DatabaseAdapter, Reader, Log, Protocol):
    """One engine: the public adapter, typed reads and the log."""

    @property
    def expiring(self) -> frozenset[str]:
        """The collections whose documents go by themselves when their days have passed: no sweep is needed."""
        ...

    async def open(self) -> None:
        """Connect; create or check the schema (under a lock). Invalid, in one sentence, if it is not ours."""
        ...

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        ...

    def moment(self) -> AbstractAsyncContextManager[bool]:
        """While this lasts, what this task reads is as it all stood at one moment; False where an engine cannot.

        It is for some seconds at most, and for reading alone.
        """
        ...

    async def check(self) -> dict[str, object]:
        """Whether it can be read and written now, with facts for `doctor`; Unavailable if not."""
        ...


class Vault(Protocol):
    """Secrets at rest: AES-GCM bound to where they are kept (DESIGN §6)."""

    def seal(self, plain: str, *, place: Key) -> str:
        """Ciphertext for a secret kept at `place` = (company, collection, id, field)."""
        ...

    def unseal(self, sealed: str, *, place: Key) -> str:
        """The secret; Invalid if it was not sealed for this place, or with no key we hold."""
        ...


class Passwords(Protocol):
    """Passwords, hashed slowly on purpose and off the event loop."""

    async def hash(self, password: str) -> str:
        """What to store of it; Unavailable when too many wait."""
        ...

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Whether it is the hashed one; with None (nobody's) false, after the same work."""
        ...
