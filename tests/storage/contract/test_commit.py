"""The one way to change state: all of it or nothing, in one order, under what was assumed."""

import asyncio
import random
from collections.abc import Awaitable

import pytest

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.change import ABSENT, Change, Delete, Event, Put, Storm
from alertwhisperer.domain.delivery import Delivery
from alertwhisperer.domain.errors import (
    AlertWhispererError,
    Conflict,
    Invalid,
    OutcomeUnknown,
    Stale,
    TooLarge,
    Unavailable,
)
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.snapshot import Snapshot
from alertwhisperer.domain.user import User
from alertwhisperer.ports import Storage
from tests.support.cast import ACME, ADA, GLOBEX
from tests.support.documents import LATER, NOON, alert, asset, scope, user
from tests.support.faulty import faulty


async def commit(storage: Storage, base_seq: int, *writes: Put | Delete, company_id: str = ACME) -> Record:
    change = Change(writes=writes)
    return await storage.commit(scope(company_id), base_seq, change, commit_id=f"c{base_seq}", at=NOON)


def delivery(body: str) -> Delivery:
    return Delivery(id="", source="alerts", received_at=NOON, body=body, dispositions=["grouped"])


async def test_a_record_says_what_was_done(storage: Storage) -> None:
    first, joined = alert("a1"), alert("a2", message='é 🚨 \\ "quoted"')
    change = Change(
        writes=(Put("alerts", first), Put("alerts", joined), Delete("assets", (ACME, "gone"))),
        events=(
            Event("alert_received", joined),
            Event("storm", Storm(alerts=2, incidents=1, reason="many"), internal=True),
        ),
        counts={"ledger.received": 2},
        audit_head="hash",
        deliveries=(delivery("é 🚨"), delivery("")),
    )
    record = await storage.commit(scope(), 0, change, commit_id="c1", at=NOON)
    assert await storage.records(ACME, 0) == [record]
    assert (record.company_id, record.seq, record.commit_id, record.at, record.actor) == (ACME, 1, "c1", NOON, ADA)
    assert (record.counts, record.audit_head) == ({"ledger.received": 2}, "hash")
    assert record.touched == [("alerts", "a1"), ("alerts", "a2"), ("assets", "gone")]
    assert [(event.type, event.internal) for event in record.events] == [("alert_received", False), ("storm", True)]
    assert record.deliveries == [*change.deliveries]
    assert b"\xc3\xa9" in bytes(record.events[0].data)
    assert await storage.get(Alert, (ACME, "a2")) == joined


