"""The servers that are measured, each started as its users start it, on an empty folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from benchmarks.alerts import AlertmanagerTarget, LoadAlert, ProductTarget
from tests.support.alertmanager import Alertmanager
from tests.support.processes import OwnedProcess, answers, free_port
from tests.support.product import (
    ProductServer,
    Seed,
    lift_rate_limit,
    require_signatures,
)

_ROOT = Path(__file__).parent.parent


class Target(Protocol):
    """Renders alerts as whole requests for one server."""

    @property
    def port(self) -> int: ...

    def singles(self, alerts: Sequence[LoadAlert]) -> list[bytes]: ...

    def arrays(self, alerts: Sequence[LoadAlert], size: int) -> list[bytes]: ...


@dataclass(frozen=True)
class Subject:
    """One started server under load."""

    name: str
    process: OwnedProcess
    target: Target
    start_seconds: float


@dataclass(frozen=True)
class ProductSubject(Subject):
    """The product, seeded, with signatures required of Acme and no rate limit in reach."""

    server: ProductServer
    seed: Seed
    client: httpx.Client

    @property
    def company_id(self) -> str:
        return self.seed.acme.id

    def open_incidents(self) -> int:
        answer = self.client.get(f"/api/companies/{self.company_id}/summary").raise_for_status()
        count: int = answer.json()["open_incidents"]
        return count

    def received(self) -> int:
        """Incoming alerts by the ledger; RuntimeError when it does not balance."""
        params: dict[str, str | int] = {"company_id": self.company_id, "hours": 24}
        ledger = self.client.get("/api/ledger", params=params).raise_for_status().json()
        if not ledger["balanced"]:
            raise RuntimeError(f"the ledger does not balance: {ledger}")
        count: int = ledger["totals"]["received"]
        return count


@contextmanager
def product(folder: Path, *, sign: bool = True, settings: Mapping[str, str] | None = None) -> Iterator[ProductSubject]:
    """A fresh product, one process; on its embedded database where the settings name no other, empty one."""
    server = ProductServer(folder, settings or {})
    if server.settings.get("DATABASE_TYPE") == "dynamodb":
        server.run("db", "create-tables")
    seed = server.seed()
    started = time.perf_counter()
    server.start()
    start_seconds = time.perf_counter() - started
    try:
        with server.signed_in(seed.admin) as client:
            lift_rate_limit(client, seed.acme)
            if sign:
                require_signatures(client, seed.acme)
            target = ProductTarget(server.port, seed.acme.api_key, seed.acme.hmac_secret if sign else None)
            yield ProductSubject("Alert Whisperer", server.process, target, start_seconds, server, seed, client)
    finally:
        server.stop()


@contextmanager
def alertmanager(folder: Path) -> Iterator[Subject]:
    """A fresh Alertmanager that groups by the same pair and notifies nobody."""
    server = Alertmanager(folder)
    started = time.perf_counter()
    server.start()
    start_seconds = time.perf_counter() - started
    try:
        yield Subject("Alertmanager", server.process, AlertmanagerTarget(server.port), start_seconds)
    finally:
        server.stop()


@contextmanager
def null_server(folder: Path) -> Iterator[Subject]:
    """A raw ASGI application that does nothing, on the product's HTTP server."""
    port = free_port()
    process = OwnedProcess(
        argv=[
            *(sys.executable, "-m", "uvicorn", "benchmarks.null_server:app"),
            *("--port", str(port), "--no-access-log", "--log-level", "warning"),
        ],
        folder=folder,
        name="null",
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    process.start()
    try:
        process.wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), seconds=15)
        yield Subject("null ASGI server", process, ProductTarget(port, "key", "secret"), 0.0)
    finally:
        process.stop()
