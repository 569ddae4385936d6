"""A small MSP on a real engine and a virtual clock: what the engine's tests act in."""

import json
from collections.abc import Coroutine
from functools import partial
from hashlib import sha256
from typing import Any

from alertwhisperer.clock import VirtualClock
from alertwhisperer.domain.company import CONFIGS, Company, CompanyConfig, ConfigType
from alertwhisperer.domain.delivery import Delivery, Outcome
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.scope import SYSTEM, Actor, Scope
from alertwhisperer.engine.alerts import Alerts
from alertwhisperer.engine.deliveries import received
from alertwhisperer.engine.door import Door, WebhookRequest
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.incidents import Incidents
from alertwhisperer.engine.ingest import Answer, Ingest
from alertwhisperer.engine.runner import QUEUED_AT_MOST, Runner
from alertwhisperer.ports import Ids, Key, Storage
from tests.support.cast import ACME, ADA, GLOBEX

FOR_EVER = ("1970-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z")


class PlainVault:
    """A vault that hides nothing, for tests that are not about secrets; it still binds a secret to its place."""

    def seal(self, plain: str, *, place: Key) -> str:
        return f"{place}={plain}"

    def unseal(self, sealed: str, *, place: Key) -> str:
        return sealed.removeprefix(f"{place}=")


class World:
    """Acme and Globex with their API keys, and the engine that serves them."""

    def __init__(self, storage: Storage, clock: VirtualClock, ids: Ids) -> None:
        self.storage = storage
        self.clock = clock
        self.ids = ids
        self.restart()

    def restart(self, *, queued_at_most: int = QUEUED_AT_MOST) -> None:
        """As after a restart of the process: nothing is left in memory."""
        self.runner = Runner(self.storage, self.clock, self.ids, audit_key=b"k" * 32, queued_at_most=queued_at_most)
        self.door = Door(self.runner, PlainVault())
        self.ingest = Ingest(self.runner, self.door)
        self.incidents = Incidents(self.runner)
        self.alerts = Alerts(self.runner)

    async def found(self) -> None:
        """Create the companies."""
        for company_id in (ACME, GLOBEX):
            await self.found_one(company_id)

    async def found_one(self, company_id: str) -> None:
        """Create a company."""
        await self.runner.run(Scope(company_id, ADA), partial(self._create, company_id))

    def _create(self, name: str, draft: Draft) -> None:
        key = sha256(f"key-{name}".encode()).hexdigest()
        draft.put(Company(id=name, name=name, api_key=key, api_key_encrypted="", created_at=draft.now))

    async def configure(self, kind: ConfigType, company_id: str = ACME, **config: Any) -> None:
        """Store a setting, as the settings page would."""

        def decide(draft: Draft) -> None:
            _, version = draft.config(CONFIGS[kind])
            draft.put(
                CompanyConfig(
                    company_id=company_id,
                    config_type=kind,
                    config_data=config,
                    version=version + 1,
                    updated_at=draft.now,
                )
            )

        await self.runner.run(Scope(company_id, ADA), decide)

    async def post(self, *alerts: dict[str, Any], company: str = ACME, delivery: str | None = None) -> Answer:
        """Send alerts by the generic webhook; several go as an array."""
        body = json.dumps(alerts[0] if len(alerts) == 1 else alerts).encode()
        return await self.ingest.receive(self.request(body, company=company, delivery=delivery))

    def request(
        self, body: bytes, *, company: str = ACME, delivery: str | None = None, source: str = "alerts"
    ) -> WebhookRequest:
        return WebhookRequest(
            source=source,
            api_key=f"key-{company}",
            headers={},
            body=body,
            received_at=self.clock.now(),
            delivery_id=delivery,
        )

    async def fire(self, asset: str = "db-01", signature: str = "disk_full", **fields: Any) -> Outcome:
        """One alert fires; its outcome."""
        company = fields.pop("company", ACME)
        sent = {"asset_name": asset, "signature": signature, "message": "it broke", "severity": "high", **fields}
        return (await self.post(sent, company=company)).outcomes[0]

    async def clear(self, asset: str = "db-01", signature: str = "disk_full", **fields: Any) -> Outcome:
        """One alert is resolved by its source."""
        return await self.fire(asset, signature, status="resolved", **fields)

    async def open_incidents(self, company: str = ACME) -> list[Incident]:
        return await self.storage.select(Incident, {"company_id": company, "status": {"$ne": "resolved"}})

    async def received(self, company: str = ACME) -> list[Delivery]:
        """All deliveries that are stored, in the order in which they were decided."""
        return [each async for each in received(Scope(company, SYSTEM), self.storage, *FOR_EVER)]

    async def counts(self, company: str = ACME) -> dict[str, int]:
        """The sums of all counters in the company's log."""
        sums: dict[str, int] = {}
        for record in await self.storage.records(company, 0):
            for name, count in record.counts.items():
                sums[name] = sums.get(name, 0) + count
        return sums


def acting(actor: Actor, company_id: str = ACME) -> Scope:
    """Somebody of the cast in a company."""
    return Scope(company_id, actor)


def beside(world: World, storage: Storage | None = None) -> World:
    """Another process on the same database."""
    return World(storage or world.storage, world.clock, world.ids)


def storm(world: World, count: int) -> list[Coroutine[None, None, Outcome]]:
    """So many different alerts at once that some are decided while others are being stored."""
    return [world.fire(asset=f"h{n}", signature="s") for n in range(count)]
