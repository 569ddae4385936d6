"""Moves everything from one database to another while the product runs, and back if need be (DESIGN §8).

copy (every collection, in key order) → follow (the log, by reading again what it touched) → fence (nobody commits any
more) → drain → verify → switch → follow back, until it is finished. Each step may be broken off and resumed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.transfer import Failure, Place, Transfer
from alertwhisperer.schema import BY_NAME, Collection
from alertwhisperer.storage.codec import collection_named
from alertwhisperer.storage.transfer_documents import companies_of, ordered, pages, partitions, within_of
from alertwhisperer.storage.transfer_fence import fence_of, held, lift_fence, release
from alertwhisperer.storage.transfer_follow import Follower, reconcile
from alertwhisperer.storage.transfer_handover import Handover, Means, Outcome, Side
from alertwhisperer.storage.transfer_state import Progress, check_source, check_untouched, is_empty, transfer_of
from alertwhisperer.storage.transfer_verify import Comparison
from alertwhisperer.storage.transfer_writer import Writer

T = TypeVar("T")

CAUGHT_UP_SECONDS: Final = 2.0
"""What is left when the writers are stopped is about what comes in so long: they wait for it to be copied."""

NOT_LOGGED: Final = ("metrics", "snapshots")
"""Collections that are written without a record: what was folded or noted meanwhile is found by comparing."""


class Mover:
    """One move, from `source` to `target`, both open."""

    def __init__(self, source: Side, target: Side, means: Means) -> None:
        self._source = source
        self._target = target
        self._means = means

    async def move(self, *, switch: bool) -> Outcome:
        """Copy, or go on copying, and follow the log to its end; with `switch` also fence, drain, verify and switch.

        Raises Conflict, with what to do, where that cannot be; then nobody is fenced.
        """
        writer = Writer(self._target.storage)
        async with held(self._source.storage, self._means.clock, self._target.name):
            progress = await self._begin(writer)
            if progress.state.stage == "copying":
                await self._copy(writer, progress)
            await self._follow(writer, progress)
            await self._refresh(writer)
            caught_up = await self._follow(writer, progress)
            await progress.save()
            if switch and not caught_up:
                raise Conflict(
                    f"{self._source.name} is written to faster than {self._target.name} takes it: nobody was stopped. "
                    "Try again in a quieter hour, or stop the senders or servers for the rest"
                )
            comparisons = await self._switch(writer, progress) if switch else []
        return Outcome(progress.state.stage, writer.written, list(writer.failures.values()), comparisons)

    async def _begin(self, writer: Writer) -> Progress:
        source, target = self._source.storage, self._target.storage
        state = await transfer_of(target)
        if state is None:
            if not await is_empty(target):
                raise Conflict(f"{self._target.name} is not empty; a move needs a database of its own")
            if await fence_of(source) is not None:
                raise Conflict(f"{self._source.name} is fenced: it has been moved elsewhere")
            heads = dict(await source.companies_with_log())
            state = Transfer(source=self._source.name, started_at=self._means.clock.now(), heads=heads)
        else:
            check_source(state, self._source.name, self._target.name, "copying", "following")
            await check_untouched(source, target, state)
            self._means.watch.say(f"resumed: {sum(state.copied.values()):,} documents were copied before")
        progress = Progress(target, self._means.clock, writer, state)
        await progress.claim(self._means.ids.new_id())
        return progress

    async def _copy(self, writer: Writer, progress: Progress) -> None:
        companies = await companies_of(self._source.storage)
        place = progress.state.place
        names = [each.name for each in ordered()]
        start = names.index(place.collection) if place else 0
        for collection in ordered()[start:]:
            await self._announce(collection)
            here = place if place and place.collection == collection.name else None
            for partition in partitions(collection, companies):
                if here is None or partition >= here.partition:
                    after = here.within if here and partition == here.partition else None
                    await self._copy_partition(writer, progress, collection, Place(collection.name, partition, after))
        await progress.enter("following")
        self._means.watch.say("everything is copied; following the log")

    async def _announce(self, collection: Collection) -> None:
        billed = self._source.storage.limits.writes is not None
        total = None if billed else await self._source.storage.count_documents(collection.name, {})
        self._means.watch.begin(collection.name, total)

    async def _copy_partition(self, writer: Writer, progress: Progress, collection: Collection, place: Place) -> None:
        async for page in _ahead(pages(self._source.storage, collection, place.partition, place.within)):
            await writer.put(collection, page, new=True)
            reached = replace(place, within=within_of(collection, page[-1]))
            await progress.copied(collection, reached, len(page))
            self._means.watch.advance(len(page))

    async def _follow(self, writer: Writer, progress: Progress) -> bool:
        """Follow until little is left to follow; False if writers are faster than that, and it grows."""
        follower, clock = Follower(self._source.storage, writer, progress), self._means.clock
        before = None
        while True:
            started = clock.monotonic()
            followed = await follower.catch_up()
            took = clock.monotonic() - started
            if not followed or took < CAUGHT_UP_SECONDS:
                return True
            if before is not None and took >= before:
                return False
            before = took
            self._means.watch.say(f"followed {followed:,} records in {took:.0f} s")

    async def _refresh(self, writer: Writer) -> None:
        companies = await companies_of(self._source.storage)
        for collection in map(BY_NAME.__getitem__, NOT_LOGGED):
            for partition in partitions(collection, companies):
                await reconcile(self._source.storage, self._target.storage, writer, collection, partition)

    async def _switch(self, writer: Writer, progress: Progress) -> list[Comparison]:
        source = self._source.storage
        if writer.failures:
            raise Conflict(_refusal(list(writer.failures.values())))
        try:
            ends, comparisons = await self._handover().run(writer, progress)
            back = Transfer(source=self._target.name, stage="following", started_at=self._means.clock.now(), heads=ends)
            await Progress(source, self._means.clock, Writer(source), back).claim(self._means.ids.new_id())
        except BaseException:
            # Also when somebody gives up waiting: what has not moved must not stand still.
            await lift_fence(source)
            raise
        # Not undone if its answer is lost: the source stays fenced, and doing it again goes on from here.
        await progress.enter("switched")
        self._means.watch.say(f"switched: {self._target.name} has everything and takes writes")
        return comparisons

    def _handover(self) -> Handover:
        return Handover(self._source, self._target, self._means)

    async def abort(self) -> None:
        """Before the switch: let writers go on in the source. What is copied stays, and may be gone on with."""
        state = await transfer_of(self._target.storage)
        if state is not None:
            check_source(state, self._source.name, self._target.name, "copying", "following")
        await lift_fence(self._source.storage)
        await release(self._source.storage, self._target.name)
        self._means.watch.say(f"aborted: {self._source.name} takes writes")

    async def copy_collection(self, name: str) -> Outcome:
        """Copy one collection as it stands, over what is there; no log is followed and nothing is deleted."""
        collection, writer = collection_named(name), Writer(self._target.storage)
        await self._announce(collection)
        for partition in partitions(collection, await companies_of(self._source.storage)):
            async for page in _ahead(pages(self._source.storage, collection, partition)):
                await writer.put(collection, page)
                self._means.watch.advance(len(page))
        found = await self._handover().verifier().compare([collection])
        return Outcome("copied", writer.written, list(writer.failures.values()), found)

    async def verify(self) -> list[Comparison]:
        """Every collection on both sides, as they stand."""
        return await self._handover().verifier().compare()


async def _ahead(items: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same, with the next one being read while this one is written."""
    following = asyncio.ensure_future(_next(items))
    try:
        while (found := await following) is not None:
            following = asyncio.ensure_future(_next(items))
            yield found
    finally:
        following.cancel()


async def _next(items: AsyncIterator[T]) -> T | None:
    return await anext(items, None)


def _refusal(failures: Sequence[Failure]) -> str:
    first = failures[0]
    return (
        f"{len(failures):,} documents cannot be carried over, the first is {first.collection} "
        f"{'/'.join(map(str, first.key))} ({first.why}): mend or delete them, then go on; nothing has moved"
    )
