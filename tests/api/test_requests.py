"""Every request gets an id and one line in the log, and the line keeps its secrets."""

from typing import Any

import httpx
import pytest
import structlog
from starlette.responses import PlainTextResponse
from structlog.testing import capture_logs

from alertwhisperer.api.requests import Requests
from alertwhisperer.clock import SequentialIds, VirtualClock

FIRST = "00000000-0000-7000-8000-000000000001"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/fault":
        raise OSError("the disk blinked")
    structlog.get_logger().info("inside")
    await PlainTextResponse(scope["request_id"])(scope, receive, send)


@pytest.fixture
def requests() -> Requests:
    return Requests(echo, VirtualClock(), SequentialIds())


@pytest.fixture
def client(requests: Requests) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(requests, client=("203.0.113.9", 4711), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_the_answer_names_the_request(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/alerts")

    assert answer.headers["x-request-id"] == answer.text == FIRST


async def test_a_well_formed_id_of_the_caller_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/alerts", headers={"X-Request-ID": "proxy-7f3a.12"})

    assert answer.text == "proxy-7f3a.12"


@pytest.mark.parametrize("given", ["short", "x" * 65, "has a space", "semi;colon-and-more", 'quote"quote"'])
async def test_any_other_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/api/alerts", headers={"X-Request-ID": given})

    assert answer.text == FIRST


async def test_the_line_has_the_path_and_neither_query_nor_headers(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await client.get("/api/alerts?api_key=hunter2", headers={"Cookie": "aw_session=hunter2"})

    line = next(each for each in lines if each["event"] == "request")
    assert (line["method"], line["path"], line["status"], line["client"]) == ("GET", "/api/alerts", 200, "203.0.113.9")
    assert "hunter2" not in repr(lines)


async def test_a_fault_is_an_error_in_the_log_and_counts_as_5xx(client: httpx.AsyncClient, requests: Requests) -> None:
    with capture_logs() as lines:
        await client.get("/fault")

    assert [(each["log_level"], each["status"]) for each in lines] == [("error", 500)]
    assert requests.answers.sums == {"2xx": 0, "3xx": 0, "4xx": 0, "5xx": 1}


async def test_what_machines_ask_all_the_time_is_only_said_when_debugging(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await client.get("/healthz")

    assert next(each for each in lines if each["event"] == "request")["log_level"] == "debug"
