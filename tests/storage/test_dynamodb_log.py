"""DynamoDB's log: what a process knows of where it stands, and how processes ring for each other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.change import Change, Put
from alertwhisperer.domain.errors import Conflict
from alertwhisperer.domain.snapshot import Snapshot
from alertwhisperer.ports import Ring
from alertwhisperer.storage import dynamodb_doorbell
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from tests.support.cast import ACME, GLOBEX
from tests.support.documents import NOON, alert, scope
from tests.support.engines import DynamoDBEngine

DAY_SECONDS = 86_400


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[DynamoDBEngine]:
    made = DynamoDBEngine(request, tmp_path)
    made.clock = clock
    yield made
    await made.close()


@pytest.fixture
async def here(engine: DynamoDBEngine) -> DynamoDBStorage:
    return await engine.open()


@pytest.fixture
async def there(engine: DynamoDBEngine, here: DynamoDBStorage) -> DynamoDBStorage:
    """Another process."""
    return await engine.open()


async def commit(storage: DynamoDBStorage, base_seq: int, company_id: str = ACME, after: str | None = None) -> int:
    change = Change(writes=(Put("alerts", alert(f"a{base_seq}", company_id)),))
    name = f"{company_id}-{base_seq + 1}"
    return (await storage.commit(scope(company_id), base_seq, change, commit_id=name, at=NOON, after=after)).seq


async def test_a_commit_behind_ones_own_asks_for_nothing_first(here: DynamoDBStorage) -> None:
    await commit(here, 0)
    before = here.operations.copy()
    assert await commit(here, 1, after=f"{ACME}-1") == 2
    asked = here.operations - before
    assert asked == {"transact_write_items": 1, "transact_write_items.items": 2}


async def test_a_log_that_has_not_grown_is_known_by_one_key(here: DynamoDBStorage) -> None:
    await commit(here, 0)
    before = here.operations.copy()
    assert await here.head(ACME) == (1, "")
    assert here.operations - before == {"batch_get_item": 1, "batch_get_item.items": 1}


async def test_of_many_logs_those_that_have_not_grown_are_asked_for_at_once(
    here: DynamoDBStorage, there: DynamoDBStorage
) -> None:
    for company_id in (ACME, GLOBEX, "quiet"):
        await commit(here, 0, company_id)
    await commit(there, 1, GLOBEX)
    before = here.operations.copy()
    assert await here.companies_with_log() == [(ACME, 1), (GLOBEX, 2), ("quiet", 1)]
    asked = here.operations - before
    # The names of the logs, and the newest of the one that has grown.
    assert (asked["query"], asked["batch_get_item"]) == (2, 2)


async def test_what_was_known_long_ago_is_asked_again(
    here: DynamoDBStorage, there: DynamoDBStorage, clock: VirtualClock
) -> None:
    """Or a record would be put into the place of one whose retention has passed."""
    assert await commit(here, 0) == 1
    assert await commit(there, 1) == 2
    assert await commit(there, 2) == 3
    clock.advance(3 * DAY_SECONDS)
    await there.store([Put("snapshots", Snapshot(company_id=ACME, seq=3, audit_head="h", at=clock.now()))])
    assert await there.delete_many("events", {"company_id": ACME}) == 3
    with pytest.raises(Conflict):
        await commit(here, 1)
    assert await commit(here, 3) == 4


async def test_a_commit_goes_behind_the_one_it_names_only(here: DynamoDBStorage, there: DynamoDBStorage) -> None:
    await commit(there, 0)
    with pytest.raises(Conflict):
        await commit(here, 1, after="another")
    with pytest.raises(Conflict):
        await commit(here, 2, after=f"{ACME}-2")
    assert await commit(here, 1, after=f"{ACME}-1") == 2


# ---------------------------------------------------------------- bells


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb_doorbell, "LOOK_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(dynamodb_doorbell, "TELL_EVERY_SECONDS", 0.05)


class Listener:
    """Notes the rings of a storage that others write to."""

    def __init__(self, storage: DynamoDBStorage) -> None:
        self.rings: list[Ring] = []
        self._task = asyncio.create_task(self._listen(storage))

    async def _listen(self, storage: DynamoDBStorage) -> None:
        async for ring in storage.doorbell():
            self.rings.append(ring)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.rings) < count:
                await asyncio.sleep(0.02)

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def listening(storage: DynamoDBStorage) -> Listener:
    """A listener whose process has said that it listens, and has looked once."""
    said = storage.operations["put_item"]
    listener = Listener(storage)
    async with asyncio.timeout(10):
        while storage.operations["put_item"] == said:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    return listener


async def told(storage: DynamoDBStorage, base_seq: int, company_id: str = ACME) -> int:
    """How many items a process writes for others when it has committed."""
    before = storage.operations["put_item"]
    await commit(storage, base_seq, company_id)
    await asyncio.sleep(0.3)
    return storage.operations["put_item"] - before


async def test_who_commits_while_nobody_listens_writes_nothing_for_others(here: DynamoDBStorage) -> None:
    assert await told(here, 0) == 0


async def test_others_hear_for_whom_it_rang(here: DynamoDBStorage, there: DynamoDBStorage) -> None:
    listener = await listening(here)
    assert await told(there, 0) == 1
    await listener.until(1)
    assert await told(there, 0, GLOBEX) == 1
    await listener.until(2)
    assert listener.rings == [frozenset({ACME}), frozenset({GLOBEX})]
    await listener.leave()


async def test_many_companies_at_once_are_not_named(
    here: DynamoDBStorage, there: DynamoDBStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamodb_doorbell, "NAMES_AT_MOST", 2)
    listener = await listening(here)
    await asyncio.gather(*(commit(there, 0, f"company-{n}") for n in range(5)))
    await listener.until(1)
    await asyncio.sleep(0.3)
    assert None in listener.rings
    await listener.leave()


async def test_a_listener_that_went_without_a_word_is_not_told_for_long(
    here: DynamoDBStorage, there: DynamoDBStorage, clock: VirtualClock
) -> None:
    listener = await listening(here)
    await listener.leave()
    assert await told(there, 0) == 1
    clock.advance(dynamodb_doorbell.LISTENS_FOR_SECONDS + 1)
    assert await told(there, 1) == 0
    clock.advance(int(dynamodb_doorbell.LEFT_BEHIND_SECONDS))
    before = there.operations["delete_item"]
    assert await told(there, 2) == 0
    assert there.operations["delete_item"] - before == 2
