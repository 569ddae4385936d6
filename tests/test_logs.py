"""Logs say what happened and keep no secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from alertwhisperer import logs


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    logs.configure("debug", "json", stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_fields(out: io.StringIO) -> None:
    structlog.get_logger().info("request", path="/api/alerts", status=200)

    [line] = lines(out)
    assert (line["event"], line["path"], line["status"], line["level"]) == ("request", "/api/alerts", 200, "info")
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    "name", ["api_key", "X-API-Key", "Authorization", "cookie", "password", "hmac_secret", "ticket", "body", "query"]
)
def test_a_field_named_like_a_secret_is_blotted_out(out: io.StringIO, name: str) -> None:
    structlog.get_logger().info("said", **{name: "hunter2-hunter2"})

    assert "hunter2" not in out.getvalue()
    assert lines(out)[0][name] == logs.BLOT


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/webhooks/alerts?api_key=hunter2-hunter2&x=1",
        "Authorization: Bearer hunter2-hunter2",
        'the body {"password": "hunter2-hunter2"}',
        "wss://host/ws?ticket=hunter2-hunter2.abc",
        "key aw_hunter2-hunter2hunter2hunter2hunter2 is old",
        "token eyJhunter2-hunter2.eyJzdWIi.sig",
    ],
)
def test_what_looks_like_a_secret_inside_a_text_is_blotted_out(out: io.StringIO, text: str) -> None:
    structlog.get_logger().warning(text, also=text, deep={"nested": [text]})

    assert "hunter2" not in out.getvalue()
    assert logs.BLOT in out.getvalue()


def test_a_traceback_keeps_its_place_and_loses_its_secrets(out: io.StringIO) -> None:
    def parse() -> None:
        raise ValueError("cannot parse api_key=hunter2-hunter2")

    try:
        parse()
    except ValueError:
        structlog.get_logger().exception("request failed")

    assert "hunter2" not in out.getvalue()
    assert "test_logs.py" in str(lines(out)[0]["exception"])


def test_lines_of_libraries_come_in_the_same_form(out: io.StringIO) -> None:
    logging.getLogger("some.library").warning("bad handshake ?ticket=hunter2-hunter2")

    [line] = lines(out)
    assert line["level"] == "warning"
    assert "hunter2" not in out.getvalue()


def test_harmless_words_stay(out: io.StringIO) -> None:
    structlog.get_logger().info("ticketing system answered", asset="db-01", signature="disk full", seconds=0.5)

    assert lines(out)[0]["event"] == "ticketing system answered"
    assert lines(out)[0]["signature"] == "disk full"
