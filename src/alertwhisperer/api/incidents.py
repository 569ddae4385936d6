"""Incidents: lists of them, one, and what belongs to it. What people do to one is in `verbs`."""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from fastapi import Depends, Query
from fastapi.requests import Request

from alertwhisperer.api.auth import Caller, Session
from alertwhisperer.api.codec import Answer, Routes
from alertwhisperer.api.filters import Severities, Since, Text, Until, any_of, between, query
from alertwhisperer.api.pages import (
    CompanyIds,
    CursorText,
    Limit,
    cursor_text,
    id_in,
    link,
    live_cursor,
    offset_in,
    page,
    search,
)
from alertwhisperer.api.served import House
from alertwhisperer.domain import client_view
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.errors import Forbidden
from alertwhisperer.domain.incident import OPEN, Incident, IncidentStatus
from alertwhisperer.domain.scope import Scope
from alertwhisperer.domain.timeline import TimelineEntry

routes = Routes("incidents")

SORTED_AT_MOST: Final = 2_000
"""An order by priority, which changes with time, is made of the newest so many that match."""

Statuses = Annotated[
    list[Literal["open", "new", "in_progress", "escalated", "resolved"]],
    Query(alias="status", description="May repeat; `open` is all but resolved."),
]


async def _filter(
    caller: Caller,
    *,
    status: Statuses = [],  # noqa: B006  # FastAPI copies defaults
    severity: Severities = [],  # noqa: B006
    assigned_to: Annotated[str, Query(description="A user's id, `me`, or `nobody`.")] = "",
    asset: str = "",
    since: Since = None,
    until: Until = None,
    merged: Annotated[bool, Query(description="Also those that were merged into another.")] = False,
) -> dict[str, object]:
    if assigned_to and caller.is_client:
        raise Forbidden("who works on an incident is not shown to clients")
    found = query(
        status=_in_status(status),
        severity=any_of(list(severity)),
        assigned_to={"me": caller.actor.id}.get(assigned_to, assigned_to),
        asset_names=asset,
        created_at=between(since, until),
    )
    if assigned_to == "nobody":
        found["assigned_to"] = None
    if not merged and found.get("status") != {"$ne": "resolved"}:
        found["merged_into"] = None
    return found


Filter = Annotated[dict[str, object], Depends(_filter)]


@routes.on("GET", "/api/incidents", verb="incident.read")
async def list_incidents(
    request: Request,
    house: House,
    caller: Caller,
    *,
    wanted: Filter,
    company_ids: CompanyIds = [],  # noqa: B006
    text: Text = "",
    sort: Literal["created_at", "priority"] = "created_at",
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Answer[list[Incident]]:
    """Incidents, newest first or by priority as of now; `text` is part of title, description or asset."""
    scopes = await caller.scopes(company_ids)
    live = await live_cursor(house.storage, scopes)

    async def read(step: int, before: str | None) -> list[Incident]:
        return await house.incidents.page(scopes, wanted, limit=step, before=before)

    matches = _holds(text.lower()) if text else None
    if sort == "priority":
        every, _ = await search(read, lambda each: each.id, matches, limit=SORTED_AT_MOST, before=None)
        start = offset_in(cursor)
        found = sorted(every, key=lambda each: each.priority_score, reverse=True)[start : start + limit]
        more = cursor_text("offset", start + limit) if start + limit < len(every) else None
        return Answer([_seen_by(caller, each) for each in found], {**live, **link(request, more)})
    found, last = await search(read, lambda each: each.id, matches, limit=limit, before=id_in(cursor))
    return page(request, [_seen_by(caller, each) for each in found], last, live)


@routes.on("GET", "/api/incidents/{incident_id}", verb="incident.read")
async def get_incident(
    house: House,
    caller: Caller,
    incident_id: str,
    company_ids: CompanyIds = [],  # noqa: B006
) -> Answer[Incident]:
    """One incident; without a company, of any in reach. `ETag` is its revision."""
    return tagged(caller, await house.incidents.find(await caller.scopes(company_ids), incident_id))


@routes.on("GET", "/api/incidents/{incident_id}/timeline", verb="incident.read")
async def list_timeline(
    house: House,
    caller: Caller,
    incident_id: str,
    company_ids: CompanyIds = [],  # noqa: B006
) -> Answer[list[TimelineEntry]]:
    """What happened to it, oldest first. Clients see no internal entries and no names of staff."""
    incident, scope = await _found(house, caller, incident_id, company_ids)
    live = await live_cursor(house.storage, await caller.scopes([scope.company_id]))
    entries = await house.incidents.timeline(scope, incident.id)
    return Answer(client_view.timeline(incident, entries) if caller.is_client else entries, live)


@routes.on("GET", "/api/incidents/{incident_id}/alerts", verb="incident.read")
async def list_incident_alerts(
    request: Request,
    house: House,
    caller: Caller,
    *,
    incident_id: str,
    company_ids: CompanyIds = [],  # noqa: B006
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Answer[list[Alert]]:
    """Its alerts and those of what was merged into it, newest first."""
    incident, scope = await _found(house, caller, incident_id, company_ids)
    live = await live_cursor(house.storage, await caller.scopes([scope.company_id]))
    found = await house.incidents.alerts(scope, incident.id, limit=limit, before=id_in(cursor))
    seen = [client_view.alert(each) for each in found] if caller.is_client else found
    return page(request, seen, found[-1].id if len(found) == limit else None, live)


@routes.on("GET", "/api/incidents/{incident_id}/related", verb="incident.read")
async def list_related_incidents(
    house: House,
    caller: Caller,
    incident_id: str,
    company_ids: CompanyIds = [],  # noqa: B006
) -> list[Incident]:
    """Others of the same key, and what it is linked with; at most 20."""
    incident, scope = await _found(house, caller, incident_id, company_ids)
    return [_seen_by(caller, each) for each in await house.incidents.related(scope, incident.id)]


async def _found(house: House, caller: Session, incident_id: str, company_ids: list[str]) -> tuple[Incident, Scope]:
    incident = await house.incidents.find(await caller.scopes(company_ids), incident_id)
    return incident, Scope(incident.company_id, caller.actor)


def _seen_by(caller: Session, incident: Incident) -> Incident:
    return client_view.incident(incident) if caller.is_client else incident


def tagged(caller: Session, incident: Incident) -> Answer[Incident]:
    """An incident as the caller may see it; `ETag` is its revision."""
    return Answer(_seen_by(caller, incident), {"ETag": f'"{incident.revision}"'})


def _in_status(wanted: list[Literal["open", "new", "in_progress", "escalated", "resolved"]]) -> object:
    """The condition on status; in the form that the index over open incidents serves where it can."""
    found: set[IncidentStatus] = set()
    for each in wanted:
        found |= set(OPEN) if each == "open" else {each}
    if found == set(OPEN):
        return {"$ne": "resolved"}
    return any_of(sorted(found))


def _holds(part: str) -> Callable[[Incident], bool]:
    def matches(incident: Incident) -> bool:
        texts = (incident.title, incident.description, incident.id, *incident.asset_names)
        return any(part in each.lower() for each in texts)

    return matches
