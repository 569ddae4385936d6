"""Where the logs stand: at their newest records, or at the snapshots that are left of records gone.

No item says it, since that would be one more to write with every commit: a record is put where none is yet, behind one
that is known to be there. What this process has written or read itself it remembers, so that it seldom has to ask.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from alertwhisperer.domain.event import Record
from alertwhisperer.domain.snapshot import Snapshot
from alertwhisperer.schema import BY_NAME
from alertwhisperer.storage.codec import typed_fields
from alertwhisperer.storage.dynamodb_calls import SIDE_BY_SIDE, Calls
from alertwhisperer.storage.dynamodb_items import Item
from alertwhisperer.storage.dynamodb_search import Search, own_query
from alertwhisperer.storage.dynamodb_writes import OWN_SIZE, Step, Wanted
from alertwhisperer.storage.render_dynamodb import own_table

LOGS: Final = "logs"
"""Our own items of this kind name the companies that have a log."""

FRESH_SECONDS: Final = 12 * 3600.0
"""What was known of a log for longer is asked again. Records are kept for a day at least: behind one that was the
newest less than this ago, those written since are still there, and a record is not put in the place of one gone."""

KNOWN_AT_MOST: Final = 10_000
EVENTS: Final = BY_NAME["events"]
SNAPSHOT_ID: Final = "head"


class Head(Struct, frozen=True):
    """Where a company's log stands; `seq` 0 where there is none, no `commit_id` where only a snapshot is left."""

    seq: int = 0
    audit_head: str = ""
    commit_id: str = ""


class _Known(Struct, frozen=True):
    """A head that was the newest at an instant, by the loop's clock and by the wall's (None without one)."""

    head: Head
    loop_time: float
    wall_time: float | None


class Heads:
    """Reads heads, and remembers them."""

    def __init__(self, calls: Calls, search: Search, prefix: str) -> None:
        self._calls = calls
        self._search = search
        self._prefix = prefix
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._listed: set[str] = set()

    async def one(self, company_id: str) -> Head:
        """A company's head, as it is now."""
        known = self._fresh(company_id)
        if known is not None and not await self._search.by_keys(EVENTS, [(company_id, known.seq + 1)]):
            self.learn(company_id, known)
            return known
        return await self._asked(company_id)

    async def all(self) -> dict[str, Head]:
        """The head of every log, as it is now, in order of the companies."""
        companies: list[str] = []
        async for page in self._calls.pages("query", **own_query(self._prefix, LOGS)):
            companies += [item["id"]["S"] for item in page["Items"]]
        known = {each: head for each in companies if (head := self._fresh(each)) is not None}
        grown = await self._search.by_keys(EVENTS, [(each, head.seq + 1) for each, head in known.items()])
        for each in grown:
            del known[str(each.key[0])]
        asked = [each for each in companies if each not in known]
        for start in range(0, len(asked), SIDE_BY_SIDE):
            some = asked[start : start + SIDE_BY_SIDE]
            known |= zip(some, await asyncio.gather(*map(self._asked, some)), strict=True)
        return {each: known[each] for each in companies if known[each].seq}

    async def stands(self, company_id: str, base_seq: int, after: str | None) -> bool:
        """Whether the log stands at `base_seq` (written by the commit `after`), for all that can be known before."""
        head = self._fresh(company_id)
        if head is None or head.seq != base_seq or after not in {None, head.commit_id}:
            head = await self.one(company_id)
        return head.seq == base_seq and after in {None, head.commit_id}

    def learn(self, company_id: str, head: Head) -> None:
        """This is the newest now, unless a later one has been learned while it was asked for."""
        known = self._known.get(company_id)
        if known is not None and known.head.seq > head.seq:
            return
        now = asyncio.get_running_loop().time()
        self._known[company_id] = _Known(head, now, self._search.now())
        self._known.move_to_end(company_id)
        if len(self._known) > KNOWN_AT_MOST:
            self._known.popitem(last=False)

    def listing(self, wanted: Sequence[Wanted]) -> list[Step]:
        """The steps that name the companies whose logs these writes begin."""
        begun = {str(each.key[0]) for each in wanted if _begins(each)} - self._listed
        items: list[Item] = [{"kind": {"S": LOGS}, "id": {"S": each}} for each in sorted(begun)]
        return [
            Step({"Put": {"TableName": own_table(self._prefix), "Item": each}}, OWN_SIZE, "beside") for each in items
        ]

    def wrote(self, wanted: Sequence[Wanted]) -> None:
        """What was written, or may have been, without a commit: records and snapshots tell other heads than before."""
        for each in wanted:
            if each.collection.name in {EVENTS.name, "snapshots"}:
                self._known.pop(str(each.key[0]), None)

    def listed(self, steps: Iterable[Step]) -> None:
        """These steps of `listing` are stored: they need not go with every page of a copy."""
        self._listed.update(step.action["Put"]["Item"]["id"]["S"] for step in steps)

    def _fresh(self, company_id: str) -> Head | None:
        known = self._known.get(company_id)
        if known is None:
            return None
        ages = [asyncio.get_running_loop().time() - known.loop_time]
        now = self._search.now()
        if now is not None and known.wall_time is not None:
            ages.append(abs(now - known.wall_time))
        return known.head if max(ages) < FRESH_SECONDS else None

    async def _asked(self, company_id: str) -> Head:
        newest, snapshot = await asyncio.gather(self._search.newest(company_id), self._snapshot(company_id))
        head = max(_of_record(newest), snapshot, key=lambda each: each.seq)
        self.learn(company_id, head)
        return head

    async def _snapshot(self, company_id: str) -> Head:
        found = await self._search.by_keys(BY_NAME["snapshots"], [(company_id, SNAPSHOT_ID)])
        if not found:
            return Head()
        snapshot = typed_fields(Snapshot, found[0].stored.fields)
        return Head(snapshot.seq, snapshot.audit_head)


def _of_record(record: Record | None) -> Head:
    return Head(record.seq, record.audit_head, record.commit_id) if record else Head()


def _begins(wanted: Wanted) -> bool:
    """Whether there is a log from this write on."""
    if wanted.fields is None:
        return False
    return wanted.collection.name == EVENTS.name or (
        wanted.collection.name == "snapshots" and wanted.key[-1] == SNAPSHOT_ID
    )
