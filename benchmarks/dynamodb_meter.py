"""Bills every request that a storage sends to DynamoDB: the real items, by AWS's rules (`dynamodb_units`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from alertwhisperer.storage.dynamodb import DynamoDBStorage
from alertwhisperer.storage.dynamodb_calls import Answer, Calls
from alertwhisperer.storage.render_dynamodb import OWN, table_definitions
from benchmarks.dynamodb_units import Bill, Index, Item, indexes_of, item_bytes, read_units, stored_bytes, write_bill

Place = tuple[str, tuple[str, ...]]
"""A table and a key in it."""

WRITTEN_BY: Final = {"transact_write_items", "batch_write_item", "put_item"}


class Billed(NamedTuple):
    """One item's write: what it was, what it became (None: not there), and its price."""

    table: str
    before: Item | None
    after: Item | None
    bill: Bill


class Meter:
    """Keeps the tables as they stand, which is what a write's price depends on.

    `stored` are bytes billed as storage, by table. Since the last `reset`: `written` are units by what was billed
    (`Alerts`, an index as `Alerts by …`, an item of ours as `System heads`), `read` units by kind of request, `bills`
    the single writes with the items before and after.
    """

    def __init__(self, prefix: str) -> None:
        self.items: dict[Place, Item] = {}
        self.stored: Counter[str] = Counter()
        self._prefix = prefix
        self._keys: dict[str, tuple[str, ...]] = {}
        self._indexes: dict[str, tuple[Index, ...]] = {}
        for each in table_definitions(prefix):
            self._keys[each["TableName"]] = tuple(part["AttributeName"] for part in each["KeySchema"])
            self._indexes[each["TableName"]] = indexes_of(each)
        self.reset()

    def reset(self) -> None:
        """Count anew; the items stay."""
        self.written: Counter[str] = Counter()
        self.read: defaultdict[str, float] = defaultdict(float)
        self.transactions = 0
        self.bills: list[Billed] = []

    def key(self, table: str) -> tuple[str, ...]:
        """The attributes of a table's key."""
        return self._keys[table]

    def indexes(self, table: str) -> tuple[Index, ...]:
        """The indexes of a table."""
        return self._indexes[table]

    # ------------------------------------------------------------ writes

    def wrote(self, verb: str, arguments: Mapping[str, Any]) -> None:
        """Bill a request that went well."""
        self.transactions += verb == "transact_write_items"
        for table, key, after in self._writes(verb, arguments):
            place = (table, tuple(str(next(iter(key[name].values()))) for name in self._keys[table]))
            before = self.items.pop(place, None)
            if after is not None:
                self.items[place] = after
            self._keep(table, before, after)
            bill = write_bill(before, after, self._indexes[table], transactional=verb == "transact_write_items")
            self._note(table, key, bill)
            self.bills.append(Billed(table, before, after, bill))

    def _keep(self, table: str, before: Item | None, after: Item | None) -> None:
        sizes = [stored_bytes(item, self._indexes[table]) if item else 0 for item in (before, after)]
        self.stored[table.removeprefix(self._prefix)] += sizes[1] - sizes[0]

    def _writes(self, verb: str, arguments: Mapping[str, Any]) -> list[tuple[str, Item, Item | None]]:
        """(table, an item with its key, the item afterwards) of each write."""
        match verb:
            case "transact_write_items":
                return [self._action(*each.popitem()) for each in map(dict, arguments["TransactItems"])]
            case "batch_write_item":
                ((table, requests),) = arguments["RequestItems"].items()
                return [self._action(*each.popitem(), table=table) for each in map(dict, requests)]
            case _:
                return [self._action("Put", arguments)]

    def _action(self, verb: str, action: Mapping[str, Any], table: str = "") -> tuple[str, Item, Item | None]:
        table = table or action["TableName"]
        if verb.startswith("Put"):
            return table, action["Item"], action["Item"]
        if verb.startswith("Delete"):
            return table, action["Key"], None
        raise ValueError(f"there is no price here for {verb}")

    def _note(self, table: str, key: Item, bill: Bill) -> None:
        name = self._name(table, key)
        self.written[name] += bill.table
        for index, units in bill.indexes.items():
            self.written[f"{name} by {index}"] += units

    def _name(self, table: str, key: Item) -> str:
        """Of what is ours the kind, without what it is about."""
        short = table.removeprefix(self._prefix)
        return f"{short} {key['kind']['S'].split('#')[0]}" if short == OWN else short

    # ------------------------------------------------------------ reads

    def was_read(self, verb: str, arguments: Mapping[str, Any], answer: Answer) -> None:
        """Bill a read: single items each for itself, a query for all that it looked at."""
        match verb:
            case "get_item":
                self.read[verb] += _units([answer.get("Item", {})], consistent=arguments.get("ConsistentRead", False))
            case "batch_get_item":
                self._read_batch(arguments, answer)
            case "query" | "scan":
                if "Items" not in answer:
                    raise ValueError("what a count has looked at is not known here")
                size = sum(map(item_bytes, answer["Items"]))
                self.read[verb] += read_units(size, "strong" if arguments.get("ConsistentRead") else "eventual")
            case _:
                pass

    def _read_batch(self, arguments: Mapping[str, Any], answer: Answer) -> None:
        for table, asked in arguments["RequestItems"].items():
            found = answer["Responses"].get(table, [])
            absent = (
                len(asked["Keys"]) - len(found) - len(answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", []))
            )
            self.read["batch_get_item"] += _units(
                [*found, *[{}] * absent], consistent=asked.get("ConsistentRead", False)
            )


def _units(items: list[Item], *, consistent: bool) -> float:
    return sum(read_units(item_bytes(each), "strong" if consistent else "eventual") for each in items)


class MeteredCalls(Calls):
    """Calls whose requests are billed once they are answered."""

    def __init__(self, calls: Calls, meter: Meter) -> None:
        super().__init__(region=calls.region, endpoint_url=calls.where, deadline_seconds=calls.deadline_seconds)
        self._meter = meter

    async def once(self, verb: str, **arguments: Any) -> Answer:
        answer = await super().once(verb, **arguments)
        if verb in WRITTEN_BY:
            self._meter.wrote(verb, arguments)
        else:
            self._meter.was_read(verb, arguments, answer)
        return answer


class MeteredDynamoDB(DynamoDBStorage):
    """A storage with a meter. Its tables must be empty at first."""

    def _make_calls(self, **arguments: Any) -> Calls:
        self.meter = Meter(self.prefix)
        return MeteredCalls(super()._make_calls(**arguments), self.meter)
