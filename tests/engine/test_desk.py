"""Nothing is decided twice when nobody can say whether it was stored, and verbs are decided on the log's head."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from typing import TypeVar, cast

import pytest
from msgspec import Struct

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.delivery import Outcome
from alertwhisperer.domain.errors import AlertWhispererError, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.incident import Incident, is_open
from alertwhisperer.domain.ledger import RECEIVED
from alertwhisperer.engine import verbs
from alertwhisperer.engine.state import CompanyState, Gone
from alertwhisperer.ports import Key, Storage
from tests.support.cast import ACME, ADA
from tests.support.faulty import Fault, FaultyLog, faulty
from tests.support.world import World, acting, beside, storm

T = TypeVar("T", bound=Struct)

ADA_HERE = acting(ADA)

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")


async def stored_alerts(world: World) -> list[Alert]:
    return await world.storage.select(Alert, {"company_id": ACME})


async def test_a_request_that_arrives_late_is_decided_once(here: World) -> None:
    there = beside(here, faulty(here.storage, "arrive late"))
    assert (await there.fire()).disposition == "grouped"
    [alert] = await stored_alerts(here)
    assert alert.occurrences == 1
    assert (await here.counts())[RECEIVED] == 1


async def test_two_flights_of_which_nobody_can_say_whether_they_are_stored_are_not_decided_again(here: World) -> None:
    there = beside(here, faulty(here.storage, "none", "cut off", "cut off"))
    await there.fire(asset="warm")
    results = await asyncio.gather(*storm(there, 150), return_exceptions=True)
    assert there.runner.tally.unknown_outcomes == 2
    assert {type(each) for each in results if isinstance(each, BaseException)} == {Unavailable}
    assert {each.occurrences for each in await stored_alerts(here)} == {1}
    assert (await here.counts())[RECEIVED] == 151
    again = await asyncio.gather(*storm(there, 150))
    assert {each.disposition for each in again} == {"occurrence"}


class Outage(FaultyLog):
    """A log that is cut off in mid-commit, and reads that begin before it is and fail after."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage, ["none", "cut off"])
        self._began = asyncio.Event()

    async def records(self, company_id: str, after: int, limit: int = 1000, *, told: bool = True) -> list[Record]:
        try:
            return await super().records(company_id, after, limit, told=told)
        except Unavailable:
            self._began.set()
            raise

    async def get_many(self, kind: type[T], keys: Sequence[Key]) -> list[T]:
        if not self._began.is_set():
            await self._began.wait()
            raise Unavailable("planned: cut off")
        return await self._storage.get_many(kind, keys)


async def test_a_load_that_fails_on_top_of_a_commit_in_flight_does_not_have_that_decided_again(here: World) -> None:
    there = beside(here, cast("Storage", Outage(here.storage)))
    await there.fire(asset="warm")
    alert = {"signature": "s", "message": "it broke"}
    # Deliveries with an id are looked up before they are decided: the second batch is these.
    identified = [there.post({**alert, "asset_name": f"k{n}"}, delivery=f"d{n}") for n in range(16)]
    results = await asyncio.gather(*storm(there, 16), *identified, return_exceptions=True)
    assert [type(each) for each in results] == [Unavailable] * 32
    assert {each.asset_name for each in await stored_alerts(here)} == {"warm", *(f"h{n}" for n in range(16))}
    assert {each.occurrences for each in await stored_alerts(here)} == {1}
    again = await asyncio.gather(*storm(there, 16))
    assert {each.disposition for each in again} == {"occurrence"}


async def test_a_verb_may_name_a_revision_that_another_process_has_made(here: World) -> None:
    there = beside(here)
    incident_id = (await there.fire()).incident_id or ""
    titled = await here.incidents.do(ADA_HERE, incident_id, verbs.title("Disk of db-01"))
    seen = await there.incidents.do(ADA_HERE, incident_id, verbs.acknowledge(), if_revision=titled.revision)
    assert (seen.status, seen.title) == ("in_progress", "Disk of db-01")


async def test_a_verb_is_not_refused_for_what_another_process_has_undone(here: World) -> None:
    there = beside(here)
    incident_id = (await there.fire()).incident_id or ""
    await there.incidents.do(ADA_HERE, incident_id, verbs.resolve())
    await here.incidents.do(ADA_HERE, incident_id, verbs.reopen())
    assert (await there.incidents.do(ADA_HERE, incident_id, verbs.acknowledge())).status == "in_progress"


