"""axe-core finds nothing on any route, in either theme."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import THEMES, Theme, axe_violations, sign_in, visit
from tests.support.product import ProductServer, Seed, alert_document

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]

PAGES = (
    "overview",
    "incidents",
    "incidents/{incident}",
    "alerts",
    "alerts?as=grouped",
    "alerts?as=timeline",
    "assets",
    "companies",
    "companies/{company}",
    "people",
    "ledger",
    "audit",
    "no-such-page",
)


@pytest.fixture(scope="module")
def incident_id(product: ProductServer, seed: Seed) -> str:
    """Five alerts of five severities, so that each colour is on the page; the id of one's incident."""
    found = ""
    for number, severity in enumerate(("critical", "high", "medium", "low", "info")):
        answer = httpx.post(
            f"{product.url}/api/webhooks/alerts",
            json=alert_document(number, severity=severity),
            headers={"X-API-Key": seed.acme.api_key},
        )
        found = answer.raise_for_status().json()["incident_id"]
    return found


@pytest.mark.usefixtures("seed")
@pytest.mark.parametrize("theme", THEMES)
async def test_the_sign_in_page_is_accessible(product: ProductServer, browser: Browser, theme: Theme) -> None:
    async with visit(browser, product.url, theme=theme) as page:
        await page.goto("/")
        await page.get_by_label("Email").wait_for()
        assert await axe_violations(page) == []


@pytest.mark.parametrize("theme", THEMES)
async def test_every_route_is_accessible_and_complains_of_nothing(
    product: ProductServer, seed: Seed, browser: Browser, incident_id: str, theme: Theme
) -> None:
    async with visit(browser, product.url, theme=theme) as page:
        await sign_in(page, seed.admin)
        found: list[str] = []
        page.on("console", lambda said: found.append(f"{page.url}: {said.text}") if said.type == "error" else None)
        for name in PAGES:
            path = name.format(company=seed.acme.id, incident=incident_id)
            await page.goto(f"/c/{seed.acme.id}/{path}")
            await expect(page.get_by_role("main")).not_to_be_empty()
            await page.wait_for_load_state("networkidle")
            found += [f"{name}: {violation}" for violation in await axe_violations(page)]
        assert not found, "\n".join(found)
