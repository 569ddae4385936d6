"""What the docs say an alert costs is what the engine writes now, billed by AWS's rules.

After a change that is meant: `python -m benchmarks.cost` and `make fix`.
"""

from typing import Any

import pytest

from alertwhisperer.clock import VirtualClock
from benchmarks.cost import FORGOTTEN, KINDS, Kind, Site, bill, metered
from benchmarks.cost_figures import WriteSet, load
from benchmarks.dynamodb_units import write_bill
from tests.support.dynamodb_local import DynamoDBLocal

CLOSE = 0.05
"""Compression, and which deliveries share a commit, differ a little from machine to machine."""


async def billed(server: DynamoDBLocal, kinds: tuple[Kind, ...]) -> dict[str, WriteSet]:
    clock = VirtualClock()
    async with metered(server.url, clock) as storage:
        site = Site(storage, clock)
        await site.world.found()
        found = {kind.name: await bill(site, kind) for kind in kinds}
        await site.world.runner.close()
    return found


@pytest.mark.parametrize("kinds", [KINDS, (FORGOTTEN,)], ids=["traffic", "retention"])
async def test_the_figures_of_the_docs_are_those_of_the_engine(
    dynamodb_local: DynamoDBLocal, kinds: tuple[Kind, ...]
) -> None:
    together = {"storm_single", "storm_id"}
    for name, now in (await billed(dynamodb_local, kinds)).items():
        told = load().of(name)
        assert now.total == pytest.approx(told.total, rel=0.2 if name in together else CLOSE, abs=CLOSE), name
        assert now.written.keys() == told.written.keys(), name
        assert now.goal == told.goal


async def test_real_items_written_plainly_cost_on_local_what_the_calculator_says(dynamodb_local: DynamoDBLocal) -> None:
    """Each write of some real commits is done once more, in order, in other tables and without a transaction."""
    clock = VirtualClock()
    async with metered(dynamodb_local.url, clock) as storage, metered(dynamodb_local.url, clock) as other:
        site = Site(storage, clock)
        await site.world.found()
        for kind in (KINDS[0], KINDS[4]):
            await kind.before(site)
            await kind.traffic(site)
        await site.world.runner.close()
        assert len(storage.meter.bills) > 500
        for each in storage.meter.bills:
            table = other.prefix + each.table.removeprefix(storage.prefix)
            asked: dict[str, Any] = {"TableName": table, "ReturnConsumedCapacity": "INDEXES"}
            if each.after is not None:
                answer = await other._calls.read("put_item", Item=each.after, **asked)
            elif each.before is not None:
                key = {name: each.before[name] for name in storage.meter.key(each.table)}
                answer = await other._calls.read("delete_item", Key=key, **asked)
            else:
                continue
            plain = write_bill(each.before, each.after, storage.meter.indexes(each.table))
            assert answer["ConsumedCapacity"]["CapacityUnits"] == plain.total, each