async def test_each_commit_follows_the_one_before(storage: Storage) -> None:
    for seq in range(5):
        assert (await commit(storage, seq, Put("alerts", alert(f"a{seq}")))).seq == seq + 1
    assert [record.seq for record in await storage.records(ACME, 0)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("base_seq", [0, 2, 99])
async def test_a_commit_on_another_world_conflicts_and_writes_nothing(storage: Storage, base_seq: int) -> None:
    await commit(storage, 0)
    with pytest.raises(Conflict) as refused:
        await commit(storage, base_seq, Put("alerts", alert("a1")))
    assert not isinstance(refused.value, Stale)
    assert await storage.get(Alert, (ACME, "a1")) is None
    assert (await storage.head(ACME))[0] == 1


async def test_a_log_goes_on_from_its_snapshot_when_its_records_are_gone(storage: Storage) -> None:
    await commit(storage, 0)
    await commit(storage, 1)
    await storage.store([Put("snapshots", Snapshot(company_id=ACME, seq=2, audit_head="h", at=NOON))])
    await storage.delete_many("events", {"company_id": ACME})
    assert await storage.head(ACME) == (2, "h")
    with pytest.raises(Conflict):
        await commit(storage, 0)
    assert (await commit(storage, 2)).seq == 3
    assert (await storage.head(ACME))[0] == 3


OUTDATED = [
    Put("assets", asset("new", "taken")),
    Put("assets", asset("s1", "other"), ABSENT),
    Put("assets", asset("s1", "other"), {"name": "free"}),
    Put("alerts", alert("a1"), {"occurrences": 7}),
]


@pytest.mark.parametrize("write", OUTDATED, ids=["unique", "absent", "unique and expecting", "expecting"])
@pytest.mark.parametrize("expired", [False, True], ids=["recorded", "expired"])
async def test_what_was_decided_on_another_world_conflicts_whatever_it_expected(
    storage: Storage, write: Put, *, expired: bool
) -> None:
    """Who conflicts reads on and decides again; who is stale would be told that it cannot be done."""
    await commit(storage, 0)
    await commit(storage, 1, Put("assets", asset("s1", "taken")), Put("alerts", alert("a1")))
    await commit(storage, 2)
    if expired:
        await storage.store([Put("snapshots", Snapshot(company_id=ACME, seq=3, audit_head="h", at=NOON))])
        await storage.delete_many("events", {"company_id": ACME})
    with pytest.raises(Conflict) as refused:
        await commit(storage, 1, write)
    assert not isinstance(refused.value, Stale)
    with pytest.raises(Stale):
        await commit(storage, 3, write)


async def test_a_snapshot_in_the_middle_of_the_log_changes_nothing(storage: Storage) -> None:
    for seq in range(3):
        await commit(storage, seq)
    await storage.store([Put("snapshots", Snapshot(company_id=ACME, seq=1, audit_head="old", at=NOON))])
    assert await storage.head(ACME) == (3, "")
    assert (await commit(storage, 3)).seq == 4


async def test_of_many_who_commit_on_one_world_one_wins(storage: Storage, other: Storage) -> None:
    async def attempt(through: Storage, name: str) -> str | None:
        try:
            record = await through.commit(
                scope(), 0, Change(writes=(Put("alerts", alert(name)),)), commit_id=name, at=NOON
            )
        except Conflict:
            return None
        return record.commit_id

    names = [f"a{n}" for n in range(20)]
    outcomes = await asyncio.gather(*(attempt((storage, other)[n % 2], name) for n, name in enumerate(names)))
    winners = [name for name in outcomes if name]
    assert len(winners) == 1
    assert [record.commit_id for record in await storage.records(ACME, 0)] == winners
    assert [each.id for each in await storage.select(Alert, {"company_id": ACME})] == winners


async def test_commits_one_behind_the_other_may_be_on_their_way_at_once(storage: Storage) -> None:
    def send(base_seq: int, after: str | None) -> Awaitable[Record]:
        change = Change(writes=(Put("alerts", alert(f"a{base_seq}")),))
        return storage.commit(scope(), base_seq, change, commit_id=f"c{base_seq}", at=NOON, after=after)

    records = list(await asyncio.gather(send(0, None), send(1, "c0"), send(2, "c1")))
    assert [each.seq for each in records] == [1, 2, 3]
    assert await storage.records(ACME, 0) == records


async def test_a_commit_goes_behind_the_one_it_was_decided_on_or_not_at_all(storage: Storage, other: Storage) -> None:
    await commit(other, 0)
    change = Change(writes=(Put("alerts", alert("decided on another world")),))
    with pytest.raises(Conflict):
        await storage.commit(scope(), 1, change, commit_id="mine", at=NOON, after="never stored")
    assert (await storage.head(ACME))[0] == 1
    assert (await storage.commit(scope(), 1, change, commit_id="mine", at=NOON, after="c0")).seq == 2


async def test_companies_do_not_wait_for_each_other_nor_fail_together(storage: Storage) -> None:
    await commit(storage, 0)
    outcomes = await asyncio.gather(
        commit(storage, 0, Put("alerts", alert("a1"))),
        commit(storage, 0, Put("alerts", alert("g1", GLOBEX)), company_id=GLOBEX),
        commit(storage, 1, Put("alerts", alert("a2"))),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], Conflict)
    assert [outcome.seq for outcome in outcomes if isinstance(outcome, Record)] == [1, 2]
    assert await storage.companies_with_log() == [(ACME, 2), (GLOBEX, 1)]
    assert await storage.count(Alert, {}) == 2


async def test_a_whole_document_replaces_what_was_there(storage: Storage) -> None:
    await commit(storage, 0, Put("alerts", alert("a1", labels={"old": "x"})))
    await commit(storage, 1, Put("alerts", alert("a1", labels={"new": "y"})))
    found = await storage.get(Alert, (ACME, "a1"))
    assert found is not None
    assert found.labels == {"new": "y"}


