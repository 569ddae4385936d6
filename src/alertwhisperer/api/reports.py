"""The ledger and the overview."""

from typing import Annotated

from fastapi import Query

from alertwhisperer.api.auth import Caller
from alertwhisperer.api.codec import Routes
from alertwhisperer.api.pages import CompanyIds
from alertwhisperer.api.served import House
from alertwhisperer.domain.report import LedgerReport, Overview

routes = Routes("reports")


@routes.on("GET", "/api/ledger", verb="ledger.read")
async def get_ledger(
    house: House,
    caller: Caller,
    company_ids: CompanyIds = [],  # noqa: B006  # FastAPI copies defaults
    hours: Annotated[int, Query(ge=1, le=2208)] = 24,
) -> LedgerReport:
    """Alerts received in each hour, and where each of them ended."""
    return await house.reports.ledger(await caller.scopes(company_ids), hours)


@routes.on("GET", "/api/overview", verb="metrics.read")
async def get_overview(
    house: House,
    caller: Caller,
    company_ids: CompanyIds = [],  # noqa: B006
) -> Overview:
    """How the companies stand now."""
    return await house.reports.overview(await caller.scopes(company_ids))
