"""Companies, their keys and settings."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from alertwhisperer.domain.audit import AuditEntry
from alertwhisperer.domain.instant import moment
from tests.support.office import Office, Tenant

pytestmark = pytest.mark.slow_on("dynamodb", "mongodb")

ALERT = {"asset_name": "db-01", "signature": "disk_full", "message": "it broke"}


async def actions(office: Office, company_id: str) -> list[tuple[str, str]]:
    entries = await office.storage.select(AuditEntry, {"company_id": company_id})
    return [(each.action, each.user_name) for each in entries]


async def try_key(office: Office, key: str) -> int:
    async with office.client() as tool:
        return (await tool.post(f"/api/webhooks/alerts?api_key={key}", json=ALERT)).status_code


async def test_ada_creates_a_company_whose_key_works(office: Office) -> None:
    async with office.client("Ada") as ada:
        made = await ada.post("/api/companies", json={"name": "Initech", "time_zone": "Europe/Vienna"})
        assert made.status_code == 201
        company, key = made.json()["company"], made.json()["api_key"]
        assert key.startswith("aw_")
        assert await try_key(office, key) == 201
        listed = (await ada.get("/api/companies")).json()
        summary = (await ada.get(f"/api/companies/{company['id']}/summary")).json()
    assert [each["name"] for each in listed] == ["Acme", "Globex", "Initech"]
    assert (summary["open_incidents"], summary["active_alerts"]) == (1, 1)
    assert summary["alerts_last_hour"] == 1, "counted, though nobody has folded it yet"
    assert await actions(office, company["id"]) == [("company.created", "Ada")]


async def test_a_repeated_creation_under_one_key_makes_one_company(office: Office) -> None:
    async with office.client("Ada", {"Idempotency-Key": "initech"}) as ada:
        made = [(await ada.post("/api/companies", json={"name": "Initech"})).json() for _ in range(2)]
        listed = (await ada.get("/api/companies")).json()
    assert made[0] == made[1]
    assert len(listed) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"contact_email": "nobody"}, "contact_email"),
        ({"api_key": "mine"}, "api_key"),
    ],
)
async def test_a_company_that_cannot_be_is_refused_by_field(
    office: Office, changes: dict[str, Any], field: str
) -> None:
    async with office.client("Ada") as ada:
        refused = await ada.patch(f"/api/companies/{office.acme.id}", json=changes)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_a_key_is_shown_to_whom_the_audit_log_then_names(office: Office) -> None:
    async with office.client("Carl") as carl:
        shown = await carl.post(f"/api/companies/{office.acme.id}/api-key/reveal")
    assert shown.json() == {"api_key": office.acme.api_key}
    assert shown.headers["cache-control"] == "no-store"
    assert (await actions(office, office.acme.id))[0] == ("company.key_revealed", "Carl")


async def test_a_rotated_key_replaces_the_old_one_at_once(office: Office) -> None:
    assert await try_key(office, office.acme.api_key) == 201
    async with office.client("Carl") as carl:
        new = (await carl.post(f"/api/companies/{office.acme.id}/api-key/rotate")).json()["api_key"]
    assert await try_key(office, office.acme.api_key) == 401
    assert await try_key(office, new) == 200


@pytest.mark.parametrize("what", ["api-key/rotate", "configs/webhook_security/rotate", "test-alert"])
async def test_a_repeat_under_one_key_is_answered_alike(office: Office, what: str) -> None:
    path = f"/api/companies/{office.acme.id}/{what}"
    async with office.client("Carl", {"Idempotency-Key": "again"}) as carl:
        first = await carl.post(path)
        seq = (await office.storage.head(office.acme.id))[0]
        second = await carl.post(path)
        carl.headers["Idempotency-Key"] = "anew"
        third = await carl.post(path)
    assert first.status_code == second.status_code == third.status_code == 200
    if what == "test-alert":
        assert (first.json()["duplicate"], second.json()["duplicate"]) == (False, True)
        assert third.json()["disposition"] == "occurrence"
    else:
        assert first.json() == second.json() != third.json()
        assert (await office.storage.head(office.acme.id))[0] == seq + 1


async def test_settings_are_kept_and_counted(office: Office) -> None:
    path = f"/api/companies/{office.acme.id}/configs/correlation"
    async with office.client("Carl") as carl:
        assert (await carl.get(path)).json()["time_window_minutes"] == 15
        sent = {"time_window_minutes": 60, "aggregation_key": ["asset", "labels.cluster"]}
        kept = (await carl.put(path, json=sent)).json()
        assert (await carl.get(path)).json() == kept
    assert (kept["time_window_minutes"], kept["aggregation_key"]) == (60, ["asset", "labels.cluster"])
    assert kept["weights"]["critical"] == 90


@pytest.mark.parametrize(
    ("config_type", "sent", "field"),
    [
        ("correlation", {"time_window_minutes": 0}, "time_window_minutes"),
        ("correlation", {"time_window_minutes": "15"}, "time_window_minutes"),
        ("correlation", {"aggregation_key": "colour"}, "aggregation_key"),
        ("correlation", {"aggregation_key": ["asset", "colour"]}, "aggregation_key"),
        ("correlation", {"aggregation_key": []}, "aggregation_key"),
        ("correlation", {"weights": {"critical": "many"}}, "weights.critical"),
        ("correlation", {"colour": "red"}, "colour"),
        ("rate_limit", {"burst_size": 0}, "burst_size"),
        ("webhook_security", {"hmac_enabled": True}, "hmac_enabled"),
        ("webhook_security", {"signature_header": "X Signature"}, "signature_header"),
        ("webhook_security", {"secret_encrypted": "mine"}, "secret_encrypted"),
    ],
)
async def test_a_setting_that_cannot_be_honoured_is_refused_by_field(
    office: Office, config_type: str, sent: dict[str, Any], field: str
) -> None:
    async with office.client("Carl") as carl:
        refused = await carl.put(f"/api/companies/{office.acme.id}/configs/{config_type}", json=sent)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_there_is_no_other_kind_of_setting(office: Office) -> None:
    async with office.client("Carl") as carl:
        assert (await carl.get(f"/api/companies/{office.acme.id}/configs/colour")).status_code == 404


async def signed(office: Office, tenant: Tenant, secret: str) -> int:
    """The status of a delivery signed with a secret, as the documents' Python client signs it."""
    body = json.dumps(ALERT).encode()
    timestamp = str(int(moment(office.clock.now()).timestamp()))
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Signature": digest, "X-Timestamp": timestamp, "Content-Type": "application/json"}
    async with office.client() as tool:
        path = f"/api/webhooks/alerts?api_key={tenant.api_key}"
        return (await tool.post(path, content=body, headers=headers)).status_code