@pytest.mark.parametrize(
    "text",
    ["a b", "é", "🚨", 'quote"', "it's", "back\\slash", "line\nbreak", "\t\x01\x7f\u2028", "[1]", "null", "1", " "],
    ids=repr,
)
async def test_keys_and_indexed_fields_may_be_any_text(storage: Storage, text: str) -> None:
    odd = alert(text, dedup_key=text, message=text, correlated_incident_id=text)
    await commit(storage, 0, Put("alerts", odd, ABSENT), Put("alerts", alert("plain")))
    await commit(storage, 1, Put("alerts", odd))
    assert await storage.get(Alert, (ACME, text)) == odd
    for query in (
        {"dedup_key": text, "status": {"$ne": "resolved"}},
        {"correlated_incident_id": text},
        {"message": text},
    ):
        assert await storage.select(Alert, {"company_id": ACME, **query}) == [odd]
    await commit(storage, 2, Delete("alerts", (ACME, text)))
    assert [each.id for each in await storage.select(Alert, {})] == ["plain"]


async def test_deleting_what_is_not_there_is_no_error(storage: Storage) -> None:
    await commit(storage, 0, Put("assets", asset("s1", "db-01")))
    await commit(storage, 1, Delete("assets", (ACME, "s1")), Delete("assets", (ACME, "s2")))
    assert await storage.count(Asset, {}) == 0


async def test_absent_means_not_there_yet(storage: Storage) -> None:
    await commit(storage, 0, Put("alerts", alert("a1"), ABSENT))
    with pytest.raises(Stale) as refused:
        await commit(storage, 1, Put("alerts", alert("a0"), ABSENT), Put("alerts", alert("a1"), ABSENT))
    assert (refused.value.collection, refused.value.key) == ("alerts", (ACME, "a1"))
    assert [each.id for each in await storage.select(Alert, {})] == ["a1"]
    assert (await storage.head(ACME))[0] == 1


async def test_a_unique_field_that_is_taken_is_stale(storage: Storage) -> None:
    await commit(storage, 0, Put("assets", asset("s1", "db-01")))
    with pytest.raises(Stale) as refused:
        await commit(storage, 1, Put("assets", asset("s2", "web-01")), Put("assets", asset("s3", "db-01")))
    assert (refused.value.collection, refused.value.key) == ("assets", (ACME, "s3"))
    assert [each.id for each in await storage.select(Asset, {})] == ["s1"]
    await commit(storage, 0, Put("assets", asset("s1", "db-01", GLOBEX)), company_id=GLOBEX)


async def test_a_unique_field_is_free_once_its_holder_is_deleted_in_the_same_change(storage: Storage) -> None:
    await commit(storage, 0, Put("users", user("u1", "ada@acme.example")), company_id="_msp")
    successor = Put("users", user("u2", "ada@acme.example"))
    await commit(storage, 1, successor, Delete("users", ("u1",)), company_id="_msp")
    assert [each.id for each in await storage.select(User, {})] == ["u2"]


async def test_a_commit_cannot_write_into_another_company(storage: Storage) -> None:
    for write in (Put("alerts", alert("g1", GLOBEX)), Delete("alerts", (GLOBEX, "g1"))):
        with pytest.raises(Invalid):
            await commit(storage, 0, write)
    assert await storage.companies_with_log() == []


@pytest.mark.parametrize(
    "write",
    [
        Put("nothing", alert("a1")),
        Put("assets", alert("a1")),
        Put("alerts", alert("a1", metadata={"a.b": 1})),
        Put("alerts", alert("a1", metadata={"n": float("nan")})),
        Put("alerts", alert("a1", message="half a pair \ud800")),
        Put("alerts", alert("a1", message="nul \0")),
        Put("alerts", alert("a1", message="x" * 400_000)),
    ],
    ids=lambda write: repr(write)[:60],
)
async def test_a_commit_of_what_engines_cannot_all_hold_is_invalid(storage: Storage, write: Put) -> None:
    with pytest.raises(Invalid):
        await commit(storage, 0, Put("alerts", alert("a0")), write)
    assert await storage.count(Alert, {}) == 0
    assert await storage.head(ACME) == (0, "")


@pytest.mark.parametrize("body", ["nul \0", "half a pair \ud800"], ids=repr)
async def test_a_delivery_in_the_record_is_held_to_the_same(storage: Storage, body: str) -> None:
    change = Change(writes=(Put("alerts", alert("a0")),), deliveries=(delivery(body),))
    with pytest.raises(Invalid):
        await storage.commit(scope(), 0, change, commit_id="c", at=NOON)
    assert await storage.head(ACME) == (0, "")


