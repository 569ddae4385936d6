"""What the docs say an alert costs is what the engine writes now, billed by AWS's rules.

After a change that is meant: `python -m benchmarks.cost` and `make fix`.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest

from alertwhisperer.clock import VirtualClock
from benchmarks.cost import FORGOTTEN, KINDS, Kind, Site, bill, metered
from benchmarks.cost_figures import WriteSet, load
from benchmarks.dynamodb_units import write_bill
from tests.support.dynamodb_local import DynamoDBLocal

CLOSE = 0.05
TOGETHER = {"storm_single": 0.2, "storm_id": 0.2}
"""Compression differs a little from machine to machine, and so does which deliveries share a commit."""


async def billed(server: DynamoDBLocal, kinds: Sequence[Kind]) -> dict[str, WriteSet]:
    clock = VirtualClock()
    async with metered(server.url, clock) as storage:
        site = Site(storage, clock)
        await site.world.found()
        found = {kind.name: await bill(site, kind) for kind in kinds}
        await site.world.runner.close()
    return found


LONG = os.environ.get("ALERTWHISPERER_LONG") == "1"
QUICK = ("opens", "joins", "ends", "storm_one", "storm_repeats")
"""What is measured each time; the rest, and what retention writes, in a long run."""


def measured_now() -> list[list[Kind]]:
    """Retention's in a database to itself."""
    if LONG:
        return [[*KINDS], [FORGOTTEN]]
    return [[kind for kind in KINDS if kind.name in QUICK]]


@pytest.mark.parametrize("kinds", measured_now(), ids=lambda kinds: kinds[0].name)
async def test_the_figures_of_the_docs_are_those_of_the_engine(
    dynamodb_local: DynamoDBLocal, kinds: Sequence[Kind]
) -> None:
    for name, now in (await billed(dynamodb_local, kinds)).items():
        told = load().of(name)
        assert now.total == pytest.approx(told.total, rel=TOGETHER.get(name, CLOSE), abs=CLOSE), name
        assert now.written.keys() == told.written.keys(), name
        assert now.goal == told.goal


def test_every_figure_has_its_kind_of_traffic() -> None:
    assert [each.name for each in load().write_sets] == [kind.name for kind in (*KINDS, FORGOTTEN)]


async def test_real_items_written_plainly_cost_on_local_what_the_calculator_says(dynamodb_local: DynamoDBLocal) -> None:
    """Each write of some real commits is done once more, in order, in other tables and without a transaction."""
    clock = VirtualClock()
    async with metered(dynamodb_local.url, clock) as storage, metered(dynamodb_local.url, clock) as other:
        site = Site(storage, clock)
        await site.world.found()
        for kind in KINDS:
            if kind.name in {"joins", "ends"}:
                await kind.before(site)
                await kind.traffic(site)
        await site.world.runner.close()
        assert len(storage.meter.bills) > 250
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
