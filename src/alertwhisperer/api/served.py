"""What the API serves, handed over by the composition root."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends
from fastapi.requests import Request

from alertwhisperer.engine.alerts import Alerts
from alertwhisperer.engine.assets import Assets
from alertwhisperer.engine.audit import Audit
from alertwhisperer.engine.companies import Companies
from alertwhisperer.engine.incidents import Incidents
from alertwhisperer.engine.ingest import Ingest
from alertwhisperer.engine.reports import Reports
from alertwhisperer.engine.sessions import Sessions
from alertwhisperer.engine.users import Users
from alertwhisperer.live.tickets import Tickets
from alertwhisperer.ports import Clock, Ids, Storage


@dataclass(frozen=True, kw_only=True)
class Served:
    """The nouns behind the routes, and the few facts that answers carry."""

    sessions: Sessions
    users: Users
    companies: Companies
    assets: Assets
    incidents: Incidents
    alerts: Alerts
    ingest: Ingest
    audit: Audit
    reports: Reports
    tickets: Tickets
    storage: Storage
    clock: Clock
    ids: Ids
    version: str
    public_url: str = ""
    live_transport: Literal["auto", "polling"] = "auto"


async def _served(request: Request) -> Served:
    served: Served = request.app.state.served
    return served


House = Annotated[Served, Depends(_served)]
"""What every handler asks for by annotation."""
