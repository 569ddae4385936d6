"""Bad requests are answered by a problem that names the field; never by a fault."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.office import Office

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")

ROUTES = ["/api/assets", "/api/users", "/api/companies"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "field"),
    [
        ("POST", "/api/assets", {}, "company_id"),
        ("POST", "/api/assets", {"company_id": "x", "name": 5}, "name"),
        ("POST", "/api/assets", {"company_id": "x", "name": "n", "tags": ["a", 1]}, "tags[1]"),
        ("POST", "/api/assets", {"company_id": "x", "name": "n", "colour": "red"}, "colour"),
        ("POST", "/api/assets", ["company_id"], None),
        ("GET", "/api/alerts?limit=0", None, "limit"),
        ("GET", "/api/alerts?limit=many", None, "limit"),
        ("GET", "/api/alerts?severity=grave", None, "severity.0"),
        ("GET", "/api/alerts?since=yesterday", None, "since"),
        ("GET", "/api/incidents?sort=colour", None, "sort"),
        ("GET", "/api/ledger?hours=0", None, "hours"),
        ("GET", "/api/audit", None, "company_id"),
        ("GET", "/api/events?after=here", None, "after"),
        ("POST", "/api/incidents/x/snooze", {"company_id": "ACME", "until": "tomorrow"}, "until"),
        ("POST", "/api/incidents/x/note", {"company_id": "ACME", "text": "x" * 10_001}, "text"),
    ],
)
async def test_the_field_that_is_wrong_is_named(
    office: Office, method: str, path: str, sent: Any, field: str | None
) -> None:
    body = None if sent is None else json.dumps(sent).replace("ACME", office.acme.id)
    async with office.client("Ada") as ada:
        refused = await ada.request(method, path, content=body)
    problem = refused.json()
    assert (refused.status_code, problem.get("field")) == (422, field)
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == refused.headers["x-request-id"]
    assert problem["status"] == 422


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "body",
    [b"{", b"nonsense", b"\xff\xfe", b'{"name": "\\ud800aaaa"}', b"[" * 100_000, b'{"name": 1e999}', b"null", b'"x"'],
)
async def test_what_is_not_json_of_the_right_form_is_refused(office: Office, path: str, body: bytes) -> None:
    async with office.client("Ada") as ada:
        refused = await ada.post(path, content=body)
    assert refused.status_code == 422, refused.text


async def in_chunks() -> AsyncIterator[bytes]:
    for _ in range(17):
        yield b"x" * 65_536


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_a_body_beyond_the_limit_is_refused(office: Office, *, announced: bool) -> None:
    async with office.client("Ada") as ada:
        refused = await ada.post("/api/assets", content=b"x" * (1 << 20) + b"!" if announced else in_chunks())
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["a\u0000b", "line\nbreak", "\u202eevil"])
async def test_names_that_cannot_be_shown_are_refused(office: Office, name: str) -> None:
    async with office.client("Ada") as ada:
        for path, rest in (
            ("/api/assets", {"company_id": office.acme.id}),
            ("/api/companies", {}),
            ("/api/users", {"email": "a@b.example", "role": "client"}),
        ):
            refused = await ada.post(path, json={"name": name, **rest})
            assert (refused.status_code, refused.json()["field"]) == (422, "name")


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
async def test_a_key_for_repeats_that_is_none_is_refused(office: Office, key: str) -> None:
    async with office.client("Ada", {"Idempotency-Key": key}) as ada:
        refused = await ada.post("/api/companies", json={"name": "Initech"})
    assert (refused.status_code, refused.json()["field"]) == (422, "Idempotency-Key")


async def test_unknown_paths_and_methods_are_problems_too(office: Office) -> None:
    async with office.client("Ada") as ada:
        unknown, wrong = await ada.get("/api/nothing"), await ada.delete("/api/companies")
    assert (unknown.status_code, wrong.status_code) == (404, 405)
    for answer in (unknown, wrong):
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_fault_is_answered_by_its_id_alone(office: Office) -> None:
    del office.served.reports.__dict__["_storage"]
    async with office.client("Ada") as ada:
        answer = await ada.get("/api/overview")
    assert answer.status_code == 500
    assert answer.json()["request_id"]
    assert "_storage" not in answer.text


async def test_every_answer_carries_the_security_headers(office: Office) -> None:
    async with office.client("Ada") as ada:
        for path in ("/api/companies", "/api/docs", "/api/nothing", "/api/openapi.json"):
            headers = (await ada.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["referrer-policy"]
        assert (await ada.get("/api/companies")).headers["cache-control"] == "no-store"
