"""How far a transfer has come, kept in the database that takes over, so that it can be resumed."""

from typing import Final

from msgspec.structs import replace

from alertwhisperer.domain.change import Put
from alertwhisperer.domain.errors import Conflict, Stale
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.transfer import TRANSFER_KEY, Place, Stage, Transfer
from alertwhisperer.ports import Clock, Storage
from alertwhisperer.schema import Collection
from alertwhisperer.storage.transfer_patience import patiently
from alertwhisperer.storage.transfer_writer import Writer

SAVE_SECONDS: Final = 1.0
FAILURES_AT_MOST: Final = 1_000


async def transfer_of(storage: Storage) -> Transfer | None:
    """What a database has taken over, or is taking over; None if nothing."""
    return await patiently(lambda: storage.get(Transfer, TRANSFER_KEY))


async def is_empty(storage: Storage) -> bool:
    """Whether nothing is in a database that somebody could miss."""
    people = [await storage.find_one(name, {}) for name in ("companies", "users")]
    return not any(people) and not await storage.companies_with_log()


class TakenOver(Conflict):
    """Another command goes on with the transfer."""


class Progress:
    """One transfer under way. What is kept of it may lag behind by a second: what is done twice is done once."""

    def __init__(self, storage: Storage, clock: Clock, writer: Writer, state: Transfer) -> None:
        self.state = state
        self._storage = storage
        self._clock = clock
        self._writer = writer
        self._saved = clock.monotonic()
        writer.failures.update({(each.collection, each.key): each for each in state.failures})

    async def claim(self, owner: str) -> None:
        """Go on with it in the place of whoever did before; durable when this returns."""
        self.state = replace(self.state, owner=owner)
        await patiently(lambda: self._storage.store([Put("snapshots", self.state)]))

    def head(self, company_id: str) -> int:
        """The seq up to which a company's log has been followed."""
        return self.state.heads.get(company_id, 0)

    async def followed(self, company_id: str, seq: int) -> None:
        """A company's log has been followed up to here."""
        self.state = replace(self.state, heads={**self.state.heads, company_id: seq})
        await self._save_now_and_then()

    async def copied(self, collection: Collection, place: Place, count: int) -> None:
        """So many more documents have been copied, and everything up to this place."""
        sums = {**self.state.copied, collection.name: self.state.copied.get(collection.name, 0) + count}
        self.state = replace(self.state, place=place, copied=sums)
        await self._save_now_and_then()

    async def enter(self, stage: Stage) -> None:
        """The next stage begins; durable when this returns."""
        self.state = replace(self.state, stage=stage, place=None)
        await self.save()

    async def save(self) -> None:
        """Keep it now. TakenOver if another command has claimed it.

        Conflict if so much was refused that something must be wrong on the whole.
        """
        failures = list(self._writer.failures.values())
        if len(failures) > FAILURES_AT_MOST:
            first = failures[0]
            raise Conflict(
                f"more than {FAILURES_AT_MOST:,} documents cannot be carried over; the first is {first.collection} "
                f"{'/'.join(map(str, first.key))}: {first.why}"
            )
        self.state = replace(self.state, failures=failures)
        kept = Put("snapshots", self.state, {"owner": self.state.owner})
        try:
            await patiently(lambda: self._storage.store([kept]))
        except Stale:
            raise TakenOver(f"another command has gone on with the move from {self.state.source}") from None
        self._saved = self._clock.monotonic()

    async def _save_now_and_then(self) -> None:
        if self._clock.monotonic() - self._saved >= SAVE_SECONDS:
            await self.save()


def check_source(state: Transfer, source: str, target: str, *stages: Stage) -> None:
    """Conflict unless the transfer is from this source, and at one of these stages."""
    if state.source != source:
        raise Conflict(f"{target} is a copy of {state.source}, not of {source}")
    if state.stage not in stages:
        raise Conflict(f"the move from {source} to {target} is {state.stage} already")


async def check_untouched(source: Storage, target: Storage, state: Transfer) -> None:
    """Conflict if anybody but the transfer has written to the target's logs: it would be lost."""
    for company_id, seq in await target.companies_with_log():
        ours, theirs = [await each.get(Record, (company_id, seq)) for each in (source, target)]
        if ours is None and state.heads.get(company_id, 0) >= seq:
            continue  # Expired in the source, after it was followed.
        if theirs is not None and (ours is None or ours.commit_id != theirs.commit_id):
            raise Conflict(
                f"the target has been written to since it was copied ({company_id}, record {seq}); empty it and begin "
                "anew, or go on with what it holds"
            )
