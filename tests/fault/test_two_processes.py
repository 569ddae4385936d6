"""Two servers on one database agree on everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from tests.fault.invariants import (
    alerts_of,
    assert_audit_chain_whole,
    assert_incidents_whole,
    assert_ledger_balances,
    assert_no_gap,
    incidents_of,
    replayed,
)
from tests.support.product import ProductServer, Seed, SeededCompany, alert_document, lift_rate_limit
from tests.support.reader import LiveReader, head_of
from tests.support.wire import Wire

SENDERS = 32
EACH = 20

pytestmark = pytest.mark.real


@pytest.fixture
def sibling(server: ProductServer) -> Iterator[ProductServer]:
    other = server.sibling()
    yield other
    other.kill()


@pytest.fixture
def seed(server: ProductServer, sibling: ProductServer) -> Seed:
    """Both run on the seeded database, and Acme's limit is out of reach."""
    seeded = server.seed()
    server.start()
    sibling.start()
    with server.signed_in(seeded.admin) as client:
        lift_rate_limit(client, seeded.acme)
    return seeded


async def send_all(ports: list[int], company: SeededCompany, *, distinct: bool) -> None:
    """32 senders in turn at the servers, all of one asset and signature."""

    async def send(number: int) -> None:
        wire = Wire(ports[number % len(ports)])
        for turn in range(EACH):
            key = f"one-{number}-{turn}" if distinct else "one"
            body = msgspec.json.encode(alert_document(7, dedup_key=key))
            status, answer = await wire.post("/api/webhooks/alerts", body, {"X-API-Key": company.api_key})
            assert status in {200, 201}, answer
        wire.close()

    await asyncio.gather(*(send(number) for number in range(SENDERS)))


def check(client: httpx.Client, company_id: str, alerts_expected: int) -> None:
    alerts, incidents = alerts_of(client, company_id), incidents_of(client, company_id)
    assert len(incidents) == 1
    assert incidents[0]["alert_count"] == alerts_expected
    assert incidents[0]["occurrences"] == SENDERS * EACH
    assert_incidents_whole(alerts, incidents)
    assert_ledger_balances(client, company_id, alerts)
    assert_audit_chain_whole(client, company_id)


@pytest.mark.parametrize("distinct", [True, False], ids=["distinct alerts", "one alert"])
async def test_one_key_at_two_processes_is_one_incident(
    server: ProductServer, sibling: ProductServer, seed: Seed, *, distinct: bool
) -> None:
    await send_all([server.port, sibling.port], seed.acme, distinct=distinct)
    for process in (server, sibling):
        with process.signed_in(seed.admin) as client:
            check(client, seed.acme.id, SENDERS * EACH if distinct else 1)


async def test_a_reader_of_one_process_hears_what_came_in_by_the_other(
    server: ProductServer, sibling: ProductServer, seed: Seed
) -> None:
    with sibling.signed_in(seed.admin) as client:
        token = str(client.headers["Authorization"]).removeprefix("Bearer ")
        after = head_of(client, seed.acme.id)
        async with LiveReader(sibling.port, seed.acme.id, token, after) as reader:
            await send_all([server.port], seed.acme, distinct=True)
            stored, head = await asyncio.to_thread(replayed, client, seed.acme.id, after)
            await reader.wait_until_at(stored[-1].id, seconds=10)
        assert_no_gap(reader.frames, stored, head)
