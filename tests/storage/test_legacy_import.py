"""The older product's database, taken over by a real mongod, and worked on as if it had always been ours."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymongo
import pytest
from msgspec import json

from alertwhisperer.clock import SystemIds, VirtualClock
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.company import CompanyConfig
from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.user import User
from alertwhisperer.engine.audit import Audit
from alertwhisperer.ports import Storage
from alertwhisperer.storage import get_database_adapter
from alertwhisperer.storage.legacy_import import Imported, Importer
from alertwhisperer.storage.mongodb_legacy import read_legacy
from tests.support.mongod import MongoSet
from tests.support.office import AUDIT_KEY, Office, Tenant

AT = datetime(2026, 1, 4, 8, 0, tzinfo=UTC)
KEY = "aw_old_key"


def message(number: int, **changes: Any) -> dict[str, Any]:
    plain = {
        "id": f"f{number:07d}-0000-4000-8000-000000000000",
        "company_id": "comp-1",
        "asset_name": "db-01",
        "signature": "disk_full",
        "severity": "high",
        "message": "Disk is full",
        "tool_source": "Datadog",
        "timestamp": AT.replace(minute=number).isoformat(),
        "status": "active",
        "correlated_incident_id": "inc-1",
        "delivery_attempts": 1,
        "metadata": {"source.rack": "r1"},
    }
    return {**plain, **changes}


OLD: dict[str, list[dict[str, Any]]] = {
    "companies": [
        {"id": "comp-1", "name": "Acme Corp", "api_key": KEY, "created_at": AT, "maintenance_window": {"day": "sun"}},
        {"id": "comp-2", "api_key": "without a name"},
    ],
    "users": [
        {"id": "u1", "email": "Ada@Example.com", "name": "Ada", "role": "admin", "hashed_password": "$2b$12$x"},
        {"id": "u2", "email": "rio@example.com", "name": "Rio", "role": "technician", "company_id": "comp-1"},
    ],
    "alerts": [
        message(1),
        message(2),
        message(3, status="resolved", severity="critical"),
        message(4, correlated_incident_id=None, asset_name="web-01"),
        message(5, asset_name=""),
    ],
    "incidents": [
        {
            "id": "inc-1",
            "company_id": "comp-1",
            "title": "Disk of db-01",
            "status": "in_progress",
            "severity": "critical",
            "priority_score": 77,
            "assigned_to": "u2",
            "created_at": AT.isoformat(),
            "alert_ids": ["…"],
        },
        {"id": "inc-2", "company_id": "comp-1", "title": "Of nothing", "status": "new"},
    ],
    "audit_logs": [
        {"id": f"log-{n}", "company_id": "comp-1", "timestamp": AT.replace(hour=n), "action": "login", "user_id": "u1"}
        for n in range(3)
    ],
    "webhook_security_config": [
        {"company_id": "comp-1", "hmac_enabled": True, "hmac_secret": "old secret", "max_skew": 9}
    ],
    "correlation_config": [{"company_id": "comp-1", "time_window_minutes": 5}],
    "runbooks": [{"id": "r1", "company_id": "comp-1"}],
}


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    made = get_database_adapter("sqlite", path=tmp_path / "new.db")
    yield made
    await made.close()


async def imported(servers: MongoSet, storage: Storage, name: str) -> Imported:
    hosts, _, options = servers.url.partition("?")
    url = f"{hosts.rstrip('/')}/{name}?{options}"
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        for collection, documents in OLD.items():
            client[name][collection].insert_many([dict(each) for each in documents])
    office = Office(storage)
    importer = Importer(storage, office.vault, VirtualClock(), SystemIds(), AUDIT_KEY)
    return await importer.take(await read_legacy(url))


@pytest.mark.real
async def test_an_older_database_comes_over_whole(mongodb_server: MongoSet, storage: Storage) -> None:
    told = await imported(mongodb_server, storage, "older_whole")
    assert told.counts["companies"] == 1
    assert told.counts["alerts"] == 4
    assert told.left == {"runbooks": 1}
    assert sorted((each.collection, each.key) for each in told.failures) == [
        ("alerts", ("f0000005-0000-4000-8000-000000000000",)),
        ("companies", ("comp-2",)),
        ("incidents", ("inc-2",)),
    ]
    people = {each.email: each for each in await storage.select(User, {})}
    assert people["ada@example.com"].role == "msp_admin"
    assert people["rio@example.com"].company_ids == ["comp-1"]
    (incident,) = await storage.select(Incident, {"company_id": "comp-1"})
    assert (incident.title, incident.status, incident.assigned_to) == ("Disk of db-01", "in_progress", "u2")
    assert (incident.alert_count, incident.open_alert_count, incident.priority_score) == (3, 2, 77)
    assert incident.metadata["legacy_id"] == "inc-1"
    alerts = await storage.select(Alert, {"company_id": "comp-1"})
    assert [each.timestamp for each in alerts] == sorted((each.timestamp for each in alerts), reverse=True)
    assert {each.correlated_incident_id for each in alerts} == {incident.id, None}
    kept = {each.config_type: each for each in await storage.select(CompanyConfig, {"company_id": "comp-1"})}
    assert kept["correlation"].config_data == {"time_window_minutes": 5}
    assert "old secret" not in json.encode(kept["webhook_security"]).decode()


@pytest.mark.real
async def test_it_is_worked_on_as_if_it_had_always_been_ours(mongodb_server: MongoSet, storage: Storage) -> None:
    await imported(mongodb_server, storage, "older_work")
    office = Office(storage)
    scope = office.scope("comp-1")
    await storage.delete_one("company_configs", {"company_id": "comp-1", "config_type": "webhook_security"})
    await office.fire(Tenant("comp-1", KEY), "db-01", tool_source="Datadog")
    alerts = await storage.select(Alert, {"company_id": "comp-1"})
    assert sorted(each.occurrences for each in alerts) == [1, 1, 1, 2]
    assert (await Audit(storage, office.clock, AUDIT_KEY).verify(scope)).ok
    await office.close()


@pytest.mark.real
async def test_it_goes_into_an_empty_database_alone(mongodb_server: MongoSet, storage: Storage) -> None:
    await imported(mongodb_server, storage, "older_once")
    office = Office(storage)
    with pytest.raises(Conflict, match="empty"):
        await Importer(storage, office.vault, VirtualClock(), SystemIds(), AUDIT_KEY).take(OLD)


@pytest.mark.real
async def test_a_database_of_ours_is_moved_and_not_imported(mongodb_server: MongoSet) -> None:
    hosts, _, options = mongodb_server.url.partition("?")
    ours = get_database_adapter("mongodb", url=mongodb_server.url, database="ours_already")
    await ours.open()
    await ours.close()
    with pytest.raises(Invalid, match="db migrate"):
        await read_legacy(f"{hosts.rstrip('/')}/ours_already?{options}")
    with pytest.raises(Invalid, match="no companies"):
        await read_legacy(f"{hosts.rstrip('/')}/nothing_here?{options}")
