"""Follows the logs that somebody listens to, each without a gap.

What this process commits is heard at once; what others commit is read from the log when the doorbell rings.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog

from alertwhisperer.domain.event import Record
from alertwhisperer.ports import Log, Ring

POLL_SECONDS: Final = 2.0
"""The doorbell is only a hint: the logs are looked at this soon though it does not ring (it may have been asked after
somebody wrote), and then more and more seldom, down to what the log says of itself."""

REST_SECONDS: Final = 0.01
REST_AT_MOST: Final = 0.1
"""Between two rounds of reading, so that a ring a commit does not become a query a commit and company; longer after
rounds that found nothing, since the doorbell also rings for what this process has committed and heard already."""

FEW: Final = 4
"""Up to so many logs are each asked for their head; beyond, all heads are asked for at once."""

RETRY_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 0.5
"""A record that stays absent for so long, while later ones are there, has expired."""

PAGE: Final = 100

_log = structlog.get_logger(__name__)


class Reader(Protocol):
    """Who listens to one company's log."""

    def tell(self, record: Record) -> None:
        """Take the next record: they come in order, none missing, none twice."""
        ...

    def skip(self, seq: int) -> None:
        """Records up to `seq` can no longer be had; the next one told is `seq + 1`."""
        ...


class _Following:
    """One log being followed. `seq` is the last record told."""

    def __init__(self, company_id: str, reader: Reader) -> None:
        self.company_id = company_id
        self.reader = reader
        self.seq = -1
        self.heard_of = 0
        self.due = False
        self.missing_since: float | None = None
        self.reading = asyncio.Lock()

    @property
    def behind(self) -> bool:
        return self.heard_of > self.seq

    def hear_of(self, seq: int) -> None:
        """There is a record `seq`."""
        self.heard_of = max(self.heard_of, seq)

    def take(self, record: Record) -> bool:
        """Tell the record if it is the next one, ignore it if it was told; False if one before it is missing."""
        self.hear_of(record.seq)
        if record.seq > self.seq + 1:
            return False
        if record.seq == self.seq + 1:
            self.seq = record.seq
            self.missing_since = None
            self.reader.tell(record)
        return True


class Feed:
    """The logs of this process's listeners. With nobody listening it runs nothing and reads nothing.

    Counters for /metrics: `reads` of logs, records `found` by reading, `expired` gaps that nobody can fill any more,
    `failures`, which are rounds of reading, or doorbells, that an error ended.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._followed: dict[str, _Following] = {}
        self._rung = asyncio.Event()
        self._all_due = False
        self._look_seconds = POLL_SECONDS
        self._look_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.reads = 0
        self.found = 0
        self.failures = 0
        self.expired = 0
        log.on_commit(self._committed)

    async def follow(self, company_id: str, reader: Reader) -> int:
        """Tell `reader` every record behind the head of now, whose seq is returned.

        One reader a log: whoever follows it a second time is a mistake (ValueError).
        """
        if company_id in self._followed:
            raise ValueError(f"the log of {company_id} is already followed")
        following = self._followed[company_id] = _Following(company_id, reader)
        try:
            async with following.reading:
                seq, _ = await self._log.head(company_id)
                following.seq = seq
        except BaseException:
            self.leave(company_id)
            raise
        self._start()
        if following.behind:
            self._rung.set()
        return seq

    def leave(self, company_id: str) -> None:
        """Follow no longer."""
        self._followed.pop(company_id, None)
        if not self._followed:
            self._stop()

    async def refresh(self, company_id: str) -> None:
        """Read now what the log has; afterwards everything committed before the call has been told."""
        following = self._followed.get(company_id)
        if following is not None:
            await self._look_ahead([following])
            await self._catch_up(following)

    async def close(self) -> None:
        """Stop following everything."""
        self._followed.clear()
        tasks = self._stop()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _committed(self, record: Record) -> None:
        following = self._followed.get(record.company_id)
        if following is None:
            return
        if following.seq < 0:
            following.hear_of(record.seq)
        elif not following.take(record):
            self._rung.set()

    def _start(self) -> None:
        if not self._tasks:
            self._look_soon()
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read_on())]

    def _stop(self) -> list[asyncio.Task[None]]:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        return tasks

    async def _listen(self) -> None:
        while True:
            try:
                async for ring in self._log.doorbell():
                    self._hear(ring)
            # A doorbell that breaks must not end live updates: the logs are polled, and it is asked again.
            except Exception as error:  # noqa: BLE001
                self._failed(error)
            await asyncio.sleep(POLL_SECONDS)
            self._look_soon()

    def _hear(self, ring: Ring) -> None:
        if ring is None:
            self._all_due = True
            self._rung.set()
            return
        for company_id in ring:
            if company_id in self._followed:
                self._followed[company_id].due = True
                self._rung.set()

    async def _read_on(self) -> None:
        rest = REST_SECONDS
        while True:
            await self._wait()
            found = self.found
            try:
                await self._read_due()
            # The database may be away for a while; whoever listens is told what was missed when it is back.
            except Exception as error:  # noqa: BLE001
                self._failed(error)
                self._all_due = True
                self._rung.set()
                await asyncio.sleep(POLL_SECONDS)
            rest = REST_SECONDS if self.found > found else min(rest * 2, REST_AT_MOST)
            await asyncio.sleep(rest)

    async def _read_due(self) -> None:
        due = [one for one in self._followed.values() if one.behind or one.due or self._all_due]
        self._all_due = False
        for following in due:
            following.due = False
        await self._look_ahead(due)
        for following in due:
            await self._catch_up(following)

    async def _look_ahead(self, due: Sequence[_Following]) -> None:
        """Learn which logs have grown: of a few, each; of many, all in one query."""
        if len(due) > FEW:
            heads = dict(await self._log.companies_with_log())
            for following in due:
                following.hear_of(heads.get(following.company_id, 0))
            return
        for following in due:
            seq, _ = await self._log.head(following.company_id)
            following.hear_of(seq)

    async def _wait(self) -> None:
        """Until the bell rings, or all logs are to be looked at again."""
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._look_at):
                await self._rung.wait()
        self._rung.clear()
        if loop.time() >= self._look_at:
            self._all_due = True
            self._look_seconds = min(2 * self._look_seconds, self._log.look_every_seconds)
            self._look_at = loop.time() + self._look_seconds

    def _look_soon(self) -> None:
        self._look_seconds = POLL_SECONDS
        self._look_at = asyncio.get_running_loop().time() + POLL_SECONDS

    async def _catch_up(self, following: _Following) -> None:
        async with following.reading:
            while following.behind and following is self._followed.get(following.company_id):
                self.reads += 1
                records = await self._log.records(following.company_id, after=following.seq, limit=PAGE)
                self.found += len(records)
                if not records or not all(following.take(record) for record in records):
                    self._missing(following, records)
                    break
        if following.behind:
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._rung.set)

    def _missing(self, following: _Following, records: Sequence[Record]) -> None:
        """The next record is absent: wait for it a little, then go on behind the gap."""
        now = asyncio.get_running_loop().time()
        if not following.behind:
            return
        if following.missing_since is None:
            following.missing_since = now
        elif now - following.missing_since > PATIENCE_SECONDS:
            later = [record.seq for record in records if record.seq > following.seq]
            following.seq = min(later, default=following.heard_of + 1) - 1
            following.missing_since = None
            self.expired += 1
            following.reader.skip(following.seq)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        _log.warning("live feed interrupted", error=repr(error))
