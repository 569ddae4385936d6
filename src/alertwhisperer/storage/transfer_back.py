"""The way back: the old database follows the new one, and can take over again, until somebody says that it is over."""

import asyncio
from contextlib import suppress
from typing import Final

from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.transfer import Stage, Transfer
from alertwhisperer.storage.transfer_fence import fence_of, held, lift_fence, release
from alertwhisperer.storage.transfer_follow import Follower
from alertwhisperer.storage.transfer_handover import Handover, Means, Outcome, Side
from alertwhisperer.storage.transfer_state import Progress, TakenOver, check_source, transfer_of
from alertwhisperer.storage.transfer_writer import Writer

PAUSE_SECONDS: Final = 0.5
"""How often the old database is brought up to the new one."""


class WayBack:
    """From `new`, which has taken over, to `old`, which stays fenced until it is given everything back."""

    def __init__(self, old: Side, new: Side, means: Means) -> None:
        self._old = old
        self._new = new
        self._means = means

    async def follow(self, stop: asyncio.Event) -> int:
        """Bring the old database up to the new one until `stop`, or until it is over; returns the records.

        Ends also if another command takes the way back over, to keep it or to give everything back.
        """
        writer, progress = await self._claim()
        follower = Follower(self._new.storage, writer, progress)
        followed = 0
        async with held(self._new.storage, self._means.clock, self._old.name):
            with suppress(TakenOver):
                while not stop.is_set():
                    followed += await follower.catch_up()
                    await progress.save()
                    state = await transfer_of(self._new.storage)
                    if state is None or state.stage != "switched":
                        break
                    await _wait(stop, PAUSE_SECONDS)
        return followed

    async def take(self) -> Outcome:
        """Give everything back: fence the new database, drain, verify, and let writers into the old one."""
        if await self._was_returned():
            await self._reopen()
            return Outcome("returned", 0)
        writer, progress = await self._claim()
        async with held(self._new.storage, self._means.clock, self._old.name):
            try:
                _, comparisons = await Handover(self._new, self._old, self._means).run(writer, progress)
            except BaseException:
                await lift_fence(self._new.storage)
                raise
            # Not undone if its answer is lost: then both stay fenced, and doing it again goes on from here.
            await self._end("returned")
        await self._reopen()
        return Outcome("returned", writer.written, list(writer.failures.values()), comparisons)

    async def give_up(self) -> None:
        """Finish. The old database stays fenced, so that nobody writes there by mistake."""
        await self._open()
        await self._end("finished")
        self._means.watch.say(f"finished: {self._old.name} is no longer brought up to date, and stays fenced")

    async def _claim(self) -> tuple[Writer, Progress]:
        writer, progress = await self._open()
        await progress.claim(self._means.ids.new_id())
        return writer, progress

    async def _open(self) -> tuple[Writer, Progress]:
        forward, back = await transfer_of(self._new.storage), await transfer_of(self._old.storage)
        if forward is None or back is None:
            raise Conflict(f"{self._old.name} has not been switched to {self._new.name}")
        check_source(forward, self._old.name, self._new.name, "switched")
        writer = Writer(self._old.storage)
        return writer, Progress(self._old.storage, self._means.clock, writer, back)

    async def _was_returned(self) -> bool:
        forward = await transfer_of(self._new.storage)
        returned = forward is not None and forward.stage == "returned" and forward.source == self._old.name
        return returned and await fence_of(self._new.storage) is not None

    async def _reopen(self) -> None:
        await lift_fence(self._old.storage)
        self._means.watch.say(f"returned: {self._old.name} has everything and takes writes")

    async def _end(self, stage: Stage) -> None:
        state: Transfer | None = await transfer_of(self._new.storage)
        if state is not None:
            await Progress(self._new.storage, self._means.clock, Writer(self._new.storage), state).enter(stage)
        for side, holder in ((self._old, self._new), (self._new, self._old)):
            await release(side.storage, holder.name)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
