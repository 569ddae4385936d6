"""What people do with incidents."""

from typing import Any

import pytest
from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.audit import AuditEntry, first_broken
from alertwhisperer.domain.errors import Conflict, Forbidden, Invalid, NotFound
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.scope import Scopes
from alertwhisperer.domain.timer import Timer
from alertwhisperer.engine import verbs
from alertwhisperer.engine.runner import Once
from tests.support.cast import ACME, EVE, GLOBEX, RIO, VIC
from tests.support.world import World, acting

RIO_HERE = acting(RIO)


async def an_incident(world: World, **fields: Any) -> str:
    return (await world.fire(**fields)).incident_id or ""


async def stored(world: World, incident_id: str) -> Incident:
    found = await world.storage.get(Incident, (ACME, incident_id))
    assert found is not None
    return found


async def test_acknowledging_starts_the_work_and_twice_is_once(world: World) -> None:
    incident_id = await an_incident(world)
    seen = await world.incidents.do(RIO_HERE, incident_id, verbs.acknowledge())
    assert (seen.status, seen.acknowledged_by) == ("in_progress", "rio")
    assert await world.incidents.do(RIO_HERE, incident_id, verbs.acknowledge()) == seen


async def test_assigning_counts_as_seen(world: World) -> None:
    incident_id = await an_incident(world)
    taken = await world.incidents.do(RIO_HERE, incident_id, verbs.assign("rio", "Rio"))
    assert (taken.assigned_to, taken.status) == ("rio", "in_progress")
    assert taken.acknowledged_at == taken.assigned_at


async def test_escalating_goes_up_level_by_level(world: World) -> None:
    incident_id = await an_incident(world)
    await world.incidents.do(RIO_HERE, incident_id, verbs.escalate())
    assert (await world.incidents.do(RIO_HERE, incident_id, verbs.escalate())).escalation_level == 2


async def test_a_person_resolves_it_with_its_alerts_and_undo_brings_both_back(world: World) -> None:
    outcome = await world.fire()
    incident_id = outcome.incident_id or ""
    done = await world.incidents.do(RIO_HERE, incident_id, verbs.resolve(notes="disk cleaned", cause="disk"))
    assert (done.status, done.resolution_notes, done.resolved_by) == ("resolved", "disk cleaned", "rio")
    alert = await world.alerts.get(RIO_HERE, outcome.alert_id or "")
    assert (alert.status, alert.resolved_by) == ("resolved", "rio")
    back = await world.incidents.do(RIO_HERE, incident_id, verbs.undo())
    assert (back.status, back.resolution_notes, back.open_alert_count) == ("new", "", 1)
    assert (await world.alerts.get(RIO_HERE, outcome.alert_id or "")).status == "active"
    assert (await world.fire()).disposition == "occurrence"


async def test_a_source_that_still_fires_reopens_what_a_person_resolved(world: World) -> None:
    incident_id = await an_incident(world)
    await world.incidents.do(RIO_HERE, incident_id, verbs.resolve())
    world.clock.advance(300)
    assert (await world.fire()).incident_id == incident_id
    assert (await stored(world, incident_id)).status == "new"


async def test_reopening_is_possible_for_a_day(world: World) -> None:
    incident_id = await an_incident(world)
    await world.incidents.do(RIO_HERE, incident_id, verbs.resolve())
    world.clock.advance(23 * 3600)
    assert (await world.incidents.do(RIO_HERE, incident_id, verbs.reopen())).status == "new"
    await world.incidents.do(RIO_HERE, incident_id, verbs.resolve())
    world.clock.advance(25 * 3600)
    with pytest.raises(Conflict):
        await world.incidents.do(RIO_HERE, incident_id, verbs.reopen())


async def test_after_a_merge_both_keys_lead_to_the_one_that_remains(world: World) -> None:
    one = await an_incident(world, asset="db-01")
    other = await an_incident(world, asset="db-02")
    kept = await world.incidents.do(RIO_HERE, other, verbs.merge(one))
    assert (kept.id, kept.alert_count, kept.merged_from) == (one, 2, [other])
    assert (await world.fire(asset="db-02")).incident_id == one
    assert (await world.fire(asset="db-02", tool_source="second")).incident_id == one
    world.restart()
    assert (await world.fire(asset="db-02", tool_source="third")).incident_id == one
    assert len(await world.incidents.alerts(RIO_HERE, one, limit=10)) == 4
    assert (await world.incidents.get(RIO_HERE, other)).merged_into == one


