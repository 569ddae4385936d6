"""Counters are exact at any instant, whoever folds, however often, and wherever a folder dies."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertwhisperer.clock import SystemIds
from alertwhisperer.domain.errors import OutcomeUnknown
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import plus
from alertwhisperer.domain.metric import WIDTHS, Bucket, Grain, add
from alertwhisperer.domain.scope import SYSTEM, Scope
from alertwhisperer.engine.counters import IMBALANCE, Counters, Patience
from alertwhisperer.ports import Storage
from alertwhisperer.storage import get_database_adapter
from tests.support.logbook import DyingStorage, Logbook

NOON = "2026-03-02T12:00:00.000000Z"
LONG_AGO, FAR_OFF = "2020-01-01T00:00:00.000000Z", "2030-01-01T00:00:00.000000Z"
ACME = Scope("acme", SYSTEM)
BALANCED = {"ledger.received": 3, "ledger.grouped": 2, "ledger.rejected": 1}


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Storage]:
    adapter = get_database_adapter("sqlite", path=folder / "counters.db")
    await adapter.open()
    try:
        yield adapter
    finally:
        await adapter.close()


@pytest.fixture
def acme(storage: Storage) -> Logbook:
    return Logbook(storage, SystemIds())


def expected(records: list[Record], grain: Grain) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for each in records:
        if each.counts:
            add(sums.setdefault(each.at[: WIDTHS[grain]], {}), each.counts)
    return sums


async def test_what_is_not_yet_folded_counts_all_the_same(storage: Storage, acme: Logbook) -> None:
    await acme.write(NOON, BALANCED)
    counters = Counters(storage)

    assert await counters.counts(ACME, "minute", NOON, NOON) == {"2026-03-02T12:00": BALANCED}
    await counters.fold(ACME)
    assert await counters.counts(ACME, "minute", NOON, NOON) == {"2026-03-02T12:00": BALANCED}
    await acme.write(plus(NOON, 30), BALANCED)
    twice = {name: 2 * count for name, count in BALANCED.items()}
    assert await counters.counts(ACME, "minute", NOON, NOON) == {"2026-03-02T12:00": twice}


async def test_only_the_buckets_asked_for_are_counted(storage: Storage, acme: Logbook) -> None:
    for minutes in range(-2, 3):
        await acme.write(plus(NOON, 60 * minutes), {"alerts.fires": 1})
    counters = Counters(storage)
    for _ in range(2):
        found = await counters.counts(ACME, "minute", plus(NOON, -60), plus(NOON, 60))
        assert sorted(found) == ["2026-03-02T11:59", "2026-03-02T12:00", "2026-03-02T12:01"]
        await counters.fold(ACME)


async def test_a_companys_counters_are_its_own(storage: Storage, acme: Logbook) -> None:
    await acme.write(NOON, {"alerts.fires": 5})
    await Logbook(storage, SystemIds(), "globex").write(NOON, {"alerts.fires": 1})
    counters = Counters(storage)
    await counters.fold_due()

    assert await counters.counts(Scope("globex", SYSTEM), "day", NOON, NOON) == {"2026-03-02": {"alerts.fires": 1}}


@pytest.mark.slow_on("dynamodb")
async def test_more_records_than_one_page_are_folded_and_read_whole(storage: Storage, acme: Logbook) -> None:
    for second in range(1100):
        await acme.write(plus(NOON, second), {"alerts.fires": 1})
    counters = Counters(storage)
    before = await counters.counts(ACME, "day", NOON, NOON)
    assert await counters.fold(ACME) == 1100

    assert before == await counters.counts(ACME, "day", NOON, NOON) == {"2026-03-02": {"alerts.fires": 1100}}


async def test_a_folder_finds_what_a_dead_process_left(storage: Storage, acme: Logbook) -> None:
    await acme.write(NOON, BALANCED)
    await Counters(storage).fold_due()

    assert await storage.get(Bucket, ("acme", "h#2026-03-02T12")) is not None


async def test_an_hour_holds_its_minutes_and_a_fold_of_it_writes_two_buckets(storage: Storage, acme: Logbook) -> None:
    for second, fires in ((0, 1), (59, 2), (60, 4)):
        await acme.write(plus(NOON, second), {"alerts.fires": fires})
        await Counters(storage).fold(ACME)
    hour, day = await storage.select(Bucket, {"company_id": "acme", "id": {"$gte": "d"}})

    assert (hour.id, hour.counts) == ("h#2026-03-02T12", {"alerts.fires": 7})
    assert hour.minutes == {"alerts.fires": {"00": 3, "01": 4}}
    assert (day.id, day.counts, day.minutes) == ("d#2026-03-02", {"alerts.fires": 7}, {})


async def test_minutes_are_counted_over_the_hours_that_they_are_in(storage: Storage, acme: Logbook) -> None:
    for minutes in (-61, -60, -1, 0, 59, 60):
        await acme.write(plus(NOON, 60 * minutes), {"alerts.fires": 1})
    counters = Counters(storage)
    for _ in range(2):
        found = await counters.counts(ACME, "minute", plus(NOON, -3600), plus(NOON, 3540))
        assert sorted(found) == ["2026-03-02T11:00", "2026-03-02T11:59", "2026-03-02T12:00", "2026-03-02T12:59"]
        await counters.fold(ACME)


@pytest.mark.parametrize("noted", [(), (1, 2), (2, 3), (1, 2, 5, 6), (5,), (1, 2, 3, 4, 5, 6)])
async def test_what_was_noted_and_what_others_wrote_is_counted_once(
    storage: Storage, acme: Logbook, noted: tuple[int, ...]
) -> None:
    counters = Counters(storage)
    for _ in range(6):
        await acme.write(NOON, {"alerts.fires": 1})
    for turn in range(2):
        for record in acme.records:
            if record.seq in noted:
                counters.note(record)
        await counters.fold_due()
        assert counters.lag == 0
        assert await counters.counts(ACME, "day", NOON, NOON) == {"2026-03-02": {"alerts.fires": 6 + turn}}
        await acme.write(NOON, {"alerts.fires": 1})


async def test_a_thrifty_folder_waits_for_enough_records_or_long_enough(storage: Storage, acme: Logbook) -> None:
    counters = Counters(storage, Patience(records=3, turns=5, full_pass_every=1_000))
    await counters.fold_due()
    bucket, written = ("acme", "d#2026-03-02"), 0
    for records, turns in ((3, 1), (1, 5)):
        for _ in range(records):
            counters.note(await acme.write(NOON, {"alerts.fires": 1}))
        for _ in range(turns - 1):
            await counters.fold_due()
        assert await counters.counts(ACME, "day", NOON, NOON) == {"2026-03-02": {"alerts.fires": written + records}}
        before = await storage.get(Bucket, bucket)
        assert (before.counts["alerts.fires"] if before else 0) == written
        await counters.fold_due()
        written += records
        folded = await storage.get(Bucket, bucket)
        assert folded is not None
        assert folded.counts == {"alerts.fires": written}


async def test_a_record_that_does_not_balance_raises_the_alarm(storage: Storage, acme: Logbook) -> None:
    await acme.write(NOON, {"ledger.received": 2, "ledger.grouped": 1})
    await acme.write(NOON, BALANCED)
    counters = Counters(storage)

    assert (await counters.counts(ACME, "hour", NOON, NOON))["2026-03-02T12"][IMBALANCE] == 1
    await counters.fold(ACME)
    assert (await counters.counts(ACME, "hour", NOON, NOON))["2026-03-02T12"][IMBALANCE] == 1
    assert counters.imbalances == 1


MOMENTS = st.integers(0, 3 * 24 * 60).map(lambda minutes: plus(NOON, 60 * minutes))
COUNTS = st.dictionaries(st.sampled_from(["alerts.fires", "incidents.opened", "x"]), st.integers(-3, 50), max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), MOMENTS, COUNTS),
        st.tuples(
            st.just("fold"), st.lists(st.sampled_from(["", "before", "after"]), min_size=1, max_size=3), st.none()
        ),
    ),
    max_size=25,
)


@settings(max_examples=30)
@given(steps=STEPS)
def test_sums_are_exact_whatever_happens(steps: list[tuple[str, object, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live_through(Path(folder), steps))


async def _live_through(folder: Path, steps: list[tuple[str, object, object]]) -> None:
    async with opened(folder) as storage:
        acme = Logbook(storage, SystemIds())
        for kind, first, second in steps:
            if kind == "write":
                await acme.write(str(first), second)  # type: ignore[arg-type]  # as STEPS made it
            else:
                deaths: list[str] = first  # type: ignore[assignment]  # as STEPS made it
                await asyncio.gather(*(_fold_and_perhaps_die(storage, each) for each in deaths))
        for grain in WIDTHS:
            exact = expected(acme.records, grain)
            assert await Counters(storage).counts(ACME, grain, LONG_AGO, FAR_OFF) == exact
        await Counters(storage).fold(ACME)
        for grain in WIDTHS:
            assert await Counters(storage).counts(ACME, grain, LONG_AGO, FAR_OFF) == expected(acme.records, grain)


async def _fold_and_perhaps_die(storage: Storage, death: str) -> None:
    with contextlib.suppress(OutcomeUnknown):
        await Counters(DyingStorage(storage, [death])).fold(ACME)
