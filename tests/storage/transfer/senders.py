"""Senders that go on until they are told to come back later, and remember what was acked."""

import asyncio
from dataclasses import dataclass, field

import httpx

from tests.support.office import Office, Tenant

PACE_SECONDS = 0.05
"""DynamoDB Local takes some hundred documents a second, and an alert makes seven."""


@dataclass
class Sender:
    """Sends alerts of hosts of its own, one after the other. `refusal` is the first answer that was not an ack."""

    office: Office
    company: Tenant
    name: str
    acked: list[str] = field(default_factory=list)
    refusal: httpx.Response | None = None

    async def run(self) -> None:
        async with self.office.client(headers={"X-API-Key": self.company.api_key}) as caller:
            while self.refusal is None:
                asset = f"{self.name}-{len(self.acked):04d}"
                answer = await caller.post("/api/webhooks/alerts", json=alert_of(asset))
                if answer.is_success:
                    self.acked.append(asset)
                    await asyncio.sleep(PACE_SECONDS)
                else:
                    self.refusal = answer


def alert_of(asset: str) -> dict[str, str]:
    return {"asset_name": asset, "signature": "disk_full", "message": "it broke", "severity": "high"}


async def all_refused(tasks: list[asyncio.Task[None]]) -> None:
    """Waits until every sender was told to come back."""
    async with asyncio.timeout(20):
        await asyncio.gather(*tasks)