async def test_undoing_a_merge_gives_two_again(world: World) -> None:
    one = await an_incident(world, asset="db-01")
    other = await an_incident(world, asset="db-02")
    await world.incidents.do(RIO_HERE, other, verbs.merge(one))
    kept = await world.incidents.do(RIO_HERE, one, verbs.undo())
    assert (kept.alert_count, kept.merged_from) == (1, [])
    back = await stored(world, other)
    assert (back.status, back.merged_into) == ("new", None)
    assert (await world.fire(asset="db-02", tool_source="second")).incident_id == other


async def test_an_incident_cannot_be_merged_into_itself_or_another_company(world: World) -> None:
    one = await an_incident(world)
    globex = (await world.fire(company=GLOBEX)).incident_id or ""
    for target in (one, globex, "nowhere"):
        with pytest.raises(Invalid) as caught:
            await world.incidents.do(RIO_HERE, one, verbs.merge(target))
        assert caught.value.field == "into"


async def test_split_alerts_go_their_own_way_and_do_not_come_back(world: World) -> None:
    outcomes = [await world.fire(tool_source=tool) for tool in ("a", "b", "c")]
    incident_id = outcomes[0].incident_id or ""
    made = await world.incidents.do(
        RIO_HERE, incident_id, verbs.split([outcomes[2].alert_id or ""], title="not the disk")
    )
    assert (made.title, made.alert_count) == ("not the disk", 1)
    assert (await stored(world, incident_id)).alert_count == 2
    assert (await world.fire(tool_source="c")).incident_id == made.id
    await world.clear(tool_source="c", asset="db-01")
    assert (await stored(world, made.id)).status == "resolved"
    assert (await world.fire(tool_source="a")).incident_id == incident_id


async def test_the_next_episode_of_a_split_alert_goes_where_the_person_put_it(world: World) -> None:
    outcomes = [await world.fire(tool_source=tool) for tool in ("a", "b", "c")]
    incident_id = outcomes[0].incident_id or ""
    chosen = [outcomes[1].alert_id or "", outcomes[2].alert_id or ""]
    made = await world.incidents.do(RIO_HERE, incident_id, verbs.split(chosen))
    await world.clear(tool_source="b")
    world.restart()
    again = await world.fire(tool_source="b")
    assert again.incident_id == made.id
    alert = await world.alerts.get(RIO_HERE, again.alert_id or "")
    assert alert.reason is not None
    assert alert.reason.kind == "bound"


async def test_a_split_is_remembered_however_many_incidents_have_opened_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [await world.fire(tool_source=tool) for tool in ("a", "b", "c")]
    split = verbs.split([outcome.alert_id or "" for outcome in outcomes[1:]])
    made = await world.incidents.do(RIO_HERE, outcomes[0].incident_id or "", split)
    await world.clear(tool_source="b")
    for bound in ("state.CACHE_AT_MOST", "loader.CACHE_AT_MOST"):
        monkeypatch.setattr(f"alertwhisperer.engine.{bound}", 3)
    for n in range(8):
        await world.fire(asset=f"later-{n}")
    world.restart()
    assert (await world.fire(tool_source="b")).incident_id == made.id


async def test_undoing_a_split_brings_the_alerts_home(world: World) -> None:
    outcomes = [await world.fire(tool_source=tool) for tool in ("a", "b")]
    incident_id = outcomes[0].incident_id or ""
    made = await world.incidents.do(RIO_HERE, incident_id, verbs.split([outcomes[1].alert_id or ""]))
    home = await world.incidents.do(RIO_HERE, incident_id, verbs.undo())
    assert home.alert_count == 2
    assert (await stored(world, made.id)).merged_into == incident_id
    assert (await world.fire(tool_source="b")).incident_id == incident_id


async def test_splitting_everything_or_somebody_elses_alert_is_refused(world: World) -> None:
    outcome = await world.fire()
    other = await world.fire(asset="db-02")
    for chosen in ([outcome.alert_id or ""], [other.alert_id or ""], ["nothing"], []):
        with pytest.raises(Invalid) as caught:
            await world.incidents.do(RIO_HERE, outcome.incident_id or "", verbs.split(chosen))
        assert caught.value.field == "alert_ids"


async def test_a_snooze_ends_by_its_timer_and_only_by_the_right_one(world: World) -> None:
    incident_id = await an_incident(world)
    until = world.clock.now().replace("09:00", "10:00")
    await world.incidents.do(RIO_HERE, incident_id, verbs.snooze(until))
    [due] = await world.storage.select(Timer, {"shard": {"$in": [str(n) for n in range(8)]}})
    assert (due.due_at, due.subject_id) == (until, incident_id)
    await world.incidents.do(RIO_HERE, incident_id, verbs.snooze(None))
    assert (await stored(world, incident_id)).snoozed_until is None
    assert await world.storage.count(Timer, {"shard": due.shard}) == 0


