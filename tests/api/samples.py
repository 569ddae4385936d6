"""A well-formed request for every route, made from the route table: what the generated tests send."""

from dataclasses import dataclass
from typing import Any

from alertwhisperer.api.codec import Contract
from alertwhisperer.api.site import api_document
from tests.support.office import PASSWORD, Office, Tenant


@dataclass(frozen=True)
class Things:
    """What one company's routes are about: ids of its incident, alert, asset and user."""

    company_id: str
    incident_id: str
    other_incident_id: str
    alert_id: str
    asset_id: str
    user_id: str


async def things_of(office: Office, tenant: Tenant, person: str) -> Things:
    """Two incidents, the first with two alerts, and what belongs to them."""
    await office.served.companies.rotate_secret(office.scope(tenant.id), overlap_minutes=5)
    first = await office.fire(tenant, "db-01")
    office.clock.advance(1)
    await office.fire(tenant, "db-01", dedup_key="second")
    other = await office.fire(tenant, "web-01", message="only at home")
    assets = await office.served.assets.newest(office.reach(tenant.id), limit=10)
    return Things(
        company_id=tenant.id,
        incident_id=first["incident_id"],
        other_incident_id=other["incident_id"],
        alert_id=first["alert_id"],
        asset_id=assets[0].id,
        user_id=office.people[person].id,
    )


def body_of(contract: Contract, things: Things) -> dict[str, Any] | None:
    """A body that the route takes; KeyError for a new type, which then needs a line here."""
    if contract.takes is None:
        return None
    company = {"company_id": things.company_id}
    bodies: dict[str, dict[str, Any]] = {
        "Login": {"email": "rio@example.com", "password": PASSWORD},
        "Logout": {},
        "NewPassword": {"current_password": PASSWORD, "new_password": "another long password"},
        "NewUser": {"email": "new@example.com", "name": "New", "role": "client", "company_ids": [things.company_id]},
        "UserChanges": {"name": "Renamed"},
        "NewCompany": {"name": "Initech"},
        "CompanyChanges": {"name": "Renamed"},
        "CorrelationConfig": {"time_window_minutes": 30},
        "RateLimitConfig": {"requests_per_minute": 60_000},
        "WebhookSecurityInput": {"max_skew_seconds": 200},
        "Rotation": {"overlap_minutes": 1},
        "InCompany": company,
        "Assignment": {**company, "user_id": None},
        "Escalation": {**company, "reason": "it burns"},
        "Resolution": {**company, "notes": "done"},
        "Merge": {**company, "into": things.other_incident_id},
        "Split": {**company, "alert_ids": [things.alert_id]},
        "Snooze": {**company, "until": "2030-01-01T00:00:00Z"},
        "Note": {**company, "text": "psst"},
        "Title": {**company, "title": "A better name"},
        "NewAsset": {**company, "name": "fw-01"},
        "AssetChanges": {**company, "critical": True},
    }
    return bodies[contract.takes.__name__]  # type: ignore[attr-defined]  # every route here takes one Struct


def path_of(contract: Contract, things: Things) -> str:
    """The route's path with the ids of these things."""
    return contract.path.format(
        company_id=things.company_id,
        incident_id=things.incident_id,
        alert_id=things.alert_id,
        asset_id=things.asset_id,
        user_id=things.user_id,
    )


PATHS: dict[str, Any] = api_document()["paths"]


def query_of(contract: Contract, things: Things) -> dict[str, str]:
    """The company, where the route reads it from the query."""
    parameters = PATHS[contract.path][contract.method.lower()].get("parameters", [])
    reads_it = any(each["name"] == "company_id" and each["in"] == "query" for each in parameters)
    return {"company_id": things.company_id} if reads_it else {}
