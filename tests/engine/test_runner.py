"""Decisions lose races, lose answers and fail, and nothing is done twice or half."""

import asyncio
from collections.abc import Coroutine

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.delivery import Outcome
from alertwhisperer.domain.errors import AlertWhispererError, Conflict, Invalid, Unavailable
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.ledger import RECEIVED
from alertwhisperer.engine.draft import Draft
from alertwhisperer.ports import Storage
from tests.support.cast import ACME, ADA
from tests.support.faulty import Fault, faulty
from tests.support.world import World, acting

ADA_HERE = acting(ADA)


@pytest.fixture
def here(world: World) -> World:
    """This process's world."""
    return world


def beside(world: World, storage: Storage | None = None) -> World:
    """Another process on the same database."""
    return World(storage or world.storage, world.clock, world.ids)


async def test_two_processes_that_share_a_company_make_one_incident(here: World) -> None:
    there = beside(here)
    worlds = [here, there] * 16
    outcomes = await asyncio.gather(*(world.fire(tool_source=f"t{n}") for n, world in enumerate(worlds)))
    assert len({each.incident_id for each in outcomes}) == 1
    [incident] = await here.open_incidents()
    assert incident.alert_count == 32
    assert (await here.counts())[RECEIVED] == 32
    assert here.runner.tally.conflicts + there.runner.tally.conflicts > 0


async def test_what_one_process_resolves_the_other_sees_before_it_decides(here: World) -> None:
    there = beside(here)
    first = await here.fire()
    assert (await there.fire()).disposition == "occurrence"
    await here.clear()
    assert (await there.clear()).alert_id is None
    again = await there.fire()
    assert again.incident_id == first.incident_id
    assert (await here.fire()).disposition == "occurrence"


async def test_a_setting_that_another_process_changed_holds_at_once(here: World) -> None:
    there = beside(here)
    await there.fire()
    await here.configure("correlation", auto_correlate=False)
    assert (await there.fire(asset="db-02")).disposition == "ungrouped"


@pytest.mark.parametrize(
    "plan", [["lose answer"], ["lose request"], ["lose request", "lose answer"], ["lose request"] * 5 + ["delay"]]
)
async def test_a_lost_answer_or_request_does_nothing_twice(here: World, plan: list[Fault]) -> None:
    there = beside(here, faulty(here.storage, "none", *plan))
    await there.fire()
    outcome = await there.fire(asset="db-02")
    again = await there.fire(asset="db-02")
    assert (outcome.disposition, again.disposition) == ("grouped", "occurrence")
    assert await here.storage.count(Alert, {"company_id": ACME}) == 2
    assert (await here.counts())[RECEIVED] == 3
    assert there.runner.tally.unknown_outcomes == sum(each != "delay" for each in plan)


async def test_a_lost_answer_of_a_commit_that_lost_the_race_is_decided_again(here: World) -> None:
    there = beside(here, faulty(here.storage, "none", "lose request"))
    first = await there.fire()
    await here.fire(asset="db-03")
    assert (await there.fire()).incident_id == first.incident_id
    assert [each.seq for each in await here.storage.records(ACME, 0)] == [1, 2, 3, 4]


async def test_what_was_not_stored_is_told_as_such_and_can_be_sent_again(here: World) -> None:
    there = beside(here, faulty(here.storage, "none", "refuse"))
    await there.fire()
    with pytest.raises(Unavailable):
        await there.fire(asset="db-02")
    assert (await there.fire(asset="db-02")).disposition == "grouped"
    assert await here.storage.count(Incident, {"company_id": ACME}) == 2


async def test_one_decision_that_fails_does_not_take_its_batch_with_it(here: World) -> None:
    def refuse(draft: Draft) -> None:
        draft.put(Asset(id="half", company_id=ACME, name="half done"))
        draft.count("half")
        raise Invalid("no", "field")

    def stumble(draft: Draft) -> None:
        draft.put(Asset(id="fault", company_id=ACME, name="fault"))
        raise ZeroDivisionError

    results = await asyncio.gather(
        here.fire(asset="before"),
        here.runner.run(ADA_HERE, refuse),
        here.runner.run(ADA_HERE, stumble),
        here.fire(asset="after"),
        return_exceptions=True,
    )
    assert [type(each).__name__ for each in results] == ["Outcome", "Invalid", "ZeroDivisionError", "Outcome"]
    names = {each.name for each in await here.storage.select(Asset, {"company_id": ACME})}
    assert names == {"before", "after"}
    assert "half" not in await here.counts()


async def test_a_document_that_cannot_be_stored_stands_alone(here: World) -> None:
    """The storage refuses the whole commit; halving finds the one it was about."""

    def poison(draft: Draft) -> None:
        draft.put(Asset(id="taken", company_id=ACME, name="twice"))

    await here.runner.run(ADA_HERE, lambda draft: draft.put(Asset(id="first", company_id=ACME, name="twice")))
    results = await asyncio.gather(
        *(here.fire(asset=f"h{n}") for n in range(5)),
        here.runner.run(ADA_HERE, poison),
        *(here.fire(asset=f"k{n}") for n in range(5)),
        return_exceptions=True,
    )
    failed = [each for each in results if isinstance(each, AlertWhispererError)]
    assert len(failed) == 1
    assert isinstance(failed[0], Conflict)
    assert await here.storage.count(Alert, {"company_id": ACME}) == 10
    assert (await here.fire(asset="h0")).disposition == "occurrence"