async def test_notes_are_kept_and_are_internal(world: World) -> None:
    incident_id = await an_incident(world)
    await world.incidents.do(RIO_HERE, incident_id, verbs.note("the vendor is on it"))
    entries = await world.incidents.timeline(RIO_HERE, incident_id)
    assert [(each.kind, each.internal) for each in entries] == [("created", False), ("note", True)]


async def test_undo_takes_back_the_latest_verb_only_while_nothing_else_has_changed_it(world: World) -> None:
    incident_id = await an_incident(world)
    await world.incidents.do(RIO_HERE, incident_id, verbs.acknowledge())
    await world.incidents.do(RIO_HERE, incident_id, verbs.assign("rio", "Rio"))
    assert (await world.incidents.do(RIO_HERE, incident_id, verbs.undo())).assigned_to is None
    assert (await world.incidents.do(RIO_HERE, incident_id, verbs.undo())).status == "new"
    with pytest.raises(Conflict):
        await world.incidents.do(RIO_HERE, incident_id, verbs.undo())


async def test_two_people_who_edit_at_once_do_not_overwrite_each_other(world: World) -> None:
    incident_id = await an_incident(world)
    before = await stored(world, incident_id)
    await world.incidents.do(RIO_HERE, incident_id, verbs.title("mine"), if_revision=before.revision)
    with pytest.raises(Conflict) as caught:
        await world.incidents.do(RIO_HERE, incident_id, verbs.title("yours"), if_revision=before.revision)
    assert isinstance(caught.value.current, Incident)
    assert caught.value.current.title == "mine"


async def test_alerts_that_come_in_do_not_make_a_persons_edit_stale(world: World) -> None:
    incident_id = await an_incident(world)
    before = await stored(world, incident_id)
    await world.fire()
    assert (
        await world.incidents.do(RIO_HERE, incident_id, verbs.acknowledge(), if_revision=before.revision)
    ).occurrences == 2


async def test_a_repeated_request_is_done_once_and_answered_alike(world: World) -> None:
    incident_id = await an_incident(world)
    once = Once("key-1", "escalate")
    first = await world.incidents.do(RIO_HERE, incident_id, verbs.escalate(), once=once)
    assert await world.incidents.do(RIO_HERE, incident_id, verbs.escalate(), once=once) == first
    assert (await stored(world, incident_id)).escalation_level == 1
    with pytest.raises(Invalid):
        await world.incidents.do(
            RIO_HERE, incident_id, verbs.acknowledge(), once=replace(once, fingerprint="acknowledge")
        )


async def test_clients_read_and_do_nothing(world: World) -> None:
    incident_id = await an_incident(world)
    assert (await world.incidents.get(acting(VIC), incident_id)).id == incident_id
    with pytest.raises(Forbidden):
        await world.incidents.do(acting(VIC), incident_id, verbs.acknowledge())


async def test_eve_of_globex_finds_nothing_of_acme(world: World) -> None:
    incident_id = await an_incident(world)
    here = acting(EVE, GLOBEX)
    with pytest.raises(NotFound):
        await world.incidents.get(here, incident_id)
    with pytest.raises(NotFound):
        await world.incidents.do(here, incident_id, verbs.acknowledge())
    assert await world.incidents.page(Scopes((GLOBEX,), EVE), {}, limit=10) == []


async def test_every_verb_is_in_the_audit_chain_and_the_chain_holds(world: World) -> None:
    incident_id = await an_incident(world)
    await world.incidents.do(RIO_HERE, incident_id, verbs.acknowledge())
    await world.incidents.do(RIO_HERE, incident_id, verbs.resolve())
    await world.incidents.do(RIO_HERE, incident_id, verbs.undo())
    entries = await world.storage.select(AuditEntry, {"company_id": ACME}, sort=[("id", 1)])
    assert [each.action for each in entries] == ["incident.acknowledge", "incident.resolve", "incident.undo"]
    assert first_broken(entries, b"k" * 32) is None


async def test_a_single_alert_can_be_seen_and_ended_by_hand(world: World) -> None:
    outcome = await world.fire()
    alert_id = outcome.alert_id or ""
    assert (await world.alerts.acknowledge(RIO_HERE, alert_id)).status == "acknowledged"
    assert (await world.alerts.resolve(RIO_HERE, alert_id)).status == "resolved"
    assert (await stored(world, outcome.incident_id or "")).status == "resolved"
    with pytest.raises(Conflict):
        await world.alerts.resolve(RIO_HERE, alert_id)
    assert await world.storage.count(Alert, {"company_id": ACME, "status": "active"}) == 0
