"""What the adapters of all engines share: the verbs that follow from others, and who hears of commits."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from alertwhisperer.domain.event import Record
from alertwhisperer.ports import Document, Key, Query, Sort

T = TypeVar("T", bound=Struct)

_log: Final = logging.getLogger(__name__)


class Adapter(ABC):
    """The base of each engine's `ports.Storage`."""

    look_every_seconds = 2.0
    """See `ports.Log.look_every_seconds`."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Record], None]] = []

    # ------------------------------------------------------------ Log

    def on_commit(self, listener: Callable[[Record], None]) -> None:
        """See `ports.Log.on_commit`."""
        self._listeners.append(listener)

    def _tell(self, record: Record) -> None:
        for listener in self._listeners:
            try:
                listener(record)
            except Exception:  # noqa: BLE001  # the commit is durable: a listener's failure must reach neither it nor the others
                _log.exception("a listener of commits failed at %s:%s", record.company_id, record.seq)

    # ------------------------------------------------------------ Reader

    async def get(self, kind: type[T], key: Key) -> T | None:
        """See `ports.Reader.get`."""
        found = await self.get_many(kind, [key])
        return found[0] if found else None

    @abstractmethod
    async def get_many(self, kind: type[T], keys: Sequence[Key]) -> list[T]:
        """See `ports.Reader.get_many`."""

    # ------------------------------------------------------------ DatabaseAdapter

    async def insert_one(self, collection: str, document: Document) -> str:
        """See `ports.DatabaseAdapter.insert_one`."""
        return (await self.insert_many(collection, [document]))[0]

    @abstractmethod
    async def insert_many(self, collection: str, documents: Sequence[Document]) -> list[str]:
        """See `ports.DatabaseAdapter.insert_many`."""

    async def find_one(
        self, collection: str, query: Query, projection: Mapping[str, int] | None = None
    ) -> dict[str, object] | None:
        """See `ports.DatabaseAdapter.find_one`."""
        found = await self.find(collection, query, projection, limit=1)
        return found[0] if found else None

    @abstractmethod
    async def find(
        self,
        collection: str,
        query: Query,
        projection: Mapping[str, int] | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> list[dict[str, object]]:
        """See `ports.DatabaseAdapter.find`."""

    async def update_one(self, collection: str, query: Query, update: Mapping[str, object]) -> int:
        """See `ports.DatabaseAdapter.update_one`."""
        return await self._update(collection, query, update, 1)

    async def update_many(self, collection: str, query: Query, update: Mapping[str, object]) -> int:
        """See `ports.DatabaseAdapter.update_many`."""
        return await self._update(collection, query, update, None)

    async def delete_one(self, collection: str, query: Query) -> int:
        """See `ports.DatabaseAdapter.delete_one`."""
        return await self._delete(collection, query, 1)

    async def delete_many(self, collection: str, query: Query) -> int:
        """See `ports.DatabaseAdapter.delete_many`."""
        return await self._delete(collection, query, None)

    @abstractmethod
    async def _update(self, collection: str, query: Query, update: Mapping[str, object], limit: int | None) -> int:
        """Update up to so many documents, all if None, in key order; how many there were."""

    @abstractmethod
    async def _delete(self, collection: str, query: Query, limit: int | None) -> int:
        """Delete up to so many documents, all if None, in key order; how many there were."""
