"""The heads of the logs: one small item a company, all under one partition key, so that they are listed by a query.

A commit moves its head on condition that it stands where the commit assumes: that is the lock and the order.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from alertwhisperer.storage.dynamodb_calls import Calls
from alertwhisperer.storage.dynamodb_items import Item
from alertwhisperer.storage.dynamodb_search import own_query
from alertwhisperer.storage.dynamodb_writes import OWN_SIZE, Step, Wanted
from alertwhisperer.storage.render_dynamodb import own_table

KIND: Final = "heads"


class Head(Struct, frozen=True):
    """Where a company's log stands; `seq` 0 where there is none."""

    seq: int = 0
    audit_head: str = ""
    commit_id: str = ""


class Heads:
    """Reads heads, and makes the steps that move them."""

    def __init__(self, calls: Calls, prefix: str) -> None:
        self._calls = calls
        self._prefix = prefix

    async def one(self, company_id: str) -> Head:
        """A company's head, as it is now."""
        item = await self._calls.get(own_table(self._prefix), _key(company_id))
        return _head(item) if item else Head()

    async def all(self) -> dict[str, Head]:
        """Every head, as it is now, in order of the companies."""
        found: dict[str, Head] = {}
        async for page in self._calls.pages("query", **own_query(self._prefix, KIND)):
            found |= {item["id"]["S"]: _head(item) for item in page["Items"]}
        return found

    def move(self, company_id: str, base_seq: int, head: Head, after: str | None = None) -> Step:
        """The step that moves a head from `base_seq`, which the commit `after` has made it."""
        item: Item = {
            **_key(company_id),
            "seq": {"N": str(head.seq)},
            "audit_head": {"S": head.audit_head},
            "commit_id": {"S": head.commit_id},
        }
        action: dict[str, Any] = {"TableName": own_table(self._prefix), "Item": item}
        if not base_seq:
            return Step({"Put": {**action, "ConditionExpression": "attribute_not_exists(kind)"}}, OWN_SIZE, "own")
        here, values = "seq = :base", {":base": {"N": str(base_seq)}}
        if after is not None:
            here, values = f"{here} AND commit_id = :after", {**values, ":after": {"S": after}}
        action |= {"ConditionExpression": here, "ExpressionAttributeValues": values}
        return Step({"Put": action}, OWN_SIZE, "own")

    async def follow(self, wanted: Sequence[Wanted]) -> list[Step]:
        """The steps that bring heads up to records and snapshots written without a commit: by a copy, or by retention.

        A log's head never goes back.
        """
        newest: dict[str, Head] = {}
        for each in wanted:
            told = _told(each)
            if told is not None and told.seq >= newest.get(str(each.key[0]), Head()).seq:
                newest[str(each.key[0])] = told
        steps: list[Step] = []
        for company_id, head in newest.items():
            now = await self.one(company_id)
            if head.seq >= now.seq and head != now:
                steps.append(self.move(company_id, now.seq, head))
        return steps


def _key(company_id: str) -> Item:
    return {"kind": {"S": KIND}, "id": {"S": company_id}}


def _head(item: Item) -> Head:
    return Head(int(item["seq"]["N"]), item["audit_head"]["S"], item.get("commit_id", {"S": ""})["S"])


def _told(wanted: Wanted) -> Head | None:
    """The head that a record or a snapshot of one says."""
    fields = wanted.fields
    if fields is None or wanted.collection.name not in {"events", "snapshots"}:
        return None
    if wanted.collection.name == "snapshots" and wanted.key[-1] != "head":
        return None
    seq, audit_head, commit_id = fields.get("seq"), fields.get("audit_head", ""), fields.get("commit_id", "")
    if isinstance(seq, int) and isinstance(audit_head, str) and isinstance(commit_id, str):
        return Head(seq, audit_head, commit_id)
    return None
