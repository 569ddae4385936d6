"""Keys and secrets that change while deliveries come in, and refusals that are counted whatever happens."""

import asyncio
import json
from hashlib import sha256

import pytest
from msgspec.structs import replace

from alertwhisperer.domain.errors import Invalid, Unauthenticated, Unavailable
from alertwhisperer.domain.instant import moment
from alertwhisperer.domain.ledger import RECEIVED
from alertwhisperer.domain.signature import sign
from alertwhisperer.engine.door import WebhookRequest
from alertwhisperer.engine.draft import Draft
from tests.support.cast import ACME, ADA, GLOBEX
from tests.support.faulty import faulty
from tests.support.world import World, acting, beside

BODY = json.dumps({"asset_name": "db-01", "signature": "disk_full", "message": "it broke"}).encode()

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")


def signed(world: World, secret: str) -> WebhookRequest:
    timestamp = str(int(moment(world.clock.now()).timestamp()))
    headers = {b"x-timestamp": timestamp.encode(), b"x-signature": sign(secret, timestamp, BODY).encode()}
    return replace(world.request(BODY), headers=headers)


async def test_a_secret_that_another_process_rotated_is_taken_at_once(here: World) -> None:
    there = beside(here)
    await here.configure("webhook_security", hmac_enabled=True, secret_encrypted="one")
    assert (await there.ingest.receive(signed(there, "one"))).outcomes[0].disposition == "grouped"
    await here.configure("webhook_security", hmac_enabled=True, secret_encrypted="two")
    assert (await there.ingest.receive(signed(there, "two"))).outcomes[0].disposition == "occurrence"
    await there.door.flush()
    assert "ledger.rejected" not in await here.counts()


async def test_requests_with_a_key_that_was_just_rotated_are_all_unauthenticated(here: World) -> None:
    def rotate(draft: Draft) -> None:
        company = draft.company
        assert company is not None
        draft.put(replace(company, api_key=sha256(b"another key").hexdigest()))

    await here.fire()
    await beside(here).runner.run(acting(ADA), rotate)
    here.runner.forget(ACME)
    results = await asyncio.gather(here.fire(), here.fire(), return_exceptions=True)
    assert [type(each) for each in results] == [Unauthenticated, Unauthenticated]


async def test_refusals_that_could_not_be_stored_are_stored_next_time_and_none_twice(here: World) -> None:
    there = beside(here, faulty(here.storage, "refuse"))
    there.door.refuse(ACME, "invalid", 3)
    there.door.refuse(GLOBEX, "invalid", 5)
    with pytest.raises(Unavailable):
        await there.door.flush()
    await there.door.flush()
    await there.door.flush()
    for company_id, count in ((ACME, 3), (GLOBEX, 5)):
        counts = await here.counts(company_id)
        assert (counts[RECEIVED], counts["ledger.rejected.invalid"]) == (count, count)


@pytest.mark.parametrize(("source", "begins"), [("alerts", b"["), ("alertmanager", b'{"alerts":[')])
async def test_what_is_nested_too_deeply_is_refused_and_counted(here: World, source: str, begins: bytes) -> None:
    body = begins + b"[" * 100_000
    with pytest.raises(Invalid) as caught:
        await here.ingest.receive(here.request(body, source=source))
    assert caught.value.field == "body"
    await here.door.flush()
    counts = await here.counts()
    assert (counts[RECEIVED], counts["ledger.rejected.invalid"]) == (1, 1)
