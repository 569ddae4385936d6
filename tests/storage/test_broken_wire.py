"""Commits over a network that breaks, on the engines that have one: nothing is done twice, and nothing is lost."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import ABSENT, Change, Put
from alertwhisperer.domain.errors import Conflict, OutcomeUnknown, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.ports import Storage
from alertwhisperer.storage.dynamodb import DynamoDBStorage
from alertwhisperer.storage.mongodb import MongoDBStorage
from tests.support import proxy_dynamodb, proxy_mongodb
from tests.support.cast import ACME
from tests.support.documents import NOON, alert, scope
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.engines import DynamoDBEngine, Engine, MongoDBEngine
from tests.support.faults import Fault, Faults
from tests.support.mongod import MongoSet
from tests.support.proxy_dynamodb import TRANSACT, DynamoDBProxy
from tests.support.proxy_mongodb import MongoDBProxy

WRITERS: Final = 3
COMMITS: Final = 6
SEEDS: Final = range(1, 21 if os.environ.get("ALERTWHISPERER_LONG") == "1" else 2)
HASTY_SECONDS: Final = 0.4
"""Shorter than what breaks twice in a row takes to mend, so that some outcomes stay unknown."""

LOST: Final[list[Fault]] = ["cut", "lose answer", "arrive late"]
REFUSED: Final[list[Fault]] = ["conflict", "hot item", "throttle", "exceed", "server error"]


@dataclass
class Place:
    """An empty database behind a wire that breaks. `storage` makes a handle over it that tries for so many seconds."""

    engine: Engine
    faults: Faults
    storage: Callable[[float], Storage]
    break_wire: Callable[[], None]
    _opened: list[Storage] = field(default_factory=list)

    async def open(self, seconds: float = 20.0) -> Storage:
        storage = self.storage(seconds)
        self._opened.append(storage)
        for _ in range(20):
            # Who is in such haste may find a busy machine too slow to open.
            with suppress(Unavailable):
                await storage.open()
                break
        return storage

    async def close(self) -> None:
        self.faults.calm()
        for each in self._opened:
            await each.close()
        await self.engine.close()


@pytest.fixture
async def on_mongodb(request: pytest.FixtureRequest, mongodb_server: MongoSet, tmp_path: Path) -> AsyncIterator[Place]:
    engine = MongoDBEngine(request, tmp_path)

    def storage(seconds: float) -> Storage:
        return MongoDBStorage(proxy.url(engine.database), commit_seconds=seconds)

    def breaking() -> None:
        proxy.faults.by_chance({"delay": 0.05, **dict.fromkeys(LOST, 0.02)}, proxy_mongodb.WRITES)
        proxy.faults.by_chance({"lose answer": 0.3, "arrive late": 0.2}, ["commitTransaction"])
        proxy.faults.by_chance(dict.fromkeys(LOST, 0.01), proxy_mongodb.READS)

    with MongoDBProxy(mongodb_server.members[0].port) as proxy:
        place = Place(engine, proxy.faults, storage, breaking)
        yield place
        await place.close()


@pytest.fixture
async def on_dynamodb(
    request: pytest.FixtureRequest, dynamodb_local: DynamoDBLocal, tmp_path: Path
) -> AsyncIterator[Place]:
    engine = DynamoDBEngine(request, tmp_path)

    def storage(seconds: float) -> Storage:
        return DynamoDBStorage(**engine.options(endpoint_url=proxy.url, allow_scan=True, deadline_seconds=seconds))

    def breaking() -> None:
        proxy.faults.by_chance({**dict.fromkeys(LOST, 0.2), **dict.fromkeys(["delay", *REFUSED], 0.04)}, [TRANSACT])
        proxy.faults.by_chance(dict.fromkeys(["delay", *LOST, *REFUSED], 0.02), proxy_dynamodb.READS)

    with DynamoDBProxy(dynamodb_local.port) as proxy:
        place = Place(engine, proxy.faults, storage, breaking)
        yield place
        await place.close()


@pytest.fixture(params=["mongodb", "dynamodb"])
def place(request: pytest.FixtureRequest) -> Place:
    made: Place = request.getfixturevalue(f"on_{request.param}")
    return made


async def commit(storage: Storage, base_seq: int, commit_id: str) -> Record:
    change = Change(writes=(Put("alerts", alert(commit_id), ABSENT), Put("alerts", alert("last", message=commit_id))))
    return await storage.commit(scope(), base_seq, change, commit_id=commit_id, at=NOON)


async def log_of(storage: Storage) -> list[str]:
    """The commit ids of the log, which has no gap."""
    records = await storage.records(ACME, 0)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    return [record.commit_id for record in records]


async def alerts_of(storage: Storage) -> set[str]:
    return {each.id for each in await storage.select(Alert, {"company_id": ACME})} - {"last"}


@pytest.mark.parametrize(("fault", "times"), [("delay", 1), *((fault, n) for fault in LOST for n in (1, 2))])
@pytest.mark.parametrize("verb", ["insert", "commitTransaction"])
async def test_on_mongodb_a_commit_whose_wire_breaks_for_a_while_happens_once(
    on_mongodb: Place, verb: str, fault: Fault, times: int
) -> None:
    await happens_once(on_mongodb, verb, [fault] * times)


@pytest.mark.parametrize(
    ("fault", "times"), [("delay", 1), *((fault, n) for fault in (*LOST, *REFUSED) for n in (1, 3))]
)
async def test_on_dynamodb_a_commit_that_is_refused_or_lost_for_a_while_happens_once(
    on_dynamodb: Place, fault: Fault, times: int
) -> None:
    await happens_once(on_dynamodb, TRANSACT, [fault] * times)


async def happens_once(place: Place, verb: str, faults: list[Fault]) -> None:
    well, storage = await place.engine.open(), await place.open()
    heard: list[int] = []
    storage.on_commit(lambda record: heard.append(record.seq))
    await commit(storage, 0, "before")
    place.faults.plan(verb, *faults)
    assert (await commit(storage, 1, "mine")).seq == 2
    assert place.faults.count(faults[0]) == len(faults)
    assert await log_of(well) == ["before", "mine"]
    assert await alerts_of(well) == {"before", "mine"}
    assert heard == [1, 2]


class Writer:
    """Commits by the book: what is refused is given up, what is unknown is looked up and asked for again."""

    def __init__(self, storage: Storage, name: str) -> None:
        self.done: list[str] = []
        self.refused: list[str] = []
        self._storage = storage
        self._name = name

    async def run(self) -> None:
        number = 0
        while len(self.done) < COMMITS:
            number += 1
            base_seq = await self._head()
            if base_seq is not None:
                await self._one(base_seq, f"{self._name}{number}")

    async def _head(self) -> int | None:
        try:
            return (await self._storage.head(ACME))[0]
        except Unavailable:
            return None

    async def _one(self, base_seq: int, commit_id: str) -> None:
        try:
            await commit(self._storage, base_seq, commit_id)
        except OutcomeUnknown:
            await self._settle(base_seq, commit_id)
        except (Conflict, Unavailable):
            self.refused.append(commit_id)
        else:
            self.done.append(commit_id)

    async def _settle(self, base_seq: int, commit_id: str) -> None:
        """The place in the log is in the end this commit's or another's; a look that fails says nothing."""
        while True:
            try:
                found = await self._storage.records(ACME, base_seq, 1)
                if found:
                    (self.done if found[0].commit_id == commit_id else self.refused).append(commit_id)
                    return
                await commit(self._storage, base_seq, commit_id)
            except (Conflict, Unavailable):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_breaks_each_commit_is_there_once_or_known_not_to_be(place: Place, seed: int) -> None:
    """Several processes on one log, with faults by chance, some of which outlast a commit's patience."""
    well = await place.engine.open()
    writers = [Writer(await place.open(HASTY_SECONDS), name) for name in "abcdef"[:WRITERS]]
    place.faults.seed(seed)
    place.break_wire()
    await asyncio.gather(*(each.run() for each in writers))
    place.faults.calm()
    await asyncio.sleep(2 * place.faults.delay_seconds)
    log = await log_of(well)
    assert sorted(log) == sorted(done for each in writers for done in each.done)
    assert await alerts_of(well) == set(log)
    assert place.faults.count("lose answer")
