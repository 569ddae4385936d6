"""The door of ingest: whose key is this, is the delivery signed, is it too much; and the ledger of refusals."""

import math
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from msgspec import Struct

from alertwhisperer.domain import rate, signature
from alertwhisperer.domain.company import Company, RateLimitConfig, WebhookSecurityConfig, secret_place
from alertwhisperer.domain.errors import RateLimited, Unauthenticated
from alertwhisperer.domain.instant import Instant, moment
from alertwhisperer.domain.ledger import RECEIVED, counter
from alertwhisperer.domain.scope import MSP, SYSTEM, Actor, Scope
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.runner import Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Vault

KEYS_AT_MOST: Final = 10_000
ASK_EVERY_SECONDS: Final = 1.0


class WebhookRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One request as it came in: header names in lower case; `delivery_id` is the sender's own, if it gave one."""

    source: str
    api_key: str
    headers: Mapping[bytes, bytes]
    body: bytes
    received_at: Instant
    ip_address: str | None = None
    delivery_id: str | None = None


class Admission(Struct, frozen=True, gc=False):
    """A request that may come in, and what that was decided on: another key or setting asks for a new decision."""

    scope: Scope
    key_hash: str
    security_version: int

    def still_holds(self, draft: Draft) -> bool:
        """Whether the company's key and security setting are those this was decided on."""
        company = draft.company
        same_key = company is not None and company.api_key == self.key_hash
        return same_key and draft.config(WebhookSecurityConfig)[1] == self.security_version


class Door:
    """Admits deliveries by key → signature → rate (SPEC §3), and keeps count of those it refuses."""

    def __init__(self, runner: Runner, vault: Vault) -> None:
        self._runner = runner
        self._vault = vault
        self._companies: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._buckets: dict[str, rate.Bucket] = {}
        self._refused: dict[str, Counter[str]] = {}
        self._asked: dict[str, float] = {}

    async def admit(self, request: WebhookRequest) -> Admission:
        """The company of a request. Raises Unauthenticated or RateLimited, counted in the ledger."""
        key_hash = _digest(request.api_key)
        state = await self._state_of(key_hash)
        if state is None or state.company is None:
            self.refuse(MSP, "api_key")
            raise Unauthenticated("send a valid API key in X-API-Key (or ?api_key=)")
        try:
            return self._admit(state, state.company, key_hash, request)
        except Unauthenticated:
            if not await self._is_outdated(state.company_id):
                self.refuse(state.company_id, "signature")
                raise
        return await self.admit(request)

    async def _is_outdated(self, company_id: str) -> bool:
        """Whether another process has changed the company: its secret may be new. Asked at most once a second."""
        now = self._runner.clock.monotonic()
        if now - self._asked.get(company_id, -math.inf) < ASK_EVERY_SECONDS:
            return False
        self._asked[company_id] = now
        return await self._runner.refresh(company_id)

    def admit_now(self, request: WebhookRequest) -> Admission | None:
        """`admit`, without waiting for anything; None where something has to be read first."""
        key_hash = _digest(request.api_key)
        company_id = self._companies.get(key_hash)
        state = self._runner.state_now(company_id) if company_id is not None else None
        company = state.company if state is not None else None
        if state is None or company is None or company.api_key != key_hash:
            return None
        try:
            return self._admit(state, company, key_hash, request)
        except Unauthenticated:
            return None

    def _admit(self, state: CompanyState, company: Company, key_hash: str, request: WebhookRequest) -> Admission:
        security, version = state.config(WebhookSecurityConfig)
        if security.hmac_enabled:
            self._check_signature(company, security, request)
        self._check_rate(state)
        scope = Scope(state.company_id, Actor("source", request.source, request.source, None, request.ip_address))
        return Admission(scope, key_hash, version)

    async def _state_of(self, key_hash: str) -> CompanyState | None:
        company_id = self._companies.get(key_hash)
        if company_id is not None:
            state = await self._runner.state(company_id)
            if state.company is not None and state.company.api_key == key_hash:
                return state
            self._companies.pop(key_hash, None)
        found = await self._runner.storage.select(Company, {"api_key": key_hash}, limit=1) if key_hash else []
        if not found:
            return None
        if len(self._companies) >= KEYS_AT_MOST:
            self._companies.clear()
        self._companies[key_hash] = found[0].id
        state = await self._runner.state(found[0].id)
        if state.company is None or state.company.api_key != key_hash:
            self._runner.forget(found[0].id)
            state = await self._runner.state(found[0].id)
        return state

    def _check_signature(self, company: Company, security: WebhookSecurityConfig, request: WebhookRequest) -> None:
        sealed = [security.secret_encrypted]
        if security.previous_valid_until and request.received_at < security.previous_valid_until:
            sealed.append(security.previous_encrypted)
        secrets = [self._secret(company.id, each) for each in sealed if each]
        unix_seconds = moment(request.received_at).timestamp()
        signature.verify(security, secrets, request.headers, request.body, unix_seconds=unix_seconds)

    def _secret(self, company_id: str, sealed: str) -> str:
        plain = self._secrets.get(sealed)
        if plain is None:
            if len(self._secrets) >= KEYS_AT_MOST:
                self._secrets.clear()
            plain = self._vault.unseal(sealed, place=secret_place(company_id))
            self._secrets[sealed] = plain
        return plain

    def _check_rate(self, state: CompanyState) -> None:
        config, _ = state.config(RateLimitConfig)
        if not config.enabled:
            return
        bucket = rate.as_of(self._buckets.get(state.company_id), config, self._runner.clock.monotonic())
        self._buckets[state.company_id] = bucket
        if bucket.tokens < 1:
            wait = rate.wait_seconds(bucket, config)
            self.refuse(state.company_id, "rate_limit")
            raise RateLimited("too many alerts a minute", retry_after=wait, limit=config.requests_per_minute)

    def charge(self, company_id: str, alerts: int) -> None:
        """Take what a delivery turned out to hold; one that holds more than is left makes the next ones wait."""
        bucket = self._buckets.get(company_id)
        if bucket is not None:
            self._buckets[company_id] = rate.draw(bucket, alerts)

    def refuse(self, company_id: str, why: str, count: int = 1) -> None:
        """Count alerts that were not let in; stored with the next flush."""
        self._refused.setdefault(company_id, Counter())[why] += count

    async def flush(self) -> None:
        """Bring the counts of refusals into the ledger."""
        for company_id in list(self._refused):
            reasons = self._refused.pop(company_id)

            def decide(draft: Draft, reasons: Counter[str] = reasons) -> None:
                draft.count(RECEIVED, reasons.total())
                draft.count(counter("rejected"), reasons.total())
                for why, count in reasons.items():
                    draft.count(f"ledger.rejected.{why}", count)

            try:
                await self._runner.run(Scope(company_id, SYSTEM), decide)
            except BaseException:
                self._refused.setdefault(company_id, Counter()).update(reasons)
                raise


def _digest(api_key: str) -> str:
    return sha256(api_key.encode()).hexdigest() if api_key else ""
