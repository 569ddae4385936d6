"""The webhooks' edge: what a monitoring tool is answered."""

import json
from typing import Any

import httpx
import pytest

from tests.support.office import Office

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")

ALERT = {"asset_name": "db-01", "signature": "disk_full", "message": "97 %", "severity": "high"}


async def post(office: Office, body: Any, *, source: str = "alerts", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"X-API-Key": office.acme.api_key} | {name.replace("_", "-"): each for name, each in headers.items()}
    async with office.client() as caller:
        return await caller.post(f"/api/webhooks/{source}", content=content, headers=sent)


async def test_a_new_alert_is_201_and_a_repeat_200(office: Office) -> None:
    first = await post(office, ALERT)
    again = await post(office, ALERT)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json().keys() == {"alert_id", "incident_id", "disposition", "duplicate", "reason"}
    assert again.json()["disposition"] == "occurrence"


async def test_a_repeated_delivery_is_200_and_says_so(office: Office) -> None:
    first = await post(office, ALERT, X_Delivery_ID="d-1")
    again = await post(office, ALERT, X_Delivery_ID="d-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "duplicate": True}


@pytest.mark.parametrize("field", ["asset_name", "signature", "message"])
async def test_bad_input_names_its_field_and_the_request(office: Office, field: str) -> None:
    answer = await post(office, {**ALERT, field: ""}, X_Request_ID="my-own-request-1")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["field"], answer.json()["request_id"]) == (field, "my-own-request-1")


@pytest.mark.parametrize(
    ("source", "status"), [("alerts", 429), ("alertmanager", 503)], ids=["takes a 429", "drops what a 4xx refuses"]
)
async def test_too_much_is_said_as_the_sender_understands_it(office: Office, source: str, status: int) -> None:
    async with office.client("Carl") as carl:
        limit = {"requests_per_minute": 1, "burst_size": 1, "enabled": True}
        saved = await carl.put(f"/api/companies/{office.acme.id}/configs/rate_limit", json=limit)
        assert saved.status_code == 200
    assert (await post(office, ALERT)).status_code == 201
    answer = await post(office, ALERT, source=source)
    assert answer.status_code == status
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-ratelimit-limit"] == "1"


async def test_more_than_five_megabytes_are_refused(office: Office) -> None:
    assert (await post(office, b"[" + b" " * (5 * 1024 * 1024) + b"]")).status_code == 413


async def test_an_unknown_source_and_another_method_are_told_what_there_is(office: Office) -> None:
    answer = await post(office, ALERT, source="smoke")
    assert answer.status_code == 404


async def test_a_wrong_key_is_401(office: Office) -> None:
    assert (await post(office, ALERT, X_API_Key="aw_nobody")).status_code == 401


@pytest.mark.parametrize("how", ["header", "bearer", "address"])
async def test_a_key_comes_as_the_sender_can_send_it(office: Office, how: str) -> None:
    key = office.acme.api_key
    headers = {"header": {"X-API-Key": key}, "bearer": {"Authorization": f"Bearer {key}"}, "address": {}}[how]
    query = f"?api_key={key}" if how == "address" else ""
    async with office.client() as caller:
        answer = await caller.post(f"/api/webhooks/alerts{query}", json=ALERT, headers=headers)
    assert answer.status_code == 201
