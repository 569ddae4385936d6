"""One product and one browser for all, and real monitoring tools where asked for."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.alertmanager import Alertmanager, Route
from tests.support.browser import chromium
from tests.support.engines import LONG
from tests.support.product import ProductServer, Seed
from tests.support.prometheus import Exporter, Prometheus
from tests.support.served import SETTINGS, served


@pytest.fixture(scope="session", params=sorted(SETTINGS) if LONG else ["sqlite"])
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductServer]:
    """On SQLite; in a long run on each engine in turn."""
    server = served(request, request.param, tmp_path_factory.mktemp("product"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def seed(product: ProductServer) -> Seed:
    """What was seeded before the server started."""
    seeded = product.seed()
    product.start()
    return seeded


@pytest.fixture(scope="session")
def ada(product: ProductServer, seed: Seed) -> Iterator[httpx.Client]:
    """The API as Ada, msp_admin, uses it."""
    with product.signed_in(seed.admin) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def exporter() -> Iterator[Exporter]:
    disks = Exporter()
    disks.start()
    yield disks
    disks.stop()


@pytest.fixture(scope="session")
def monitoring(
    product: ProductServer, seed: Seed, exporter: Exporter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Prometheus watching the exporter's disks, and Alertmanager telling Acme's webhook."""
    hook = f"{product.url}/api/webhooks/alertmanager?api_key={seed.acme.api_key}"
    alertmanager = Alertmanager(tmp_path_factory.mktemp("alertmanager"), Route(url=hook))
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), exporter.port, alertmanager.port)
    try:
        alertmanager.start()
        prometheus.start()
        yield prometheus
    finally:
        prometheus.stop()
        alertmanager.stop()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where pictures are kept for people to look at, if anywhere."""
    folder = os.environ.get("ALERTWHISPERER_SCREENSHOTS")
    if folder is None:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)
