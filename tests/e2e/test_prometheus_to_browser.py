"""A rule of a real Prometheus becomes an incident on an open page, repeats, and resolves there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import DESKTOP, PHONE, THEMES, Theme, sign_in, visit
from tests.support.product import ProductServer, Seed
from tests.support.prometheus import Exporter

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("monitoring")]
_PATIENCE_MS = 20_000


def open_incidents(client: httpx.Client, seed: Seed, asset: str) -> list[dict[str, Any]]:
    """Acme's open incidents whose title names the asset."""
    params = {"company_id": seed.acme.id, "status": "open"}
    found: list[dict[str, Any]] = client.get("/api/incidents", params=params).raise_for_status().json()
    return [incident for incident in found if asset in incident["title"]]


async def eventually(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_MS / 1000):
        while not check():
            await asyncio.sleep(0.1)


async def mark(page: Page) -> None:
    """Leaves a mark that a reload would wipe out."""
    await page.evaluate("() => { window.neverReloaded = true }")


async def assert_never_reloaded(page: Page) -> None:
    assert await page.evaluate("() => window.neverReloaded === true")


async def test_a_rule_that_fires_is_an_incident_on_an_open_page_until_it_clears(
    product: ProductServer, seed: Seed, ada: httpx.Client, browser: Browser, exporter: Exporter
) -> None:
    async with visit(browser, product.url) as page:
        await sign_in(page, seed.admin)
        await page.goto(f"/c/{seed.acme.id}/incidents")
        await expect(page.get_by_test_id("live-chip").first).to_contain_text("Live", timeout=_PATIENCE_MS)
        await mark(page)
        row = page.get_by_test_id("incident-row").filter(has_text="db-01")
        await expect(row).to_have_count(0)

        exporter.set_disks({"db-01": 97})
        await expect(row).to_have_count(1, timeout=_PATIENCE_MS)
        await expect(row).to_contain_text("DiskAlmostFull")
        incident = open_incidents(ada, seed, "db-01")[0]
        assert incident["severity"] == "critical"

        await eventually(lambda: open_incidents(ada, seed, "db-01")[0]["occurrences"] >= 3)
        now = open_incidents(ada, seed, "db-01")
        assert [(one["id"], one["alert_count"]) for one in now] == [(incident["id"], 1)]
        await expect(row).to_have_count(1)

        exporter.set_disks({"db-01": 40})
        await expect(row).to_have_count(0, timeout=_PATIENCE_MS)
        await assert_never_reloaded(page)
        after = ada.get(f"/api/incidents/{incident['id']}", params={"company_id": seed.acme.id}).json()
        assert (after["status"], after["resolved_by"]) == ("resolved", "source")


async def test_an_open_incident_page_shows_that_its_source_cleared(
    product: ProductServer, seed: Seed, ada: httpx.Client, browser: Browser, exporter: Exporter
) -> None:
    exporter.set_disks({"db-02": 98})
    await eventually(lambda: bool(open_incidents(ada, seed, "db-02")))
    incident = open_incidents(ada, seed, "db-02")[0]
    async with visit(browser, product.url) as page:
        await sign_in(page, seed.admin)
        await page.goto(f"/c/{seed.acme.id}/incidents/{incident['id']}")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("db-02")
        await expect(page.get_by_test_id("why-grouped")).to_contain_text("db-02")
        await mark(page)
        exporter.set_disks({})
        await expect(page.get_by_role("button", name="Reopen")).to_be_visible(timeout=_PATIENCE_MS)
        await expect(page.get_by_test_id("timeline")).to_contain_text("resolved", ignore_case=True)
        await assert_never_reloaded(page)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
async def test_pages_of_real_alerts_fit_their_window(
    product: ProductServer,
    seed: Seed,
    ada: httpx.Client,
    browser: Browser,
    exporter: Exporter,
    screenshots: Path | None,
    size: tuple[int, int],
    theme: Theme,
) -> None:
    """And are kept as pictures when ALERTWHISPERER_SCREENSHOTS names a folder."""
    exporter.set_disks({f"web-{n:02d}": 90 + n / 2 for n in range(1, 13)})
    await eventually(lambda: len(open_incidents(ada, seed, "web-")) == 12)
    incident = open_incidents(ada, seed, "web-")[0]
    pages = {
        "command-centre": "/",
        "alerts": f"/c/{seed.acme.id}/alerts",
        "incidents": f"/c/{seed.acme.id}/incidents",
        "incident": f"/c/{seed.acme.id}/incidents/{incident['id']}",
    }
    async with visit(browser, product.url, size=size, theme=theme) as page:
        await sign_in(page, seed.admin)
        for name, path in pages.items():
            await page.goto(path)
            await expect(page.get_by_text("web-").first).to_be_visible(timeout=_PATIENCE_MS)
            beyond = await page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            assert beyond <= 0, f"{name} is {beyond} px too wide"
            if screenshots is not None:
                await page.screenshot(path=screenshots / f"{name}-{size[0]}-{theme}.png")
