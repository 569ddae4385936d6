"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.support.processes import find_program, missing
from tests.support.product import SeededUser

Theme = Literal["dark", "light"]
THEMES: Final[tuple[Theme, ...]] = ("dark", "light")
DESKTOP: Final = (1280, 720)
PHONE: Final = (390, 844)
_AXE: Final = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser; skips the test (or fails it, if required) when there is none."""
    program = find_program("chromium", variable="ALERTWHISPERER_CHROMIUM", package="chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(program), headless=True, args=list(_FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser, url: str, *, size: tuple[int, int] = DESKTOP, theme: Theme = "dark"
) -> AsyncIterator[Page]:
    """A page in a context of its own, which forgets everything at the end."""
    context: BrowserContext = await browser.new_context(
        base_url=url,
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        # The page's own policy must not keep the accessibility checker out.
        bypass_csp=True,
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def sign_in(page: Page, user: SeededUser) -> None:
    """Through the form, as a person does."""
    await page.goto("/")
    await page.get_by_label("Email").fill(user.email)
    await page.get_by_label("Password", exact=True).fill(user.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_test_id("live-chip").first.wait_for()


async def axe_violations(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands: rule, help, and where."""
    if not _AXE.exists():
        missing("axe-core is not installed (make check installs it with the browser app's own tools)")
    await page.add_script_tag(path=_AXE)
    found = await page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']} at {' '.join(map(str, node['target']))}: {' '.join(node['failureSummary'].split())}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
