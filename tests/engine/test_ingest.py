"""Alerts come in: dispositions, idempotency, the ledger, and who is let in."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.asset import Asset
from alertwhisperer.domain.errors import Invalid, NotFound, RateLimited, Unauthenticated, Unavailable
from alertwhisperer.domain.event import frames
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.ledger import DISPOSITIONS, RECEIVED, counter
from alertwhisperer.domain.signature import sign
from alertwhisperer.sources.parsed import Parsed
from alertwhisperer.sources.registry import SOURCES
from tests.support.cast import ACME, GLOBEX
from tests.support.world import World

ALERT = {"asset_name": "db-01", "signature": "disk_full", "message": "97 %", "severity": "high"}
GOLDEN = Path(__file__).parents[1] / "sources" / "golden" / "alertmanager"


def balanced(counts: dict[str, int]) -> bool:
    return counts.get(RECEIVED, 0) == sum(counts.get(counter(each), 0) for each in DISPOSITIONS)


async def test_the_first_alert_opens_an_incident_and_says_why(world: World) -> None:
    outcome = await world.fire()
    assert (outcome.disposition, outcome.duplicate) == ("grouped", False)
    incident = await world.storage.get(Incident, (ACME, outcome.incident_id or ""))
    assert incident is not None
    assert (incident.title, incident.alert_count, incident.severity) == ("disk_full on db-01", 1, "high")
    assert incident.priority_score == 60 + 2
    assert outcome.reason == incident.reason.sentence
    alert = await world.storage.get(Alert, (ACME, outcome.alert_id or ""))
    assert alert is not None
    assert alert.reason == incident.reason


async def test_a_refire_adds_an_occurrence_whatever_the_window(world: World) -> None:
    first = await world.fire()
    for _ in range(5):
        world.clock.advance(3600)
        again = await world.fire()
        assert (again.disposition, again.incident_id) == ("occurrence", first.incident_id)
    [incident] = await world.open_incidents()
    assert (incident.alert_count, incident.occurrences) == (1, 6)


async def test_two_tools_are_two_alerts_of_one_incident_that_scores_higher(world: World) -> None:
    await world.fire(tool_source="Zabbix")
    await world.fire(tool_source="Datadog")
    [incident] = await world.open_incidents()
    assert (incident.alert_count, incident.priority_score) == (2, 60 + 4 + 10)


async def test_when_all_alerts_have_cleared_the_incident_is_resolved_by_its_source(world: World) -> None:
    outcome = await world.fire(tool_source="a")
    await world.fire(tool_source="b")
    await world.clear(tool_source="a")
    assert len(await world.open_incidents()) == 1
    cleared = await world.clear(tool_source="b")
    assert cleared.disposition == "resolved"
    incident = await world.storage.get(Incident, (ACME, outcome.incident_id or ""))
    assert incident is not None
    assert (incident.status, incident.resolved_by, incident.open_alert_count) == ("resolved", "source", 0)


async def test_a_clear_of_nothing_is_resolved_and_changes_nothing(world: World) -> None:
    outcome = await world.clear()
    assert (outcome.disposition, outcome.alert_id) == ("resolved", None)
    assert await world.open_incidents() == []


@pytest.mark.parametrize(("minutes", "same"), [(10, True), (16, False)])
async def test_a_new_episode_soon_after_reopens_and_later_opens_a_linked_one(
    world: World, minutes: int, same: bool
) -> None:
    first = await world.fire()
    await world.clear()
    world.clock.advance(minutes * 60)
    again = await world.fire()
    assert (again.incident_id == first.incident_id) is same
    [incident] = await world.open_incidents()
    assert incident.alert_count == (2 if same else 1)
    assert incident.linked_incident_id == (None if same else first.incident_id)


async def test_after_a_restart_everything_is_as_it_was(world: World) -> None:
    first = await world.fire()
    world.restart()
    assert (await world.fire()).disposition == "occurrence"
    world.restart()
    await world.clear()
    world.restart()
    world.clock.advance(60)
    assert (await world.fire()).incident_id == first.incident_id


async def test_below_the_minimum_alerts_wait_and_then_join_together(world: World) -> None:
    await world.configure("correlation", min_alerts_for_incident=3)
    outcomes = [await world.fire(tool_source=tool) for tool in ("a", "b", "c")]
    assert [each.disposition for each in outcomes] == ["ungrouped", "ungrouped", "grouped"]
    [incident] = await world.open_incidents()
    assert (incident.alert_count, incident.open_alert_count) == (3, 3)


async def test_waiting_alerts_outside_the_window_do_not_count(world: World) -> None:
    await world.configure("correlation", min_alerts_for_incident=2)
    await world.fire(tool_source="a")
    world.clock.advance(16 * 60)
    assert (await world.fire(tool_source="b")).disposition == "ungrouped"


async def test_unknown_assets_are_added_and_a_critical_one_raises_the_score(world: World) -> None:
    await world.fire()
    [asset] = await world.storage.select(Asset, {"company_id": ACME})
    assert asset.name == "db-01"
    assert asset.first_seen_at == asset.last_seen_at


async def test_an_asset_is_written_once_a_day_however_often_it_alerts(world: World) -> None:
    await world.fire()
    [first] = await world.storage.select(Asset, {"company_id": ACME})
    assert first.last_seen_at == world.clock.now()
    world.clock.move_to(f"{first.last_seen_at[:10]}T23:59:59.999999Z")
    await world.fire()
    assert await world.storage.select(Asset, {"company_id": ACME}) == [first]
    world.clock.advance(1)
    await world.fire()
    [later] = await world.storage.select(Asset, {"company_id": ACME})
    assert later == replace(first, last_seen_at=world.clock.now())


async def test_a_repeated_delivery_answers_as_the_first_and_changes_nothing_else(world: World) -> None:
    first = await world.post(ALERT, delivery="d-1")
    for attempt in (2, 3):
        again = await world.post(ALERT, delivery="d-1")
        assert again.outcomes[0].duplicate
        assert again.outcomes[0].alert_id == first.outcomes[0].alert_id
        assert not again.created
        alert = await world.storage.get(Alert, (ACME, first.outcomes[0].alert_id or ""))
        assert alert is not None
        assert (alert.occurrences, alert.delivery_attempts) == (1, attempt)
    assert (await world.post(ALERT, delivery="d-2")).outcomes[0].disposition == "occurrence"
    counts = await world.counts()
    assert (counts[RECEIVED], counts[counter("duplicate")]) == (4, 2)
    assert balanced(counts)


async def test_after_a_day_a_delivery_id_is_free_again(world: World) -> None:
    await world.post(ALERT, delivery="d-1")
    world.clock.advance(24 * 3600 + 1)
    answer = await world.post(ALERT, delivery="d-1")
    assert (answer.outcomes[0].duplicate, answer.outcomes[0].disposition) == (False, "occurrence")


async def test_the_same_delivery_twice_in_one_batch_is_once(world: World) -> None:
    answers = await asyncio.gather(*(world.post(ALERT, delivery="d-1") for _ in range(20)))
    assert len({each.outcomes[0].alert_id for each in answers}) == 1
    assert sum(not each.outcomes[0].duplicate for each in answers) == 1
    [incident] = await world.open_incidents()
    assert incident.occurrences == 1


async def test_a_large_repeated_delivery_answers_alike(world: World) -> None:
    count = min(1300, 6 * world.runner.batch_at_most)
    alerts = [{**ALERT, "asset_name": f"host-{n}"} for n in range(count)]
    first = await world.post(*alerts, delivery="big")
    again = await world.post(*alerts, delivery="big")
    assert [each.alert_id for each in again.outcomes] == [each.alert_id for each in first.outcomes]
    assert len({each.alert_id for each in first.outcomes}) == count
    assert all(each.duplicate for each in again.outcomes)
    assert balanced(await world.counts())


async def test_delivery_ids_of_two_companies_do_not_meet(world: World) -> None:
    await world.post(ALERT, delivery="d-1")
    assert not (await world.post(ALERT, delivery="d-1", company=GLOBEX)).outcomes[0].duplicate


async def test_every_alert_of_an_array_ends_in_one_disposition(world: World) -> None:
    await world.fire(asset="old")
    answer = await world.post(
        {**ALERT, "asset_name": "new"},
        {**ALERT, "asset_name": "old", "tool_source": "webhook"},
        {**ALERT, "asset_name": "old", "status": "resolved"},
        {"asset_name": "broken"},
    )
    assert [each.disposition for each in answer.outcomes] == ["grouped", "occurrence", "resolved", "rejected"]
    assert answer.outcomes[3].field == "signature"
    assert balanced(await world.counts())


async def test_an_array_of_nothing_but_bad_alerts_is_refused_and_counted(world: World) -> None:
    with pytest.raises(Invalid):
        await world.post({"asset_name": "a"}, {"signature": "b"})
    await world.door.flush()
    counts = await world.counts()
    assert (counts[RECEIVED], counts[counter("rejected")]) == (2, 2)


async def test_a_wrong_key_is_refused_and_counted_for_nobody(world: World) -> None:
    with pytest.raises(Unauthenticated):
        await world.post(ALERT, company="nobody")
    await world.door.flush()
    assert (await world.counts("_msp"))["ledger.rejected.api_key"] == 1


async def test_an_unknown_source_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.ingest.receive(world.request(b"{}", source="smoke-signals"))


async def test_a_company_that_signs_refuses_what_is_not_signed(world: World) -> None:
    place = (ACME, "company_configs", "webhook_security", "hmac_secret")
    await world.configure("webhook_security", hmac_enabled=True, secret_encrypted=f"{place}=s3cret")
    with pytest.raises(Unauthenticated):
        await world.post(ALERT)
    body = json.dumps(ALERT).encode()
    request = world.request(body)
    timestamp = "1767603600"
    signed = {b"x-timestamp": timestamp.encode(), b"x-signature": sign("s3cret", timestamp, body).encode()}
    request = replace(request, headers=signed)
    assert (await world.ingest.receive(request)).outcomes[0].disposition == "grouped"
    await world.door.flush()
    assert (await world.counts())["ledger.rejected.signature"] == 1


async def test_a_runaway_sender_is_slowed_and_let_in_again_later(world: World) -> None:
    await world.configure("rate_limit", requests_per_minute=60, burst_size=3)
    for _ in range(3):
        await world.fire()
    with pytest.raises(RateLimited) as caught:
        await world.fire()
    assert caught.value.retry_after == pytest.approx(1.0)
    world.clock.advance(1.0)
    assert (await world.fire()).disposition == "occurrence"
    await world.door.flush()
    counts = await world.counts()
    assert counts["ledger.rejected.rate_limit"] == 1
    assert balanced(counts)


async def test_deliveries_are_kept_as_they_came(world: World) -> None:
    await world.fire()
    [delivery] = await world.received()
    assert json.loads(delivery.body)["asset_name"] == "db-01"
    assert delivery.dispositions == ["grouped"]


async def test_a_real_alertmanager_repeats_for_hours_and_stays_one_incident(world: World) -> None:
    async def receive(name: str) -> Any:
        request = world.request((GOLDEN / f"{name}.json").read_bytes(), source="alertmanager")
        return (await world.ingest.receive(request)).outcomes

    [first] = await receive("firing")
    for _ in range(12):
        world.clock.advance(4 * 3600)
        [again] = await receive("repeated")
        assert (again.disposition, again.incident_id) == ("occurrence", first.incident_id)
    await receive("resolved")
    assert await world.open_incidents() == []


async def test_thirty_two_senders_of_one_key_make_one_incident(world: World) -> None:
    outcomes = await asyncio.gather(*(world.fire(tool_source=f"tool-{n}") for n in range(32)))
    assert len({each.incident_id for each in outcomes}) == 1
    [incident] = await world.open_incidents()
    assert incident.alert_count == 32


async def test_a_storm_is_told_as_one_and_calm_as_it_is(world: World) -> None:
    await world.fire()
    await world.post(*({**ALERT, "asset_name": f"h{n}"} for n in range(100)))
    told = [frame.type for record in await world.storage.records(ACME, 1) for frame, _ in frames(record)]
    each = ["asset_updated", "alert_received", "incident_created"]
    if world.runner.batch_at_most < 100:  # An engine whose commits are small tells each whole.
        assert Counter(told) == Counter(each * 101)
    else:
        assert told == [*each, "storm"]


async def test_the_log_has_no_gap_and_the_ledger_balances(world: World) -> None:
    await asyncio.gather(*(world.fire(asset=f"h{n % 7}", tool_source=f"t{n}") for n in range(100)))
    records = await world.storage.records(ACME, 0)
    assert [each.seq for each in records] == list(range(1, len(records) + 1))
    assert balanced(await world.counts())


async def test_a_state_that_forgets_its_oldest_alerts_finds_them_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("state.ALERTS_AT_MOST", "state.CACHE_AT_MOST", "loader.ALERTS_AT_MOST", "loader.CACHE_AT_MOST"):
        monkeypatch.setattr(f"alertwhisperer.engine.{bound}", 10)
    first = {n: await world.fire(asset=f"h{n}") for n in range(25)}
    state = await world.runner.state(ACME)
    assert len(state.open_alerts) <= 11
    for n in range(25):
        again = await world.fire(asset=f"h{n}")
        assert (again.disposition, again.incident_id) == ("occurrence", first[n].incident_id)
        other = await world.fire(asset=f"h{n}", tool_source="other")
        assert other.incident_id == first[n].incident_id
    assert len(await world.storage.select(Asset, {"company_id": ACME})) == 25
    await world.clear(asset="h0")
    await world.clear(asset="h0", tool_source="other")
    world.restart()
    assert (await world.fire(asset="h0")).incident_id == first[0].incident_id


async def test_too_much_waiting_is_refused_rather_than_held(world: World) -> None:
    world.restart(queued_at_most=10)
    answers = await asyncio.gather(*(world.fire(asset=f"h{n}") for n in range(30)), return_exceptions=True)
    assert any(isinstance(each, Unavailable) for each in answers)
    stored = await world.storage.count(Alert, {"company_id": ACME})
    assert stored == sum(not isinstance(each, Exception) for each in answers)


async def test_a_fault_of_ours_is_told_to_its_sender_and_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.fire()  # the door knows the key from here on, and nothing must be awaited

    def faulty(_: bytes) -> Parsed:
        raise ZeroDivisionError

    monkeypatch.setitem(SOURCES, "alerts", replace(SOURCES["alerts"], parse=faulty))
    told: list[object] = []
    assert world.ingest.take(world.request(b"{}"), told.append)
    assert [type(each) for each in told] == [ZeroDivisionError]
    assert world.ingest.failures == 1
