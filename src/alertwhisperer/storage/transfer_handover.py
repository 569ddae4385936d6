"""The moment at which one database takes over from another: fence, drain, agree."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.transfer import Failure
from alertwhisperer.ports import Clock, Ids, Storage
from alertwhisperer.schema import Collection
from alertwhisperer.storage.transfer_documents import ordered
from alertwhisperer.storage.transfer_fence import set_fence
from alertwhisperer.storage.transfer_follow import Follower, reconcile
from alertwhisperer.storage.transfer_state import Progress
from alertwhisperer.storage.transfer_verify import Comparison, Verifier
from alertwhisperer.storage.transfer_writer import Writer

AGREE_TRIES: Final = 5
AGREE_SECONDS: Final = 1.0
"""A server that still runs may fold the last records into counters for some moments after it was fenced."""


class Side(Struct, frozen=True):
    """A database and its name, which does not show a password."""

    name: str
    storage: Storage


class Watch(Protocol):
    """Who looks on."""

    def begin(self, collection: str, total: int | None, /) -> None:
        """A collection is being copied; `total` documents, if that costs nothing to know."""
        ...

    def advance(self, count: int) -> None:
        """So many more documents of it are copied."""
        ...

    def say(self, sentence: str) -> None:
        """Something else has been reached."""
        ...


class Means(Struct, frozen=True):
    """What a move takes besides its two sides. `keep_days`: how long each collection is kept."""

    clock: Clock
    ids: Ids
    keep_days: Mapping[str, int]
    watch: Watch


class Outcome(Struct, frozen=True):
    """What a step has done: documents written, those that could not be, and the comparison at its end, if any."""

    stage: str
    written: int
    failures: list[Failure] = []
    comparisons: list[Comparison] = []


class Handover:
    """From `side`, which is written to until now, to `other`, which has followed it."""

    def __init__(self, side: Side, other: Side, means: Means) -> None:
        self._side = side
        self._other = other
        self._means = means

    async def run(self, writer: Writer, progress: Progress) -> tuple[dict[str, int], list[Comparison]]:
        """Fence, drain and compare; returns where the logs end. The caller lifts the fence if this raises."""
        means, side, other = self._means, self._side, self._other
        reason = f"the database is being moved to {other.name}; what is sent again in a moment finds it there"
        ends = await set_fence(side.storage, means.clock, means.ids, reason)
        means.watch.say(f"fenced: nothing is written to {side.name} any more")
        follower = Follower(side.storage, writer, progress)
        while any(progress.head(company_id) < end for company_id, end in ends.items()):
            await follower.catch_up()
        await progress.save()
        means.watch.say(f"drained: {sum(ends.values()):,} records of {len(ends):,} logs")
        return ends, await self._agree(writer)

    async def _agree(self, writer: Writer) -> list[Comparison]:
        """Compare, mend what no log has told, and compare again. Conflict if they do not come to agree."""
        collections: Sequence[Collection] = ordered()
        agreed: dict[str, Comparison] = {}
        for _ in range(AGREE_TRIES):
            found = await self.verifier().compare(collections)
            agreed |= {each.collection.name: each for each in found}
            wrong = [each for each in found if not each.agrees]
            if not wrong:
                return list(agreed.values())
            for each in wrong:
                for partition in each.differing:
                    await reconcile(self._side.storage, self._other.storage, writer, each.collection, partition)
            collections = [each.collection for each in wrong]
            await asyncio.sleep(AGREE_SECONDS)
        names = ", ".join(each.name for each in collections)
        raise Conflict(
            f"{self._side.name} and {self._other.name} differ in {names} (`db verify` shows how); nothing has moved"
        )

    def verifier(self) -> Verifier:
        """What compares both sides."""
        return Verifier(self._side.storage, self._other.storage, self._means.keep_days, self._means.clock.now())
