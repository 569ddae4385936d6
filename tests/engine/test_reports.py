"""The ledger and the overview say what happened, for those who may know."""

import pytest

from alertwhisperer.domain.errors import Forbidden, Invalid, Unauthenticated
from alertwhisperer.domain.report import LedgerTotals
from alertwhisperer.domain.scope import SYSTEM, Actor, Scope, Scopes
from alertwhisperer.engine import verbs
from alertwhisperer.engine.counters import Counters
from alertwhisperer.engine.reports import Reports
from tests.support.cast import ACME, ADA, CARL, EVE, GLOBEX, RIO, VIC
from tests.support.world import World, acting


@pytest.fixture
def reports(world: World) -> Reports:
    return Reports(world.storage, world.clock, Counters(world.storage))


def of(actor: Actor, *companies: str) -> Scopes:
    return Scopes(companies, actor)


async def test_every_alert_stands_in_the_ledger_under_where_it_ended(world: World, reports: Reports) -> None:
    await world.fire("db-01")
    await world.fire("db-01")
    await world.clear("db-01")
    await world.clear("unknown")
    await world.post({"asset_name": "a", "signature": "s", "message": "m"}, {"asset_name": "no signature"})
    found = await reports.ledger(of(RIO, ACME))

    assert found.totals == LedgerTotals(received=6, grouped=2, occurrence=1, resolved=2, rejected=1)
    assert [(each.hour, each.received, each.balanced) for each in found.rows] == [
        ("2026-01-05T09:00:00.000000Z", 6, True)
    ]
    assert found.balanced


async def test_hours_come_newest_first_and_old_ones_are_left_out(world: World, reports: Reports) -> None:
    for _ in range(3):
        await world.fire()
        world.clock.advance(3600)
    found = await reports.ledger(of(RIO, ACME), hours=3)

    assert [each.hour for each in found.rows] == ["2026-01-05T11:00:00.000000Z", "2026-01-05T10:00:00.000000Z"]


async def test_companies_are_added_up_and_never_mixed(world: World, reports: Reports) -> None:
    await world.fire()
    await world.fire(company=GLOBEX)
    both, one = await reports.ledger(of(ADA, ACME, GLOBEX)), await reports.ledger(of(EVE, GLOBEX))

    assert (both.totals.received, one.totals.received) == (2, 1)


async def test_refusals_without_a_company_are_for_the_msp_alone(world: World, reports: Reports) -> None:
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await world.ingest.receive(world.request(b"{}", company="umbrella"))
    await world.door.flush()

    assert (await reports.ledger(of(ADA, ACME))).refused == {"api_key": 3}
    assert (await reports.ledger(of(CARL, ACME))).refused == {}


async def test_refusals_of_a_company_are_in_its_own_ledger(world: World, reports: Reports) -> None:
    await world.configure("rate_limit", requests_per_minute=1, burst_size=1)
    await world.fire()
    with pytest.raises(Exception, match="too many"):
        await world.fire()
    await world.door.flush()
    found = await reports.ledger(of(RIO, ACME))

    assert (found.totals.received, found.totals.rejected, found.balanced) == (2, 1, True)


@pytest.mark.parametrize("hours", [0, -1, 24 * 93])
async def test_a_range_that_cannot_be_is_refused(reports: Reports, hours: int) -> None:
    with pytest.raises(Invalid):
        await reports.ledger(of(ADA, ACME), hours=hours)


async def test_a_client_sees_no_ledger(reports: Reports) -> None:
    with pytest.raises(Forbidden):
        await reports.ledger(of(VIC, ACME))


async def test_an_empty_company_has_zeros_and_says_why_it_has_no_noise_reduction(reports: Reports) -> None:
    found = await reports.overview(of(VIC, ACME))

    assert (found.open, found.active_alerts, found.received_today, sum(found.alerts_per_minute)) == (0, 0, 0, 0)
    assert len(found.alerts_per_minute) == 60
    assert found.noise_reduction_percent is None
    assert found.noise_reason == "no alert has fired today (UTC)"
    assert found.last_resolved_at is None


async def test_the_overview_counts_what_is_open_and_what_came(world: World, reports: Reports) -> None:
    await world.configure("correlation", aggregation_key="signature")
    first = await world.fire("db-01", severity="critical")
    world.clock.advance(60)
    for asset in ("db-02", "db-03", "db-04"):
        await world.fire(asset)
    await world.fire("web-01", signature="cpu_hot")
    assert first.incident_id
    await world.incidents.do(acting(RIO), first.incident_id, verbs.acknowledge())
    found = await reports.overview(of(VIC, ACME))

    assert (found.open, found.open_critical, found.unacknowledged, found.active_alerts) == (2, 1, 1, 5)
    assert found.alerts_per_minute[-2:] == [1, 4]
    assert (found.received_today, found.incidents_opened_today) == (5, 2)
    assert found.noise_reduction_percent == 60.0
    assert found.cursors == {ACME: (await world.storage.head(ACME))[0]}


async def test_the_last_resolve_is_known_to_the_minute(world: World, reports: Reports) -> None:
    await world.fire()
    world.clock.advance(125)
    await world.clear()
    world.clock.advance(4 * 3600)

    assert (await reports.overview(of(VIC, ACME))).last_resolved_at == "2026-01-05T09:02:00.000000Z"
    await Counters(world.storage).fold(Scope(ACME, SYSTEM))
    assert (await reports.overview(of(VIC, ACME))).last_resolved_at == "2026-01-05T09:02:00.000000Z"


async def test_yesterday_is_not_today(world: World, reports: Reports) -> None:
    await world.fire()
    world.clock.advance(20 * 3600)
    found = await reports.overview(of(VIC, ACME))

    assert (found.received_today, found.incidents_opened_today) == (0, 0)
    assert found.noise_reduction_percent is None


async def test_eve_learns_nothing_of_acme(world: World, reports: Reports) -> None:
    await world.fire()
    found = await reports.overview(of(EVE, GLOBEX))

    assert (found.open, found.received_today, list(found.cursors)) == (0, 0, [GLOBEX])
