"""The audit log of a company, or of the MSP itself (`_msp`)."""

from fastapi.requests import Request

from alertwhisperer.api.auth import Caller, Session
from alertwhisperer.api.codec import Answer, Routes
from alertwhisperer.api.pages import CompanyId, CursorText, Limit, id_in, page
from alertwhisperer.api.served import House
from alertwhisperer.domain.audit import AuditEntry
from alertwhisperer.domain.scope import MSP, Scope
from alertwhisperer.engine.audit import Verification

routes = Routes("audit")


@routes.on("GET", "/api/audit", verb="audit.read")
async def list_audit(
    request: Request,
    house: House,
    caller: Caller,
    *,
    company_id: CompanyId,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Answer[list[AuditEntry]]:
    """Who did what, newest first. `company_id=_msp` is about users, for an msp_admin."""
    scope = await _scope(caller, company_id)
    found = await house.audit.entries(scope, limit=limit, before=id_in(cursor))
    return page(request, found, found[-1].id if len(found) == limit else None, {})


@routes.on("GET", "/api/audit/verify", verb="audit.read")
async def verify_audit(house: House, caller: Caller, company_id: CompanyId) -> Verification:
    """Whether the chain holds from its beginning to its head."""
    return await house.audit.verify(await _scope(caller, company_id))


async def _scope(caller: Session, company_id: str) -> Scope:
    if company_id == MSP and caller.actor.role == "msp_admin":
        return caller.msp
    return await caller.scope(company_id)