async def test_a_company_that_is_still_being_read_is_not_let_go_and_counted_twice(here: World) -> None:
    await asyncio.gather(*storm(here, 5))
    here.restart()
    # With the thousand others, more than are kept.
    await asyncio.gather(here.runner.state(ACME), *(here.runner.state(f"c{n}") for n in range(1000)))
    state = await here.runner.state(ACME)
    assert state.size > 0
    assert here.runner.tally.held == state.size


class Shaky(FaultyLog):
    """Commits with random faults, and reads that take their time, until `calm`."""

    def __init__(self, storage: Storage, chance: random.Random, calm: asyncio.Event) -> None:
        super().__init__(storage, self._faults())
        self._chance = chance
        self._calm = calm

    def _faults(self) -> Iterator[Fault]:
        often: dict[Fault, int] = {
            "none": 58,
            "refuse": 8,
            "lose request": 6,
            "arrive late": 6,
            "lose answer": 6,
            "cut off": 4,
            "delay": 12,
        }
        while not self._calm.is_set():
            yield self._chance.choices(list(often), list(often.values()))[0]

    async def get_many(self, kind: type[T], keys: Sequence[Key]) -> list[T]:
        if not self._calm.is_set() and self._chance.random() < 0.02:
            await asyncio.sleep(self._chance.random() * 0.005)
        return await self._storage.get_many(kind, keys)


class Weather:
    """What random senders and people do to processes that share a company; each alert is known by its message."""

    def __init__(self, worlds: Sequence[World], chance: random.Random) -> None:
        self._worlds = worlds
        self._chance = chance
        self.sent: set[str] = set()
        self.answered: set[str] = set()

    async def act(self) -> None:
        """One random deed at a random moment."""
        await asyncio.sleep(self._chance.random() * 0.3)
        often = {self._fire: 54, self._clear: 25, self._repeat: 10, self._give_up: 3, self._resolve: 3, self._reread: 5}
        [deed] = self._chance.choices(list(often), list(often.values()))
        await deed(self._chance.choice(self._worlds))

    async def _fire(self, world: World) -> None:
        alert = self._alert()
        await self._sent(alert, world.fire(**alert))

    async def _clear(self, world: World) -> None:
        alert = self._alert()
        await self._sent(alert, world.clear(**alert))

    async def _repeat(self, world: World) -> None:
        alert = self._alert()
        delivery = f"d{self._chance.randrange(30)}"

        async def post() -> Outcome:
            return (await world.post({**alert, "asset_name": alert["asset"]}, delivery=delivery)).outcomes[0]

        await self._sent(alert, post())

    async def _give_up(self, world: World) -> None:
        alert = self._alert()
        waiting = asyncio.create_task(world.fire(**alert))
        await asyncio.sleep(self._chance.random() * 0.01)
        waiting.cancel()
        await self._sent(alert, waiting)

    async def _resolve(self, world: World) -> None:
        for incident in await world.open_incidents():
            # It may be resolved, or the database be gone, by now.
            await asyncio.gather(world.incidents.do(ADA_HERE, incident.id, verbs.resolve()), return_exceptions=True)
            return

    async def _reread(self, world: World) -> None:
        world.runner.forget(ACME)
        if self._chance.random() < 0.6:
            await world.runner.state(ACME)

    async def _sent(self, alert: dict[str, str], answer: Awaitable[Outcome]) -> None:
        [result] = await asyncio.gather(answer, return_exceptions=True)
        if isinstance(result, AlertWhispererError | asyncio.CancelledError):
            return
        if isinstance(result, BaseException):
            raise result
        if not result.duplicate:
            self.answered.add(alert["message"])

    def _alert(self) -> dict[str, str]:
        pick = self._chance.randrange
        message = f"number {len(self.sent)}"
        self.sent.add(message)
        return {"asset": f"h{pick(20)}", "signature": f"s{pick(2)}", "tool_source": f"t{pick(2)}", "message": message}


