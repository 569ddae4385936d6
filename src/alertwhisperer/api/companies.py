"""Companies, their keys and settings."""

from typing import Final

import msgspec
from fastapi.requests import Request
from msgspec import Struct

from alertwhisperer.api.auth import Caller, address_of
from alertwhisperer.api.codec import Routes
from alertwhisperer.api.ingest import OneResult, one_result
from alertwhisperer.api.served import House
from alertwhisperer.domain.company import (
    CorrelationConfig,
    PublicCompany,
    PublicWebhookSecurity,
    RateLimitConfig,
    WebhookSecurityInput,
)
from alertwhisperer.engine.companies import CompanyChanges, CompanySummary, NewCompany
from alertwhisperer.engine.door import WebhookRequest

routes = Routes("companies")

TEST_ALERT: Final = {
    "asset_name": "test-asset",
    "signature": "test_alert",
    "severity": "low",
    "message": "A test alert, sent from Alert Whisperer",
    "tool_source": "Alert Whisperer test",
}


class CreatedCompany(Struct, frozen=True, kw_only=True):
    """A new company and its API key."""

    company: PublicCompany
    api_key: str


class ApiKey(Struct, frozen=True, kw_only=True):
    """What a company's tools send as `X-API-Key`."""

    api_key: str


class HmacSecret(Struct, frozen=True, kw_only=True):
    """What a company's tools sign their deliveries with."""

    hmac_secret: str


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long the old secret is accepted beside the new one."""

    overlap_minutes: int = 60


@routes.on("GET", "/api/companies", verb="company.read")
async def list_companies(house: House, caller: Caller) -> list[PublicCompany]:
    """The companies in reach, by name."""
    return await house.companies.visible(await caller.reach())


@routes.on("POST", "/api/companies", verb="company.create", status=201)
async def create_company(house: House, caller: Caller, body: NewCompany) -> CreatedCompany:
    """Add a company; its API key is made here."""
    company, api_key = await house.companies.create(caller.msp, body, caller.once)
    return CreatedCompany(company=company, api_key=api_key)


@routes.on("GET", "/api/companies/{company_id}", verb="company.read")
async def get_company(house: House, caller: Caller, company_id: str) -> PublicCompany:
    """One company."""
    return await house.companies.get(await caller.scope(company_id))


@routes.on("PATCH", "/api/companies/{company_id}", verb="company.update")
async def update_company(house: House, caller: Caller, company_id: str, body: CompanyChanges) -> PublicCompany:
    """Change a company."""
    return await house.companies.update(await caller.scope(company_id), body, caller.once)


@routes.on("GET", "/api/companies/{company_id}/summary", verb="company.read")
async def get_company_summary(house: House, caller: Caller, company_id: str) -> CompanySummary:
    """How a company stands now."""
    return await house.companies.summary(await caller.scope(company_id))


@routes.on("POST", "/api/companies/{company_id}/api-key/reveal", verb="company.reveal_key", once=False)
async def reveal_api_key(house: House, caller: Caller, company_id: str) -> ApiKey:
    """Show the API key; the audit log keeps who looked."""
    return ApiKey(api_key=await house.companies.reveal_key(await caller.scope(company_id)))


@routes.on("POST", "/api/companies/{company_id}/api-key/rotate", verb="company.rotate_key")
async def rotate_api_key(house: House, caller: Caller, company_id: str) -> ApiKey:
    """Replace the API key; the old one is refused from now on."""
    return ApiKey(api_key=await house.companies.rotate_key(await caller.scope(company_id), caller.once))


@routes.on("GET", "/api/companies/{company_id}/configs/correlation", verb="config.read")
async def get_correlation(house: House, caller: Caller, company_id: str) -> CorrelationConfig:
    """How alerts of a company become incidents."""
    return await house.companies.config(await caller.scope(company_id), CorrelationConfig)


@routes.on("PUT", "/api/companies/{company_id}/configs/correlation", verb="config.write")
async def put_correlation(house: House, caller: Caller, company_id: str, body: CorrelationConfig) -> CorrelationConfig:
    """Set how alerts of a company become incidents, whole; what is left out gets its default."""
    return await house.companies.set_config(await caller.scope(company_id), body, caller.once)


@routes.on("GET", "/api/companies/{company_id}/configs/rate_limit", verb="config.read")
async def get_rate_limit(house: House, caller: Caller, company_id: str) -> RateLimitConfig:
    """How many alerts of a company are taken in."""
    return await house.companies.config(await caller.scope(company_id), RateLimitConfig)


@routes.on("PUT", "/api/companies/{company_id}/configs/rate_limit", verb="config.write")
async def put_rate_limit(house: House, caller: Caller, company_id: str, body: RateLimitConfig) -> RateLimitConfig:
    """Set how many alerts of a company are taken in, whole; what is left out gets its default."""
    return await house.companies.set_config(await caller.scope(company_id), body, caller.once)


@routes.on("GET", "/api/companies/{company_id}/configs/webhook_security", verb="config.read")
async def get_webhook_security(house: House, caller: Caller, company_id: str) -> PublicWebhookSecurity:
    """Whether a company's deliveries must be signed."""
    return await house.companies.security(await caller.scope(company_id))


@routes.on("PUT", "/api/companies/{company_id}/configs/webhook_security", verb="config.write")
async def put_webhook_security(
    house: House, caller: Caller, company_id: str, body: WebhookSecurityInput
) -> PublicWebhookSecurity:
    """Set whether a company's deliveries must be signed; what is left out stays."""
    return await house.companies.set_security(await caller.scope(company_id), body, caller.once)


@routes.on("POST", "/api/companies/{company_id}/configs/webhook_security/rotate", verb="config.reveal_secret")
async def rotate_hmac_secret(house: House, caller: Caller, company_id: str, body: Rotation) -> HmacSecret:
    """Make a new HMAC secret; the old one is accepted for a while."""
    scope = await caller.scope(company_id)
    return HmacSecret(
        hmac_secret=await house.companies.rotate_secret(scope, overlap_minutes=body.overlap_minutes, once=caller.once)
    )


@routes.on(
    "POST", "/api/companies/{company_id}/configs/webhook_security/reveal", verb="config.reveal_secret", once=False
)
async def reveal_hmac_secret(house: House, caller: Caller, company_id: str) -> HmacSecret:
    """Show the HMAC secret; the audit log keeps who looked."""
    return HmacSecret(hmac_secret=await house.companies.reveal_secret(await caller.scope(company_id)))


@routes.on("POST", "/api/companies/{company_id}/test-alert", verb="company.test_alert")
async def send_test_alert(request: Request, house: House, caller: Caller, company_id: str) -> OneResult:
    """Send a test alert through the whole path of a real one."""
    scope = await caller.scope(company_id)
    delivery = WebhookRequest(
        source="alerts",
        api_key="",
        headers={},
        body=msgspec.json.encode(TEST_ALERT),
        received_at=house.clock.now(),
        ip_address=address_of(request),
        delivery_id=f"key#{caller.once.key}" if caller.once else None,
    )
    return one_result(await house.ingest.test(scope, delivery))
