"""Alerts."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Query
from fastapi.requests import Request

from alertwhisperer.api.auth import Caller, Session
from alertwhisperer.api.codec import Answer, Routes
from alertwhisperer.api.filters import InCompany, Severities, Since, Text, Until, any_of, between, query
from alertwhisperer.api.pages import CompanyIds, CursorText, Limit, id_in, live_cursor, page, search
from alertwhisperer.api.served import House
from alertwhisperer.domain import client_view
from alertwhisperer.domain.alert import Alert, AlertStatus
from alertwhisperer.domain.errors import NotFound
from alertwhisperer.engine.alerts import Facets

routes = Routes("alerts")

Statuses = Annotated[list[AlertStatus], Query(alias="status", description="May repeat.")]


async def _filter(
    *,
    status: Statuses = [],  # noqa: B006  # FastAPI copies defaults
    severity: Severities = [],  # noqa: B006
    asset: str = "",
    tool: str = "",
    incident_id: str = "",
    since: Since = None,
    until: Until = None,
) -> dict[str, object]:
    return query(
        status=any_of(list(status)),
        severity=any_of(list(severity)),
        asset_name=asset,
        tool_source=tool,
        correlated_incident_id=incident_id,
        received_at=between(since, until),
    )


Filter = Annotated[dict[str, object], Depends(_filter)]


@routes.on("GET", "/api/alerts", verb="alert.read")
async def list_alerts(
    request: Request,
    house: House,
    caller: Caller,
    *,
    wanted: Filter,
    company_ids: CompanyIds = [],  # noqa: B006
    text: Text = "",
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Answer[list[Alert]]:
    """Alerts, newest first; `text` is part of message, signature or asset."""
    scopes = await caller.scopes(company_ids)
    live = await live_cursor(house.storage, scopes)

    async def read(step: int, before: str | None) -> list[Alert]:
        return await house.alerts.page(scopes, wanted, limit=step, before=before)

    matches = _holds(text.lower()) if text else None
    found, last = await search(read, lambda each: each.id, matches, limit=limit, before=id_in(cursor))
    return page(request, [_seen_by(caller, each) for each in found], last, live)


@routes.on("GET", "/api/alerts/facets", verb="alert.read")
async def get_alert_facets(
    house: House,
    caller: Caller,
    wanted: Filter,
    company_ids: CompanyIds = [],  # noqa: B006
) -> Facets:
    """How many of the newest 5,000 alerts that match have each status, severity, tool and asset."""
    return await house.alerts.facets(await caller.scopes(company_ids), wanted)


@routes.on("GET", "/api/alerts/{alert_id}", verb="alert.read")
async def get_alert(
    house: House,
    caller: Caller,
    alert_id: str,
    company_ids: CompanyIds = [],  # noqa: B006
) -> Alert:
    """One alert; without a company, of any in reach."""
    for scope in (await caller.scopes(company_ids)).each():
        try:
            return _seen_by(caller, await house.alerts.get(scope, alert_id))
        except NotFound:
            continue
    raise NotFound(f"no alert {alert_id}")


@routes.on("POST", "/api/alerts/{alert_id}/acknowledge", verb="alert.acknowledge")
async def acknowledge_alert(house: House, caller: Caller, alert_id: str, body: InCompany) -> Alert:
    """Say that somebody has seen this alert."""
    return await house.alerts.acknowledge(await caller.scope(body.company_id), alert_id, once=caller.once)


@routes.on("POST", "/api/alerts/{alert_id}/resolve", verb="alert.resolve")
async def resolve_alert(house: House, caller: Caller, alert_id: str, body: InCompany) -> Alert:
    """End this alert by hand; its incident follows if it was the last one."""
    return await house.alerts.resolve(await caller.scope(body.company_id), alert_id, once=caller.once)


def _seen_by(caller: Session, alert: Alert) -> Alert:
    return client_view.alert(alert) if caller.is_client else alert


def _holds(part: str) -> Callable[[Alert], bool]:
    def matches(alert: Alert) -> bool:
        return any(part in each.lower() for each in (alert.message, alert.signature, alert.asset_name))

    return matches
