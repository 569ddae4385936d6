"""Rings when somebody may have written: at once for this process, within some seconds for others.

Each process that listens says so in an item of its own, and looks at those of the others. Whoever commits while another
listens says in its item for whom: one small write for what it commits within a second, and none while nobody listens.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from alertwhisperer.domain.errors import AlertWhispererError
from alertwhisperer.domain.event import Record
from alertwhisperer.ports import Ring
from alertwhisperer.storage.doorbell import Doorbell
from alertwhisperer.storage.dynamodb_calls import Calls
from alertwhisperer.storage.dynamodb_items import Item
from alertwhisperer.storage.dynamodb_search import own_query
from alertwhisperer.storage.dynamodb_values import Value
from alertwhisperer.storage.render_dynamodb import own_table

BELLS: Final = "bells"
LOOK_EVERY_SECONDS: Final = 2.0
TELL_EVERY_SECONDS: Final = 1.0
TOLD_FOR_SECONDS: Final = 10.0
"""How long a company stays in what a process says; who has not looked for so long takes it that any have written."""

NAMES_AT_MOST: Final = 40
"""Beyond so many companies within that time they are not named: an item of a KB is one unit."""

SAY_EVERY_SECONDS: Final = 60.0
LISTENS_FOR_SECONDS: Final = 180
"""A listener says so each minute, and is taken to be gone when it has not for three."""

LEFT_BEHIND_SECONDS: Final = 3600.0


class Bells(Doorbell):
    """The bells that processes ring for each other. `now`: the wall's clock in Unix time, None without one."""

    def __init__(self, calls: Calls, prefix: str, now: Callable[[], float | None]) -> None:
        super().__init__()
        self._calls = calls
        self._table = own_table(prefix)
        self._asked = {**own_query(prefix, BELLS), "ConsistentRead": False}
        self._now = now
        self._key: Item = {"kind": {"S": BELLS}, "id": {"S": secrets.token_hex(8)}}
        self._untold: dict[str, int] = {}
        self._told: dict[str, tuple[int, float]] = {}
        self._telling: asyncio.Task[None] | None = None

    def committed(self, record: Record) -> None:
        """This process has committed: wake everybody here, and see to it that the others hear."""
        self.ring(frozenset({record.company_id}))
        self._untold[record.company_id] = record.seq
        if self._telling is None and not self._closed:
            self._telling = asyncio.create_task(self._tell(), name="bells")

    async def close(self) -> None:
        """Tell what is not told yet, and let every listener end."""
        await super().close()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])
        with suppress(AlertWhispererError, TimeoutError):
            async with asyncio.timeout(TELL_EVERY_SECONDS):
                await self._tell_others()

    # ------------------------------------------------------------ telling

    async def _tell(self) -> None:
        while self._untold:
            # A hint, not a promise: who is not told looks for itself now and then.
            with suppress(AlertWhispererError):
                await self._tell_others()
            await asyncio.sleep(TELL_EVERY_SECONDS)
        self._telling = None

    async def _tell_others(self) -> None:
        untold = dict(self._untold)
        if untold and any(self._listens(each) for each in await self._others()):
            now = asyncio.get_running_loop().time()
            kept = {name: told for name, told in self._told.items() if now - told[1] < TOLD_FOR_SECONDS}
            self._told = kept | {name: (seq, now) for name, seq in untold.items()}
            await self._say()
        self._untold = {name: seq for name, seq in self._untold.items() if untold.get(name) != seq}

    async def _say(self) -> None:
        """Put this process's item: until when it listens, and for whom it has rung."""
        now = int(self._now() or 0)
        until = now + LISTENS_FOR_SECONDS if self.listened_to else 0
        item: Item = {**self._key, "at": {"N": str(now)}, "until": {"N": str(until)}, "seqs": self._seqs()}
        await self._calls.read("put_item", TableName=self._table, Item=item)

    def _seqs(self) -> Value:
        """Company → seq, or if they are many only what changes with any of them."""
        if len(self._told) > NAMES_AT_MOST:
            return {"N": str(sum(seq for seq, _ in self._told.values()))}
        return {"M": {name: {"N": str(seq)} for name, (seq, _) in self._told.items()}}

    # ------------------------------------------------------------ listening

    async def watch(self) -> None:
        """See `Doorbell.watch`."""
        loop = asyncio.get_running_loop()
        said = looked = -LEFT_BEHIND_SECONDS
        seen: dict[str, Value] | None = None
        while True:
            with suppress(AlertWhispererError):
                if loop.time() - said > SAY_EVERY_SECONDS:
                    await self._say()
                    said = loop.time()
                found = {each["id"]["S"]: each["seqs"] for each in await self._others()}
                late = loop.time() - looked > TOLD_FOR_SECONDS - LOOK_EVERY_SECONDS
                news = frozenset[str]() if seen is None else None if late else _news(seen, found)
                if news is None or news:
                    self.ring(news)
                seen, looked = found, loop.time()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _others(self) -> list[Item]:
        """The items of other processes; one that was left behind long ago is taken away."""
        found = (await self._calls.read("query", **self._asked))["Items"]
        left = [each for each in found if float(each["at"]["N"]) < (self._now() or 0) - LEFT_BEHIND_SECONDS]
        for each in left:
            key = {name: each[name] for name in self._key}
            await self._calls.read("delete_item", TableName=self._table, Key=key)
        return [each for each in found if each["id"] != self._key["id"] and each not in left]

    def _listens(self, item: Item) -> bool:
        return float(item["until"]["N"]) > (self._now() or 0)


def _news(seen: Mapping[str, Value], found: Mapping[str, Value]) -> Ring:
    """For whom others have rung since; None if that is not said."""
    names: set[str] = set()
    for process, seqs in found.items():
        before = seen.get(process, {"M": {}})
        if seqs != before and not ("M" in seqs and "M" in before):
            return None
        if seqs != before:
            names |= {company_id for company_id, seq in seqs["M"].items() if before["M"].get(company_id) != seq}
    return frozenset(names)
