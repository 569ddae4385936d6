"""After a switch the old database follows, and can take over again with everything that came meanwhile."""

import asyncio

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import Put
from alertwhisperer.domain.errors import Conflict
from alertwhisperer.storage.transfer_fence import fence_of, set_fence
from alertwhisperer.storage.transfer_state import transfer_of
from tests.storage.transfer.conftest import Move
from tests.storage.transfer.senders import alert_of


async def test_the_way_back_brings_what_came_meanwhile(move: Move) -> None:
    await move.fire(3)
    await move.mover.move(switch=True)
    moved = move.office_on(move.target.storage)
    for number in range(5):
        await moved.fire(moved.acme, f"new-{number}")

    outcome = await move.way_back.take()
    assert outcome.stage == "returned"
    assert all(each.agrees for each in outcome.comparisons)
    found = await move.source.storage.select(Alert, {"company_id": moved.acme.id})
    assert {each.asset_name for each in found} >= {f"new-{number}" for number in range(5)}
    async with moved.client(headers={"X-API-Key": moved.acme.api_key}) as sender:
        assert (await sender.post("/api/webhooks/alerts", json=alert_of("too late"))).status_code == 503
    before, _ = await move.source.storage.head(moved.acme.id)
    await move.office.fire(move.office.acme, "at home again")
    assert (await move.source.storage.head(moved.acme.id))[0] == before + 1
    await moved.close()


async def test_the_old_database_follows_until_it_is_finished(local: Move) -> None:
    await local.fire(1)
    await local.mover.move(switch=True)
    moved = local.office_on(local.target.storage)
    following = asyncio.create_task(local.way_back.follow(asyncio.Event()))
    await moved.fire(moved.acme, "followed")
    async with asyncio.timeout(10):
        while not await local.source.storage.select(Alert, {"company_id": moved.acme.id, "asset_name": "followed"}):
            await asyncio.sleep(0.01)
        await local.way_back.give_up()
        await following
    assert await fence_of(local.source.storage) is not None
    with pytest.raises(Conflict, match="finished already"):
        await local.way_back.take()
    await moved.fire(moved.acme, "the new one goes on")
    await moved.close()


async def test_following_back_keeps_the_old_one_fenced(local: Move) -> None:
    await local.mover.move(switch=True)
    moved = local.office_on(local.target.storage)
    await moved.fire(moved.acme, "new")
    stop = asyncio.Event()
    stop.set()
    await local.way_back.follow(stop)
    following = asyncio.create_task(local.way_back.follow(asyncio.Event()))
    async with asyncio.timeout(10):
        while not await local.source.storage.select(Alert, {"company_id": moved.acme.id, "asset_name": "new"}):
            await asyncio.sleep(0.01)
    async with local.office.client(headers={"X-API-Key": moved.acme.api_key}) as sender:
        assert (await sender.post("/api/webhooks/alerts", json=alert_of("split"))).status_code == 503
    await local.way_back.give_up()
    await following
    await moved.close()


async def test_who_follows_leaves_the_way_back_to_who_takes_it(local: Move) -> None:
    await local.mover.move(switch=True)
    following = asyncio.create_task(local.way_back.follow(asyncio.Event()))
    async with asyncio.timeout(10):
        await asyncio.sleep(0.05)
        assert (await local.way_back.take()).stage == "returned"
        await following
    await local.office.fire(local.office.acme, "at home again")


async def test_a_return_that_was_broken_off_at_its_end_is_completed(local: Move) -> None:
    await local.mover.move(switch=True)
    await local.way_back.take()
    # As if the command had died before it let writers into the old database.
    fence = await fence_of(local.target.storage)
    assert fence is not None
    await local.source.storage.store([Put("snapshots", fence)])
    again = await local.way_back.take()
    assert again.stage == "returned"
    assert await fence_of(local.source.storage) is None
    assert await fence_of(local.target.storage) is not None


async def test_a_move_that_is_aborted_lets_writers_go_on_and_may_be_taken_up_again(local: Move) -> None:
    await local.fire(1)
    await local.mover.move(switch=False)
    await local.mover.abort()
    await local.fire(1, "went on")
    assert (await local.mover.move(switch=True)).stage == "switched"
    with pytest.raises(Conflict, match="switched already"):
        await local.mover.abort()
    state = await transfer_of(local.target.storage)
    assert state is not None
    assert state.stage == "switched"


async def test_a_command_that_died_behind_the_fence_is_gone_on_with_or_aborted(local: Move) -> None:
    await local.fire(1)
    await local.mover.move(switch=False)
    await set_fence(local.source.storage, local.office.clock, local.office.ids, "and then it died")
    async with local.office.client(headers={"X-API-Key": local.office.acme.api_key}) as sender:
        assert (await sender.post("/api/webhooks/alerts", json=alert_of("fenced"))).status_code == 503
    await local.mover.abort()
    await local.fire(1, "let in again")
    await set_fence(local.source.storage, local.office.clock, local.office.ids, "and then it died again")
    outcome = await local.mover.move(switch=True)
    assert outcome.stage == "switched"
    assert await local.target.storage.count(Alert, {"asset_name": "let in again-0"}) == 1


async def test_there_is_no_way_back_without_a_switch(local: Move) -> None:
    await local.mover.move(switch=False)
    with pytest.raises(Conflict, match="has not been switched"):
        await local.way_back.take()
