"""Long lists in a real browser: places are kept, all that matches is exported, others' changes are seen."""

from __future__ import annotations

import csv
import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import sign_in, visit
from tests.support.product import ProductServer, Seed, alert_document

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]

MANY = 1_200
"""More than the largest page of the API holds."""


@pytest.fixture(scope="module")
def crowded(product: ProductServer, seed: Seed) -> Seed:
    """Many alerts of one tool, the first with a message that a spreadsheet would run."""
    documents = [alert_document(70_000 + n, tool_source="Lister") for n in range(MANY)]
    documents[0]["message"] = "=HYPERLINK(1)"
    url, headers = f"{product.url}/api/webhooks/alerts", {"X-API-Key": seed.acme.api_key}
    httpx.post(url, json=documents, headers=headers, timeout=60).raise_for_status()
    return seed


async def open_list(page: Page, seed: Seed, path: str) -> None:
    await sign_in(page, seed.admin)
    await page.goto(f"/c/{seed.acme.id}/{path}")
    await expect(page.get_by_test_id("alert-row").first).to_be_visible()


async def place(page: Page) -> Any:
    """How far the list is scrolled, and which row the keyboard is at."""
    return await page.evaluate(
        """() => [
            document.querySelector('[role=grid]').scrollTop,
            document.querySelector('[data-active]')?.getAttribute('aria-rowindex'),
        ]"""
    )


async def test_back_leads_to_where_one_was(product: ProductServer, crowded: Seed, browser: Browser) -> None:
    async with visit(browser, product.url) as page:
        await open_list(page, crowded, "alerts?tool=Lister")
        for _ in range(60):
            await page.keyboard.press("j")
        await expect(page.locator('[data-active][aria-rowindex="61"]')).to_be_in_viewport(ratio=1)
        before = await place(page)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/incidents/*")
        await expect(page.get_by_test_id("timeline")).to_be_visible()
        await page.go_back()
        await expect(page.locator('[data-active][aria-rowindex="61"]')).to_be_in_viewport(ratio=1)
        assert await place(page) == before
        assert before[0] > 1_000
        assert page.url.endswith("/alerts?tool=Lister")


async def test_an_export_holds_all_that_the_filters_match(
    product: ProductServer, crowded: Seed, browser: Browser
) -> None:
    async with visit(browser, product.url) as page:
        await open_list(page, crowded, "alerts?tool=Lister")
        async with page.expect_download() as waiting:
            await page.get_by_role("button", name="Export CSV").click()
        download = await waiting.value
        text = (await download.path()).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
        assert download.suggested_filename.startswith("alerts-")
        assert len({row["id"] for row in rows}) == len(rows) == MANY
        assert {row["tool_source"] for row in rows} == {"Lister"}
        assert {row["company"] for row in rows} == {crowded.acme.name}
        assert rows[-1]["message"] == "'=HYPERLINK(1)"
        await expect(page.get_by_text(f"{MANY:,} rows exported")).to_be_visible()


async def test_the_timeline_shows_when_an_alert_was_open_and_leads_to_it(
    product: ProductServer, crowded: Seed, browser: Browser
) -> None:
    async with visit(browser, product.url) as page:
        await sign_in(page, crowded.admin)
        await page.goto(f"/c/{crowded.acme.id}/alerts?asset=host-70007&as=timeline")
        bar = page.get_by_test_id("alert-bar")
        await expect(bar).to_have_count(1)
        await expect(bar).to_have_accessible_name(re.compile("High: Disk of host-70007 is 93 % full, "))
        await page.get_by_role("button", name="7 d").click()
        await page.wait_for_url("**span=7d**")
        await bar.click()
        await expect(page.get_by_role("complementary", name="Alert")).to_contain_text("host-70007")


async def test_an_asset_that_another_person_deletes_leaves_the_list(
    product: ProductServer, seed: Seed, ada: httpx.Client, browser: Browser
) -> None:
    new = {"company_id": seed.acme.id, "name": "printer-07"}
    asset = ada.post("/api/assets", json=new).raise_for_status().json()
    async with visit(browser, product.url) as page:
        await sign_in(page, seed.admin)
        await page.goto(f"/c/{seed.acme.id}/assets")
        row = page.get_by_test_id("asset-row").filter(has_text="printer-07")
        await expect(row).to_have_count(1)
        params = {"company_id": seed.acme.id}
        ada.delete(f"/api/assets/{asset['id']}", params=params).raise_for_status()
        await expect(row).to_have_count(0)