async def test_a_secret_signs_and_its_predecessor_does_for_a_while(office: Office) -> None:
    path = f"/api/companies/{office.acme.id}/configs/webhook_security"
    async with office.client("Carl") as carl:
        assert (await carl.post(f"{path}/reveal")).status_code == 404
        old = (await carl.post(f"{path}/rotate", json={})).json()["hmac_secret"]
        assert (await carl.put(path, json={"hmac_enabled": True})).json()["has_secret"] is True
        assert (await carl.post(f"{path}/reveal")).json() == {"hmac_secret": old}
        assert await try_key(office, office.acme.api_key) == 401
        assert await signed(office, office.acme, old) == 201
        new = (await carl.post(f"{path}/rotate", json={"overlap_minutes": 10})).json()["hmac_secret"]
        assert [await signed(office, office.acme, each) for each in (old, new)] == [200, 200]
        office.clock.advance(601)
        assert [await signed(office, office.acme, each) for each in (old, new)] == [401, 200]
        assert (await carl.post(f"{path}/rotate", json={"overlap_minutes": -1})).json()["field"] == "overlap_minutes"
    assert ("config.secret_revealed", "Carl") in await actions(office, office.acme.id)


async def test_a_test_alert_goes_the_whole_way(office: Office) -> None:
    async with office.client("Carl") as carl:
        sent = (await carl.post(f"/api/companies/{office.acme.id}/test-alert")).json()
        incident = (await carl.get(f"/api/incidents/{sent['incident_id']}")).json()
    assert sent["disposition"] == "grouped"
    assert (incident["asset_names"], incident["tool_sources"]) == (["test-asset"], ["Alert Whisperer test"])


async def test_a_company_that_does_not_exist_is_not_found_by_ada(office: Office) -> None:
    async with office.client("Ada") as ada:
        for method, path in (("GET", ""), ("POST", "/api-key/reveal"), ("GET", "/summary")):
            assert (await ada.request(method, f"/api/companies/nowhere{path}")).status_code == 404
    assert (await office.storage.head("nowhere"))[0] == 0
