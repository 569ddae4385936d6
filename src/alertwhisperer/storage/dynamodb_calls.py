"""Calls to DynamoDB: one client, every answer whole (pages and unprocessed parts), and our own way of trying again.

botocore's retries are off: they know neither our deadline nor which writes may be repeated.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import cache
from random import SystemRandom
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader

from alertwhisperer.domain.errors import OutcomeUnknown, Unavailable
from alertwhisperer.storage.dynamodb_errors import Fate, code_of, fate_of, sentence
from alertwhisperer.storage.dynamodb_items import Item

Answer = dict[str, Any]

FIRST_PAUSE_SECONDS: Final = 0.025
LONGEST_PAUSE_SECONDS: Final = 1.0
GET_AT_MOST: Final = 100
SIDE_BY_SIDE: Final = 8

_chance: Final = SystemRandom()

Failures = (ClientError, BotoCoreError)


@cache
def _service_models() -> Loader:
    """Botocore's descriptions of services, read once a process rather than once a client (100 ms)."""
    return create_loader()


class Cancelled(Exception):  # the transaction's own word
    """A transaction was cancelled, and nothing written; `reasons` in the order of its items."""

    def __init__(self, reasons: Sequence[Answer]) -> None:
        super().__init__(", ".join(str(each.get("Code")) for each in reasons))
        self.reasons = reasons

    @property
    def conditions(self) -> list[int]:
        """The places of the items whose condition did not hold."""
        return [at for at, reason in enumerate(self.reasons) if reason.get("Code") == "ConditionalCheckFailed"]

    @property
    def busy(self) -> bool:
        """Whether nothing but others' work was in the way."""
        return not self.conditions and not any(each.get("Code") == "ValidationError" for each in self.reasons)


class Backoff:
    """Pauses that grow, with jitter, until a deadline."""

    def __init__(self, seconds: float) -> None:
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._pause = FIRST_PAUSE_SECONDS

    async def pause(self) -> bool:
        """Wait a little; False, at once, if there is no time left."""
        loop = asyncio.get_running_loop()
        wait = self._pause * (0.5 + _chance.random() / 2)
        if loop.time() + wait > self._deadline:
            return False
        await asyncio.sleep(wait)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        return True


class Calls:
    """The client. `operations` counts requests by kind, and the items of transactions and batches.

    All is written by transactions, at twice the price of BatchWriteItem: that has neither conditions nor tokens, so
    that one which arrives late would undo what was written since.
    """

    def __init__(self, *, region: str, endpoint_url: str | None, deadline_seconds: float) -> None:
        self.region = region
        self.where = endpoint_url or f"https://dynamodb.{region}.amazonaws.com"
        self.operations: Counter[str] = Counter()
        self.deadline_seconds = deadline_seconds
        self._endpoint_url = endpoint_url
        self._client: Any = None
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Make the client, if there is none; nothing is sent yet."""
        if self._client is not None:
            return
        config = AioConfig(
            retries={"total_max_attempts": 1},
            connect_timeout=min(self.deadline_seconds, 5),
            read_timeout=self.deadline_seconds,
            max_pool_connections=50,
        )
        try:
            session = get_session()
            session.register_component("data_loader", _service_models())
            made = session.create_client(
                "dynamodb", region_name=self.region, endpoint_url=self._endpoint_url, config=config
            )
            self._client = await self._stack.enter_async_context(made)
        except (*Failures, ValueError) as error:
            raise sentence(error, region=self.region, where=self.where) from error

    async def close(self) -> None:
        """Close the client's connections."""
        self._client = None
        await self._stack.aclose()

    async def once(self, verb: str, **arguments: Any) -> Answer:
        """One request, as it is; whoever calls knows what its errors mean. `verb` as botocore names it: get_item."""
        if self._client is None:
            raise Unavailable("the database is closed")
        self.operations[verb] += 1
        answer: Answer = await getattr(self._client, verb)(**arguments)
        return answer

    async def patiently(self, verb: str, **arguments: Any) -> Answer:
        """A request that may be repeated at will, until it is answered, refused, or the deadline has passed."""
        backoff = Backoff(self.deadline_seconds)
        while True:
            try:
                return await self.once(verb, **arguments)
            except Failures as error:
                if fate_of(error) is Fate.REFUSED or not await backoff.pause():
                    raise

    async def read(self, verb: str, **arguments: Any) -> Answer:
        """The same, and what goes wrong is said in our words."""
        try:
            return await self.patiently(verb, **arguments)
        except Failures as error:
            raise sentence(error, region=self.region, where=self.where) from error

    async def get(self, table: str, key: Item) -> Item | None:
        """One item, as it is now."""
        item: Item | None = (await self.read("get_item", TableName=table, Key=key, ConsistentRead=True)).get("Item")
        return item

    async def get_many(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """Those of the keys (each named once) that are there, as they are now, in no order."""
        chunks = [keys[start : start + GET_AT_MOST] for start in range(0, len(keys), GET_AT_MOST)]
        found: list[Item] = []
        for start in range(0, len(chunks), SIDE_BY_SIDE):
            some = chunks[start : start + SIDE_BY_SIDE]
            for items in await asyncio.gather(*(self._get_chunk(table, chunk) for chunk in some)):
                found += items
        return found

    async def _get_chunk(self, table: str, keys: Sequence[Item]) -> list[Item]:
        found: list[Item] = []
        backoff = Backoff(self.deadline_seconds)
        while keys:
            self.operations["batch_get_item.items"] += len(keys)
            wanted = {table: {"Keys": list(keys), "ConsistentRead": True}}
            answer = await self.read("batch_get_item", RequestItems=wanted)
            found += answer["Responses"].get(table, [])
            keys = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            if keys and not await backoff.pause():
                raise Unavailable("DynamoDB is busy: it did not read all that was asked for")
        return found

    async def pages(self, verb: str, **arguments: Any) -> AsyncIterator[Answer]:
        """Every page of a query or scan, read as they are asked for."""
        while True:
            page = await self.read(verb, **arguments)
            yield page
            if not page.get("LastEvaluatedKey"):
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    async def transact(self, items: Sequence[Answer], token: str) -> None:
        """Write all of it or nothing; repeated under the same token, which makes it happen once.

        Raises Cancelled, OutcomeUnknown if the answer was lost for good, Unavailable if nothing was written.
        """
        backoff = Backoff(self.deadline_seconds)
        lost = False
        while True:
            try:
                self.operations["transact_write_items.items"] += len(items)
                await self.once("transact_write_items", TransactItems=list(items), ClientRequestToken=token)
            except Failures as error:
                lost = lost or fate_of(error) is Fate.LOST
                again = fate_of(error) is not Fate.REFUSED
                if code_of(error) == "TransactionCanceledException":
                    cancelled = Cancelled(error.response["CancellationReasons"])
                    if not cancelled.busy:
                        raise cancelled from None
                    again = True
                if not again or not await backoff.pause():
                    raise self._given_up(error, lost=lost) from error
            else:
                return

    def _given_up(self, error: Exception, *, lost: bool) -> Exception:
        if lost:
            return OutcomeUnknown("DynamoDB did not say whether it stored this")
        if code_of(error) == "TransactionCanceledException":
            return Unavailable("DynamoDB is busy: others write to the same items")
        return sentence(error, region=self.region, where=self.where)