@pytest.mark.parametrize("minimum", [1, 2])
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_goes_wrong_memory_agrees_with_the_database(
    here: World, seed: int, minimum: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.configure("correlation", min_alerts_for_incident=minimum)
    chance, calm = random.Random(seed), asyncio.Event()
    worlds = [beside(here, cast("Storage", Shaky(here.storage, chance, calm))) for _ in range(2)]
    weather = Weather(worlds, chance)
    with monkeypatch.context() as small:
        small.setattr("alertwhisperer.engine.state.ALERTS_AT_MOST", 15)
        small.setattr("alertwhisperer.engine.state.CACHE_AT_MOST", 12)
        await asyncio.gather(*(weather.act() for _ in range(500)))
    calm.set()
    assert weather.answered < weather.sent
    assert sum(world.runner.tally.unknown_outcomes for world in worlds) > 0
    assert sum(world.runner.tally.conflicts for world in worlds) > 0
    await assert_each_is_decided_once(here, weather)
    await assert_sums_agree(here)
    for world in worlds:
        await world.fire(asset="last")
    fresh = await beside(here).runner.state(ACME)
    for world in worlds:
        state = await world.runner.state(ACME)
        if state.seq < fresh.seq:
            state = await world.runner.loader.catch_up(state)
        assert picture(state) == picture(fresh)
        assert list(contradictions(state, fresh)) == []


async def assert_each_is_decided_once(world: World, weather: Weather) -> None:
    """Every alert that was answered, and no alert more than once, whether its sender heard of it or not."""
    decided = Counter(json.loads(each.body)["message"] for each in await world.received())
    assert [message for message, times in decided.items() if times > 1] == []
    assert weather.answered <= decided.keys() <= weather.sent
    counts = await world.counts()
    assert counts[RECEIVED] == decided.total() + counts["ledger.duplicate"]


async def assert_sums_agree(world: World) -> None:
    """No condition has two open alerts, and each incident counts those alerts that say they are its own."""
    alerts = await stored_alerts(world)
    still_open = [each.dedup_key for each in alerts if each.status != "resolved"]
    assert len(still_open) == len(set(still_open))
    for incident in await world.storage.select(Incident, {"company_id": ACME}):
        own = [each for each in alerts if each.correlated_incident_id == incident.id]
        assert incident.alert_count == len(own)
        if is_open(incident):
            assert incident.open_alert_count == sum(each.status != "resolved" for each in own)


def picture(state: CompanyState) -> dict[str, object]:
    """What every state at the same place of the log has alike, however it came there."""
    return {
        "place": (state.seq, state.audit_head),
        "pending": {key: sorted(waiting) for key, waiting in state.pending.items()},
        "settings": dict(state.settings),
        "scratch": dict(state.scratch),
    }


def contradictions(state: CompanyState, fresh: CompanyState) -> Iterator[str]:
    """Where a state that may have let go of the oldest says otherwise than one that was just read whole."""
    yield from _differing("alert", state.open_alerts, fresh.open_alerts)
    yield from _forgotten("alert", fresh.open_alerts.keys() - state.open_alerts.keys(), state.gone_alerts)
    yield from _differing("asset", state.assets, fresh.assets)
    yield from _forgotten("asset", fresh.assets.keys() - state.assets.keys(), state.gone_assets)
    incidents = {key: each for key, each in state.incidents.items() if is_open(each)}
    yield from _differing("incident", incidents, fresh.incidents)
    leading = {key: each for key, each in fresh.by_key.items() if is_open(fresh.incidents[each])}
    known = {key: each for key, each in state.by_key.items() if key in leading and each in state.incidents}
    yield from _differing("key", known, leading)
    keys = {each.correlation_key for key, each in fresh.incidents.items() if is_open(each) and key not in incidents}
    yield from _forgotten("incident", keys | (leading.keys() - known.keys()), state.gone_incidents)


def _differing(kind: str, held: dict[str, T] | dict[str, str], true: dict[str, T] | dict[str, str]) -> Iterator[str]:
    yield from (f"{kind} {key} is not so" for key, each in held.items() if true.get(key) != each)


def _forgotten(kind: str, keys: set[str], gone: Gone) -> Iterator[str]:
    yield from (f"{kind} {key} is forgotten" for key in keys if not gone.may_hold(key))
