"""Commits hold as many alerts as their writes leave room for, and no delivery is lost for want of it."""

import asyncio

from alertwhisperer.domain.change import Change, Delete
from alertwhisperer.engine.room import BATCH_AT_MOST, Room
from alertwhisperer.ports import Limits
from tests.support.world import World

SMALL = Limits(writes=90)


def change(writes: int, collection: str = "alerts") -> Change:
    return Change(writes=tuple(Delete(collection, ("acme", str(n))) for n in range(writes)))


def test_a_batch_is_sure_to_fit_until_something_is_known() -> None:
    assert Room(SMALL).alerts == 22
    assert Room(Limits()).alerts == BATCH_AT_MOST


def test_the_next_batch_is_as_large_as_the_last_lets_expect() -> None:
    room = Room(SMALL)
    for writes, alerts in ((45, 44), (3, BATCH_AT_MOST), (88, 22)):
        room.learn(22, change(writes))
        assert room.alerts == alerts


def test_a_batch_is_never_smaller_than_what_is_sure_to_fit() -> None:
    room = Room(SMALL)
    room.learn(1, change(5))
    assert room.alerts == 22


def test_a_write_with_a_guard_takes_two_places() -> None:
    assert Room(SMALL).holds(change(90))
    assert not Room(SMALL).holds(change(91))
    assert not Room(SMALL).holds(change(46, "assets"))
    assert Room(Limits()).holds(change(10_000))


async def test_repeats_share_commits_and_what_comes_between_is_split(world: World) -> None:
    """Repeats let the next batch grow; it meets alerts that each need an asset and an incident, and is halved."""
    size = world.runner.batch_at_most
    repeat = {"asset_name": "core", "signature": "down", "message": "m", "severity": "low"}
    others = [{**repeat, "asset_name": f"edge-{n}"} for n in range(3 * size)]
    await world.post(repeat)
    before = world.runner.tally.commits
    answer = await world.post(*[repeat] * (6 * size))
    assert {each.disposition for each in answer.outcomes} == {"occurrence"}
    assert world.runner.tally.commits - before < (7 if world.storage.limits.writes is None else 5)
    posts = [world.post(*(others[n : n + size] if n >= 0 else [repeat] * size)) for n in (-1, 0, size, 2 * size, -1)]
    answers = await asyncio.gather(*posts)
    assert sum(len(each.outcomes) for each in answers) == 5 * size
    assert len(await world.open_incidents()) == 1 + 3 * size
    counts = await world.counts()
    assert counts["ledger.received"] == counts["ledger.grouped"] + counts["ledger.occurrence"] == 1 + 11 * size


async def test_what_comes_later_in_a_large_delivery_is_decided_later(world: World) -> None:
    size = world.runner.batch_at_most
    alert = {"asset_name": "core", "signature": "down", "message": "m", "severity": "low"}
    answer = await world.post(*[alert] * (3 * size), {**alert, "status": "resolved"}, alert)
    assert [each.disposition for each in answer.outcomes[-3:]] == ["occurrence", "resolved", "grouped"]
    assert len({each.alert_id for each in answer.outcomes}) == 2