async def test_large_commits_are_whole(storage: Storage) -> None:
    many = storage.limits.batch(1_237)
    writes = tuple(Put("alerts", alert(f"a{n:05}"), ABSENT) for n in range(many))
    await storage.commit(scope(), 0, Change(writes=writes), commit_id="c", at=NOON)
    assert await storage.count(Alert, {"company_id": ACME}) == many
    taken = Put("alerts", alert("a00077"), ABSENT)
    again = (*(Put("alerts", alert(f"b{n:05}"), ABSENT) for n in range(many - 1)), taken)
    with pytest.raises(Stale) as refused:
        await storage.commit(scope(), 1, Change(writes=again), commit_id="d", at=NOON)
    assert refused.value.key == (ACME, "a00077")
    assert await storage.count(Alert, {"company_id": ACME}) == many


async def test_more_than_an_engine_takes_at_once_is_refused_whole(storage: Storage) -> None:
    writes = tuple(Put("alerts", alert(f"a{n:05}"), ABSENT) for n in range(1_237))
    written = 0
    try:
        await storage.commit(scope(), 0, Change(writes=writes), commit_id="c", at=NOON)
        written = len(writes)
    except TooLarge:
        assert storage.limits.writes is not None
    assert await storage.count(Alert, {"company_id": ACME}) == written
    assert await storage.head(ACME) == (int(written > 0), "")


async def test_bytes_are_limited_as_writes_are(storage: Storage) -> None:
    """More than any engine with a limit takes: 30 alerts of 300 kB each that do not compress."""
    texts = [random.Random(n).randbytes(150_000).hex() for n in range(30)]
    writes = tuple(Put("alerts", alert(f"a{n}", message=text)) for n, text in enumerate(texts))
    size = sum(map(len, texts))
    fits = storage.limits.bytes is None or size <= storage.limits.bytes
    outcome = await asyncio.gather(
        storage.commit(scope(), 0, Change(writes=writes), commit_id="c", at=NOON), return_exceptions=True
    )
    assert isinstance(outcome[0], Record if fits else TooLarge)
    assert await storage.count(Alert, {"company_id": ACME}) == len(writes) * fits


async def test_an_empty_change_is_a_record_all_the_same(storage: Storage) -> None:
    assert (await commit(storage, 0)).seq == 1


async def test_a_lost_answer_is_settled_by_reading_the_log(storage: Storage) -> None:
    flaky = faulty(storage, "lose answer", "lose request", "refuse", "none")
    change = Change(writes=(Put("alerts", alert("a1"), ABSENT),))
    with pytest.raises(OutcomeUnknown):
        await flaky.commit(scope(), 0, change, commit_id="mine", at=NOON)
    assert [record.commit_id for record in await flaky.records(ACME, 0, limit=1)] == ["mine"]
    later = Change(writes=(Put("alerts", alert("a2"), ABSENT),))
    for lost in (OutcomeUnknown, Unavailable):
        with pytest.raises(lost):
            await flaky.commit(scope(), 1, later, commit_id="next", at=LATER)
        assert await flaky.records(ACME, 1, limit=1) == []
    assert (await flaky.commit(scope(), 1, later, commit_id="next", at=LATER)).seq == 2
    with pytest.raises(Conflict):
        await flaky.commit(scope(), 1, later, commit_id="next", at=LATER)
    assert await storage.count(Alert, {}) == 2


async def test_after_close_nothing_is_served(storage: Storage) -> None:
    await commit(storage, 0)
    await storage.close()
    for call in (commit(storage, 1), storage.head(ACME), storage.find_one("alerts", {}), storage.open()):
        with pytest.raises(Unavailable):
            await call


async def test_what_is_under_way_is_finished_by_close(storage: Storage, other: Storage) -> None:
    pending = [asyncio.ensure_future(commit(storage, 0, company_id=f"c{n:03}")) for n in range(100)]
    await asyncio.sleep(0)
    await storage.close()
    outcomes = await asyncio.gather(*pending, return_exceptions=True)
    assert all(isinstance(outcome, Record | AlertWhispererError) for outcome in outcomes)
    done = sum(isinstance(outcome, Record) for outcome in outcomes)
    assert len(await other.companies_with_log()) == done


async def test_a_waiter_that_gave_up_does_not_undo_its_commit(storage: Storage) -> None:
    heard: list[int] = []
    storage.on_commit(lambda record: heard.append(record.seq))
    waiter = asyncio.ensure_future(commit(storage, 0, Put("alerts", alert("a1"))))
    await asyncio.sleep(0)
    waiter.cancel()
    assert (await commit(storage, 1)).seq == 2
    assert heard == [1, 2]
