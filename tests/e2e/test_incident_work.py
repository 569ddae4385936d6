"""Ada works an incident with the keyboard: acknowledge, note, resolve, undo."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import sign_in, visit
from tests.support.product import ProductServer, Seed, SeededCompany, alert_document

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]


def open_one(product: ProductServer, company: SeededCompany, number: int) -> str:
    """The id of an incident that one alert through the webhook opened."""
    url, headers = f"{product.url}/api/webhooks/alerts", {"X-API-Key": company.api_key}
    answer = httpx.post(url, json=alert_document(number), headers=headers).raise_for_status()
    incident_id: str = answer.json()["incident_id"]
    return incident_id


async def open_page(page: Page, product: ProductServer, seed: Seed, number: int) -> str:
    incident_id = open_one(product, seed.acme, number)
    await sign_in(page, seed.admin)
    await page.goto(f"/c/{seed.acme.id}/incidents/{incident_id}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(f"host-{number:05d}")
    return incident_id


def incident(ada: httpx.Client, seed: Seed, incident_id: str) -> dict[str, Any]:
    answer = ada.get(f"/api/incidents/{incident_id}", params={"company_id": seed.acme.id})
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


async def test_a_wrong_password_is_refused_in_words(product: ProductServer, seed: Seed, browser: Browser) -> None:
    async with visit(browser, product.url) as page:
        await page.goto("/")
        await page.get_by_label("Email").fill(seed.admin.email)
        await page.get_by_label("Password", exact=True).fill("not the password")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()


async def test_an_incident_is_acknowledged_by_one_key(
    product: ProductServer, seed: Seed, ada: httpx.Client, browser: Browser
) -> None:
    async with visit(browser, product.url) as page:
        incident_id = await open_page(page, product, seed, 1)
        await page.keyboard.press("a")
        await expect(page.get_by_test_id("timeline")).to_contain_text("acknowledged", ignore_case=True)
        after = incident(ada, seed, incident_id)
        assert after["status"] == "in_progress"
        assert after["acknowledged_at"] is not None


async def test_a_note_is_written_without_the_mouse(
    product: ProductServer, seed: Seed, ada: httpx.Client, browser: Browser
) -> None:
    async with visit(browser, product.url) as page:
        incident_id = await open_page(page, product, seed, 2)
        await page.keyboard.press("c")
        await page.keyboard.type("Cleaned the log folder.")
        # What is being typed stands in the timeline too: only the answer says that the server has it.
        async with page.expect_response("**/note"):
            await page.keyboard.press("Control+Enter")
        await expect(page.get_by_test_id("timeline")).to_contain_text("Cleaned the log folder.")
        answer = ada.get(f"/api/incidents/{incident_id}/timeline", params={"company_id": seed.acme.id})
        assert "Cleaned the log folder." in [entry["text"] for entry in answer.json()]


async def test_a_resolve_can_be_taken_back(
    product: ProductServer, seed: Seed, ada: httpx.Client, browser: Browser
) -> None:
    async with visit(browser, product.url) as page:
        incident_id = await open_page(page, product, seed, 3)
        await page.get_by_role("button", name="Resolve").first.click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Resolve").click()
        await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
        assert incident(ada, seed, incident_id)["status"] == "resolved"
        await page.get_by_role("button", name="Undo").first.click()
        await expect(page.get_by_role("button", name="Resolve").first).to_be_visible()
        assert incident(ada, seed, incident_id)["status"] == "new"


async def test_what_one_person_does_another_sees_at_once(
    product: ProductServer, seed: Seed, ada: httpx.Client, browser: Browser
) -> None:
    async with visit(browser, product.url) as watched:
        incident_id = await open_page(watched, product, seed, 4)
        body = {"company_id": seed.acme.id}
        ada.post(f"/api/incidents/{incident_id}/escalate", json=body).raise_for_status()
        await expect(watched.get_by_test_id("timeline")).to_contain_text("escalated", ignore_case=True)
