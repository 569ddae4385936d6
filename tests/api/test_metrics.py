"""Metrics: exact, in Prometheus' format, and only for those who may read them."""

from typing import Literal

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alertwhisperer.api.metrics import Metrics, exposition
from alertwhisperer.domain.errors import Forbidden
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.scope import SYSTEM
from alertwhisperer.engine.meters import Histogram, IngestTally, Meter, Tally

QUEUE = Meter(name="ingest_queue_alerts", help="Alerts that wait.", kind="gauge", source=lambda: 7)


def samples(text: bytes) -> dict[str, float]:
    return {
        f"{each.name}{sorted(each.labels.items())}": each.value
        for family in text_string_to_metric_families(text.decode())
        for each in family.samples
    }


def test_a_gauge_says_which_process_speaks() -> None:
    assert samples(exposition([QUEUE], "4711")) == {"alertwhisperer_ingest_queue_alerts[('process', '4711')]": 7}


def test_a_histogram_counts_each_observation_in_every_bucket_that_holds_it() -> None:
    seconds = Histogram([0.001, 0.01])
    for each in (0.0005, 0.001, 0.002, 0.5):
        seconds.observe(each)
    found = samples(exposition([Meter(name="t_seconds", help="Time.", kind="histogram", source=seconds)], "1"))

    buckets = {key: value for key, value in found.items() if "_bucket" in key}
    assert list(buckets.values()) == [2, 3, 4]
    assert found["alertwhisperer_t_seconds_count[('process', '1')]"] == 4
    assert found["alertwhisperer_t_seconds_sum[('process', '1')]"] == pytest.approx(0.5035)


def test_alerts_are_counted_by_where_they_ended() -> None:
    tally = IngestTally()
    counts = {"ledger.received": 5, "ledger.grouped": 3, "ledger.rejected": 2, "ledger.rejected.invalid": 2}
    tally.note(
        Record(company_id="acme", seq=1, commit_id="c", at="2026-01-05T09:00:00.000000Z", actor=SYSTEM, counts=counts)
    )

    assert tally.received == 5
    assert tally.by_disposition.sums["grouped"] == 3
    assert tally.refused.sums == {"invalid": 2}


def test_labels_with_quotes_and_newlines_do_no_harm() -> None:
    tally = Tally("reason")
    tally.add('a "b"\nc')
    found = samples(exposition([Meter(name="x", help="X.", kind="counter", source=tally)], "1"))

    assert list(found.values()) == [1]


def served(access: Literal["local", "token", "open"], token: str | None = None, *, address: str) -> httpx.AsyncClient:
    async def refuse(_: Request, error: Exception) -> Response:
        return Response(str(error), 403)

    routes = [Route("/metrics", Metrics([QUEUE], "1", access, token).serve)]
    app = Starlette(routes=routes, exception_handlers={Forbidden: refuse, HTTPException: refuse})
    transport = httpx.ASGITransport(app, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("access", "address", "bearer", "status"),
    [
        ("local", "127.0.0.1", None, 200),
        ("local", "::1", None, 200),
        ("local", "203.0.113.9", None, 403),
        ("token", "127.0.0.1", None, 403),
        ("token", "203.0.113.9", "wrong", 403),
        ("token", "203.0.113.9", "right", 200),
        ("open", "203.0.113.9", None, 200),
    ],
)
async def test_only_whom_the_settings_let_reads_metrics(
    access: Literal["local", "token", "open"], address: str, bearer: str | None, status: int
) -> None:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    answer = await served(access, "right", address=address).get("/metrics", headers=headers)

    assert answer.status_code == status
    assert ("alertwhisperer_ingest_queue_alerts" in answer.text) == (status == 200)
