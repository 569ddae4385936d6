"""A backup of each engine that is a server: taken under load, of one moment, and back to what it was."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from alertwhisperer.clock import SequentialIds, VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.change import Change, Put
from alertwhisperer.domain.company import RateLimitConfig
from alertwhisperer.domain.errors import Conflict, Invalid, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.metric import CURSOR_ID, Bucket, FoldCursor
from alertwhisperer.domain.transfer import is_fence
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.retention import defaults
from alertwhisperer.ports import Query, Sort, Storage
from alertwhisperer.schema import COLLECTIONS
from alertwhisperer.storage import get_database_adapter
from alertwhisperer.storage.sqlite import SQLiteStorage
from alertwhisperer.storage.transfer_backup import back_up, bring_back
from alertwhisperer.storage.transfer_handover import Means, Side
from alertwhisperer.storage.transfer_verify import Verifier
from tests.storage import version_2
from tests.storage.transfer.conftest import Onlooker
from tests.storage.transfer.senders import PACE_SECONDS
from tests.support.cast import ACME
from tests.support.documents import NOON, alert, scope
from tests.support.engines import ENGINES, Engine
from tests.support.office import Office

SENDERS = 4
UNLIMITED = RateLimitConfig(enabled=False)


@dataclass
class Vault:
    """An office on an engine, an empty database of the same engine, and a folder for copies."""

    engine: Engine
    empty: Engine
    folder: Path
    office: Office
    source: Side

    @property
    def copy(self) -> Path:
        return self.folder / "copy.db"

    @property
    def means(self) -> Means:
        return Means(self.office.clock, self.office.ids, defaults(), Onlooker())


@pytest.fixture(params=["dynamodb", "mongodb"])
async def vault(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Vault]:
    engine, empty = [ENGINES[request.param](request, tmp_path) for _ in range(2)]
    storage = await engine.open()
    office = Office(storage)
    await office.open()
    yield Vault(engine, empty, tmp_path, office, Side("the office", storage))
    await office.close()
    for each in (engine, empty):
        await each.close()


@contextlib.asynccontextmanager
async def reading(path: Path) -> AsyncIterator[Storage]:
    storage = get_database_adapter("sqlite", path=path)
    await storage.open()
    yield storage
    await storage.close()


async def load(office: Office, stop: asyncio.Event) -> int:
    """Senders of conditions that repeat, and a folder of their counters, until it is enough; the alerts answered."""
    counters, answered = Counters(office.storage), 0

    async def send(number: int) -> None:
        nonlocal answered
        while not stop.is_set():
            await office.fire(office.acme, f"host-{answered % 7}", signature=f"s{number}")
            answered += 1
            await asyncio.sleep(PACE_SECONDS)

    async def fold() -> None:
        while not stop.is_set():
            await counters.fold(office.scope(office.acme.id))
            await asyncio.sleep(0.05)

    await office.served.companies.set_config(office.scope(office.acme.id), UNLIMITED)
    async with asyncio.TaskGroup() as group:
        for number in range(SENDERS):
            group.create_task(send(number))
        group.create_task(fold())
    return answered


async def assert_of_one_moment(storage: Storage, company_id: str) -> None:
    """Documents, records and counters of a company say the same: each alert came by a record, each sum is theirs."""
    records = await storage.records(company_id, 0, 100_000, told=False)
    assert [each.seq for each in records] == list(range(1, len(records) + 1))
    received = sum(each.counts.get("ledger.received", 0) for each in records)
    alerts = await storage.select(Alert, {"company_id": company_id})
    incidents = await storage.select(Incident, {"company_id": company_id})
    assert sum(each.occurrences for each in alerts) == received
    assert sum(each.occurrences for each in incidents) == received
    cursor = await storage.get(FoldCursor, (company_id, CURSOR_ID))
    folded = cursor.last_seq if cursor else 0
    hours = await storage.select(Bucket, {"company_id": company_id, "id": {"$gte": "h#", "$lt": "h$"}})
    counted = sum(sum(each.minutes.get("ledger.received", {}).values()) for each in hours)
    assert counted == sum(each.counts.get("ledger.received", 0) for each in records if each.seq <= folded)


async def test_a_backup_under_load_is_one_moment_and_comes_back_as_it_was(vault: Vault) -> None:
    stop = asyncio.Event()
    loading = asyncio.create_task(load(vault.office, stop))
    await asyncio.sleep(0.3)
    saved = await back_up(vault.source, vault.copy, vault.means)
    stop.set()
    assert await loading > 0
    assert saved.failures == []
    assert saved.size_bytes == vault.copy.stat().st_size
    before = vault.copy.read_bytes()
    target = Side("the new one", await vault.empty.open())
    outcome = await bring_back(vault.copy, target, vault.means)
    assert all(each.agrees for each in outcome.comparisons)
    assert len(outcome.comparisons) == len(COLLECTIONS)
    assert vault.copy.read_bytes() == before
    await assert_of_one_moment(target.storage, vault.office.acme.id)


async def test_of_a_quiet_database_the_copy_of_the_copy_has_the_same_digests(vault: Vault) -> None:
    for number in range(5):
        await vault.office.fire(vault.office.acme, f"host-{number}")
    await back_up(vault.source, vault.copy, vault.means)
    target = await vault.empty.open()
    await bring_back(vault.copy, Side("the new one", target), vault.means)
    verifier = Verifier(vault.office.storage, target, defaults(), vault.office.clock.now())
    assert all(each.agrees for each in await verifier.compare())
    branch = Office(target)
    branch.acme, branch.globex, branch.people = vault.office.acme, vault.office.globex, vault.office.people
    again = await branch.fire(vault.office.acme, "host-0")
    assert again["disposition"] == "occurrence"
    await branch.close()


async def test_a_backup_of_version_2_is_brought_up_to_date_on_its_way_back(vault: Vault) -> None:
    older = version_2.file(vault.copy)
    target = Side("the new one", await vault.empty.open())
    outcome = await bring_back(older, target, vault.means)
    assert all(each.agrees for each in outcome.comparisons)
    await version_2.assert_upgraded(target.storage)


async def test_retention_goes_on_after_a_backup_and_a_second_one_finds_its_way(vault: Vault) -> None:
    await back_up(vault.source, vault.copy, vault.means)
    assert await vault.office.storage.find("snapshots", {"company_id": "_msp"}) == []
    await vault.office.fire(vault.office.acme, "later")
    second = vault.folder / "second.db"
    await back_up(vault.source, second, vault.means)
    async with reading(second) as storage:
        assert [each.asset_name for each in await storage.select(Alert, {"company_id": vault.office.acme.id})] == [
            "later"
        ]
        assert await storage.find("snapshots", {"company_id": "_msp"}) == []


async def test_nothing_is_overwritten_and_nothing_is_left_behind(vault: Vault) -> None:
    vault.copy.write_text("mine")
    with pytest.raises(Invalid, match="exists already"):
        await back_up(vault.source, vault.copy, vault.means)
    with pytest.raises(Unavailable, match="could not be written"):
        await back_up(vault.source, vault.folder / "no folder" / "copy.db", vault.means)
    assert vault.copy.read_text() == "mine"
    with pytest.raises(Invalid):
        await bring_back(vault.copy, vault.source, vault.means)
    vault.copy.unlink()
    await back_up(vault.source, vault.copy, vault.means)
    assert [each.name for each in vault.folder.iterdir()] == ["copy.db"]
    with pytest.raises(Conflict, match="is not empty"):
        await bring_back(vault.copy, vault.source, vault.means)


class NeverQuiet(SQLiteStorage):
    """A database in which an alert is written to again as soon as it has been read: no moment is left.

    Who writes loses the race for a place that somebody else has taken, and is late then.
    """

    turn = 0

    async def find(
        self,
        collection: str,
        query: Query,
        projection: Mapping[str, int] | None = None,
        sort: Sort | None = None,
        limit: int | None = None,
    ) -> list[dict[str, object]]:
        found = await super().find(collection, query, projection, sort, limit)
        if collection == "alerts":
            await self.fire()
        return found

    async def fire(self) -> None:
        seq, _ = await self.head(ACME)
        newest = await self.get(Record, (ACME, seq))
        if newest is None or not is_fence(newest):
            self.turn += 1
            change = Change(writes=(Put("alerts", alert("a1", occurrences=self.turn)),))
            await self.commit(scope(), seq, change, commit_id=f"c{self.turn}", at=NOON)


async def test_where_writers_leave_no_moment_a_record_of_its_own_makes_one(tmp_path: Path) -> None:
    storage, copy = NeverQuiet(tmp_path / "busy.db"), tmp_path / "copy.db"
    await storage.fire()
    means = Means(VirtualClock(), SequentialIds(), defaults(), Onlooker())
    await back_up(Side("busy", storage), copy, means)
    await storage.close()
    async with reading(copy) as saved:
        records = await saved.records(ACME, 0, 1_000, told=False)
        kept = await saved.get(Alert, (ACME, "a1"))
    assert is_fence(records[-1])
    assert kept is not None
    assert records[-2].commit_id == f"c{kept.occurrences}"
