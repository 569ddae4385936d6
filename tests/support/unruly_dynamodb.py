"""Calls to DynamoDB that go wrong as planned: what AWS and the network do, and DynamoDB Local never does."""

from collections.abc import Iterable
from typing import Any, Literal

from botocore.exceptions import ClientError, ReadTimeoutError

from alertwhisperer.storage.dynamodb import DynamoDBStorage
from alertwhisperer.storage.dynamodb_calls import Answer, Calls

Fault = Literal["none", "throttle", "conflict", "lose request", "lose answer", "deny", "expired token"]


class UnrulyCalls(Calls):
    """Faults for the next requests of a kind; without a plan, all goes well. `unprocessed`: batches stay half done."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(region=calls.region, endpoint_url=calls.where, deadline_seconds=calls.deadline_seconds)
        self.unprocessed = 0
        self._plans: dict[str, list[Fault]] = {}

    def plan(self, verb: str, faults: Iterable[Fault]) -> None:
        self._plans[verb] = list(faults)

    async def once(self, verb: str, **arguments: Any) -> Answer:
        plan = self._plans.get(verb, [])
        fault: Fault = plan.pop(0) if plan else "none"
        if fault == "lose answer":
            await super().once(verb, **arguments)
        if fault in {"lose answer", "lose request"}:
            raise ReadTimeoutError(endpoint_url=self.where)
        if fault != "none":
            raise _error(fault, verb)
        if verb == "batch_get_item" and self.unprocessed:
            return await self._half(arguments)
        return await super().once(verb, **arguments)

    async def _half(self, arguments: dict[str, Any]) -> Answer:
        self.unprocessed -= 1
        ((table, asked),) = arguments["RequestItems"].items()
        middle = len(asked["Keys"]) // 2
        some = {table: {**asked, "Keys": asked["Keys"][:middle]}}
        answer = await super().once("batch_get_item", RequestItems=some) if middle else {"Responses": {}}
        return {**answer, "UnprocessedKeys": {table: {**asked, "Keys": asked["Keys"][middle:]}}}


def _error(fault: Fault, verb: str) -> ClientError:
    codes = {
        "throttle": "ProvisionedThroughputExceededException",
        "conflict": "TransactionCanceledException",
        "deny": "AccessDeniedException",
        "expired token": "ExpiredTokenException",
    }
    response: Any = {"Error": {"Code": codes[fault], "Message": "planned"}}
    if fault == "conflict":
        response["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    return ClientError(response, verb)


class UnrulyDynamoDB(DynamoDBStorage):
    """A storage whose calls are unruly."""

    def _make_calls(self, **arguments: Any) -> Calls:
        self.unruly = UnrulyCalls(super()._make_calls(**arguments))
        return self.unruly
