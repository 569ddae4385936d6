"""What a state keeps in memory stays what the database says, whichever way it came to know it."""

import pytest

from alertwhisperer.engine import verbs
from tests.support.cast import ADA
from tests.support.world import World, acting, beside

ADA_HERE = acting(ADA)
DAY_SECONDS = 24 * 3600

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")


async def test_an_alert_still_waits_after_an_older_delivery_was_repeated(here: World) -> None:
    await here.configure("correlation", min_alerts_for_incident=2)
    ended = {"asset_name": "db-01", "signature": "disk_full", "message": "it broke", "tool_source": "t1"}
    await here.post(ended, delivery="d1")
    await here.clear(tool_source="t1")
    assert (await here.fire(tool_source="t1")).disposition == "ungrouped"
    [repeated] = (await here.post(ended, delivery="d1")).outcomes
    assert repeated.duplicate
    assert (await here.fire(tool_source="t2")).disposition == "grouped"


async def test_a_waiting_alert_waits_under_its_present_key_only(here: World) -> None:
    await here.configure("correlation", min_alerts_for_incident=2, aggregation_key=["asset", "severity"])
    assert (await here.fire(severity="high")).disposition == "ungrouped"
    await here.fire(severity="critical")
    await here.clear(severity="critical")
    assert (await here.fire(signature="cpu_hot", severity="high")).disposition == "ungrouped"


async def test_a_note_on_an_older_incident_does_not_make_it_the_latest(here: World) -> None:
    older = await here.fire()
    await here.clear()
    here.clock.advance(3 * DAY_SECONDS)
    newest = await here.fire()
    assert newest.incident_id != older.incident_id
    await here.clear()
    here.restart()
    await here.incidents.do(ADA_HERE, older.incident_id or "", verbs.note("it was the fan"))
    assert (await here.fire()).incident_id == newest.incident_id


async def test_a_key_that_was_split_twice_goes_to_the_newest_split(here: World) -> None:
    await here.configure("correlation", resolve_with_alerts=False)
    there = beside(here)
    alerts = [await there.fire(tool_source=f"t{n}") for n in range(3)]
    moved = [each.alert_id or "" for each in alerts[:2]]
    older = await there.incidents.do(ADA_HERE, alerts[0].incident_id or "", verbs.split(moved))
    newest = await there.incidents.do(ADA_HERE, older.id, verbs.split(moved[:1]))
    await there.clear(tool_source="t0")
    await here.incidents.do(ADA_HERE, older.id, verbs.title("touched by another process"))
    assert (await there.fire(tool_source="t0")).incident_id == newest.id


async def test_a_split_that_was_undone_binds_no_more(here: World) -> None:
    await here.configure("correlation", resolve_with_alerts=False)
    first = await here.fire(tool_source="t1")
    await here.fire(tool_source="t2")
    incident_id = first.incident_id or ""
    await here.incidents.do(ADA_HERE, incident_id, verbs.split([first.alert_id or ""]))
    await here.incidents.do(ADA_HERE, incident_id, verbs.undo())
    await here.clear(tool_source="t1")
    here.clock.advance(3600)
    assert (await here.fire(tool_source="t1")).incident_id != incident_id