async def test_a_process_that_slept_through_the_retention_of_the_log_reads_anew(here: World) -> None:
    there = beside(here)
    first = await there.fire()
    for n in range(5):
        await here.fire(asset=f"h{n}")
    head, _ = await here.storage.head(ACME)
    await here.storage.delete_many("events", {"company_id": ACME, "seq": {"$lt": head}})
    assert (await there.fire()).incident_id == first.incident_id
    assert (await there.fire(asset="h3")).disposition == "occurrence"


async def test_an_asset_that_another_process_deleted_is_new_when_it_alerts_again(here: World) -> None:
    there = beside(here)
    await there.fire(asset="old-host")
    [asset] = await here.storage.select(Asset, {"company_id": ACME})
    await here.runner.run(
        ADA_HERE,
        lambda draft: draft.delete(Asset, (ACME, asset.id)),
        lambda state, loader: loader.fetch(state, Asset, (ACME, asset.id)),
    )
    await there.fire(asset="old-host", signature="other")
    [again] = await here.storage.select(Asset, {"company_id": ACME})
    assert (again.name, again.id == asset.id) == ("old-host", False)


def storm(world: World, count: int, start: int = 0) -> list[Coroutine[None, None, Outcome]]:
    """So many different alerts at once that some are decided while others are being stored."""
    return [world.fire(asset=f"h{n}", signature="s") for n in range(start, start + count)]


@pytest.mark.parametrize(
    "plan",
    [
        ["none"] * 6,
        ["delay"] * 6,
        ["lose answer", "delay"] * 3,
        ["lose request", "delay"] * 3,
        ["delay", "lose request", "lose answer", "delay"],
    ],
)
async def test_what_is_decided_on_top_of_a_commit_in_flight_is_stored_once(here: World, plan: list[Fault]) -> None:
    there = beside(here, faulty(here.storage, *plan))
    first = await asyncio.gather(*storm(there, 150))
    again = await asyncio.gather(*storm(there, 150))
    assert {each.disposition for each in first} == {"grouped"}
    assert [each.alert_id for each in again] == [each.alert_id for each in first]
    assert await here.storage.count(Alert, {"company_id": ACME}) == 150
    assert (await here.counts())[RECEIVED] == 300
    assert there.runner.tally.commits > 4


async def test_a_commit_that_fails_takes_only_its_own_senders_with_it(here: World) -> None:
    there = beside(here, faulty(here.storage, "none", "refuse"))
    await there.fire(asset="warm")
    results = await asyncio.gather(*storm(there, 150), return_exceptions=True)
    stored = [each for each in results if isinstance(each, Outcome)]
    assert 0 < len(stored) < 150
    assert {type(each) for each in results if not isinstance(each, Outcome)} == {Unavailable}
    assert await here.storage.count(Alert, {"company_id": ACME}) == 1 + len(stored)
    repeated = await asyncio.gather(*storm(there, 150))
    assert sorted(each.disposition for each in repeated) == ["grouped"] * (150 - len(stored)) + ["occurrence"] * len(
        stored
    )


async def test_a_commit_that_loses_the_race_takes_back_what_was_decided_on_top_of_it(here: World) -> None:
    worlds = [here, beside(here), beside(here, faulty(here.storage, "delay", "delay", "delay", "delay"))]
    outcomes = await asyncio.gather(*(each for world in worlds for each in storm(world, 100)))
    assert len({each.alert_id for each in outcomes}) == 100
    assert len(await here.open_incidents()) == 100
    assert (await here.counts())[RECEIVED] == 300
    [incident] = [each for each in await here.open_incidents() if each.asset_names == ["h42"]]
    assert (incident.alert_count, incident.occurrences) == (1, 3)
    assert sum(world.runner.tally.conflicts for world in worlds) > 0


async def test_a_repeated_delivery_is_known_while_the_first_is_still_in_flight(here: World) -> None:
    plan: list[Fault] = ["delay"] * 20
    there = beside(here, faulty(here.storage, *plan))
    sent = {"asset_name": "db-01", "signature": "s", "message": "m"}
    posts = [there.post({**sent, "asset_name": f"h{n % 40}"}, delivery=f"d{n % 40}") for n in range(160)]
    answers = await asyncio.gather(*posts)
    assert len({each.outcomes[0].alert_id for each in answers}) == 40
    counts = await here.counts()
    assert (counts["ledger.grouped"], counts["ledger.duplicate"]) == (40, 120)
    alerts = await here.storage.select(Alert, {"company_id": ACME})
    assert {(each.occurrences, each.delivery_attempts) for each in alerts} == {(1, 4)}
