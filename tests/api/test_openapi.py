"""The contract is complete: every route, answer and error, and the page that shows it needs no other host."""

import re
from typing import Any

import pytest

from alertwhisperer.api.site import api_document, contracts
from tests.support.office import Office

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")

DOCUMENT = api_document()
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def refs(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(refs, node.values()))
    return set().union(*map(refs, node)) if isinstance(node, list) else set()


def test_every_route_is_described_once() -> None:
    described = {f"{each.method} {each.path}" for each in contracts()}
    assert described | {"POST /api/webhooks/alerts", "POST /api/webhooks/alertmanager"} == set(OPERATIONS)
    ids = [each["operationId"] for each in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


def test_every_operation_says_what_it_answers_and_how_it_fails() -> None:
    for name, operation in OPERATIONS.items():
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good, name
        for status in good:
            assert status == "204" or operation["responses"][status]["content"], name
        assert {"404", "409", "422", "429", "503"} <= operation["responses"].keys(), name
        assert operation["summary"], name
        assert operation["description"], name


def test_every_reference_leads_somewhere() -> None:
    found = refs(DOCUMENT)
    assert found
    assert {each.rpartition("/")[2] for each in found} == set(DOCUMENT["components"]["schemas"])


def test_every_mutation_of_what_is_stored_can_be_repeated() -> None:
    once = {each.handler for each in contracts() if each.once}
    changing = {each.handler for each in contracts() if each.method != "GET"}
    not_repeated = {"login", "logout", "create_ticket", "change_password", "reset_password"}
    assert changing - once == not_repeated | {"reveal_api_key", "reveal_hmac_secret"}
    for operation in OPERATIONS.values():
        heeds = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
        assert heeds == (operation["operationId"] in once)


def test_names_of_types_are_plain() -> None:
    assert all(re.fullmatch(r"[A-Za-z]+", each) for each in DOCUMENT["components"]["schemas"])


def test_what_is_answered_is_whole_and_what_is_sent_may_be_partial() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Incident"]["required"] == list(schemas["Incident"]["properties"])
    assert schemas["NewCompany"]["required"] == ["name"]
    assert schemas["Problem"]["required"] == ["type", "title", "status", "detail", "request_id"]
    assert schemas["CreatedUser"]["required"] == ["user"]


def test_no_schema_knows_a_hidden_field() -> None:
    names = {name for each in DOCUMENT["components"]["schemas"].values() for name in each.get("properties", {})}
    assert not {"hashed_password", "api_key_encrypted", "secret_encrypted", "session_epoch"} & names


async def test_the_server_gives_the_same_document(office: Office) -> None:
    async with office.client() as caller:
        assert (await caller.get("/api/openapi.json")).json() == DOCUMENT


async def test_the_docs_page_loads_nothing_from_elsewhere(office: Office) -> None:
    async with office.client() as caller:
        page = await caller.get("/api/docs")
        assert page.status_code == 200
        assert "//" not in page.text.replace("<!doctype", "")
        parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(parts) == 4
        for part in parts:
            answer = await caller.get(f"/api/{part}")
            assert answer.status_code == 200
            assert len(answer.content) > 100
        assert (await caller.get("/api/docs/../../etc/passwd")).status_code == 404
        assert (await caller.get("/api/docs/main.py")).status_code == 404
        assert "<script>" not in page.text
