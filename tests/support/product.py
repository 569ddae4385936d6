"""The product as its users start it: a process of its own on a database file of its own."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import msgspec

import alertwhisperer
from tests.support.processes import OwnedProcess, answers, free_port

# Whatever the developer's shell says about databases must not reach a test's server.
_FOREIGN: Final = ("DATABASE_TYPE", "MONGO_URL", "DYNAMODB_TABLE_PREFIX", "SQLITE_PATH")
_SOURCES: Final = Path(alertwhisperer.__file__).parent.parent
_COMMAND: Final = (sys.executable, "-m", "alertwhisperer.cli.main")


class SeededCompany(msgspec.Struct, frozen=True):
    """One company as `seed --json` prints it."""

    id: str
    name: str
    api_key: str
    hmac_secret: str


class SeededUser(msgspec.Struct, frozen=True):
    """One sign-in as `seed --json` prints it."""

    email: str
    password: str
    role: str


class Seed(msgspec.Struct, frozen=True):
    """What `seed --json` prints; the first company is Acme Corp."""

    companies: list[SeededCompany]
    users: list[SeededUser]

    @property
    def admin(self) -> SeededUser:
        return next(user for user in self.users if user.role == "msp_admin")

    @property
    def acme(self) -> SeededCompany:
        return next(company for company in self.companies if company.name.startswith("Acme"))

    @property
    def others(self) -> list[SeededCompany]:
        return [company for company in self.companies if company != self.acme]


@dataclass
class ProductServer:
    """`alertwhisperer serve` on `folder/alertwhisperer.db`; may be killed and started again."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    database: Path | None = None
    process: OwnedProcess = field(init=False)

    def __post_init__(self) -> None:
        self.process = OwnedProcess(
            argv=[*_COMMAND, "serve", "--host", "127.0.0.1", "--port", str(self.port)],
            folder=self.folder,
            name=f"server-{self.port}",
            env=self._environment(),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_path(self) -> Path:
        return self.database or self.folder / "alertwhisperer.db"

    def start(self, *, seconds: float = 20) -> None:
        self.process.start()
        self.process.wait_until(lambda: answers(f"{self.url}/readyz"), seconds=seconds)

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def seed(self) -> Seed:
        """Adds the sample companies and people; may run beside a running server."""
        done = self.run("seed", "--json")
        return msgspec.json.decode(done, type=Seed)

    def run(self, *arguments: str) -> bytes:
        """The standard output of one `alertwhisperer` command on the same database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [*_COMMAND, *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.decode()[-4000:]}")
        return done.stdout

    def sibling(self) -> ProductServer:
        """Another process on the same database file, not yet started."""
        return ProductServer(self.folder, self.settings, database=self.database_path)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return {
            **kept,
            "PYTHONPATH": str(_SOURCES),
            "SQLITE_PATH": str(self.database_path),
            **self.settings,
        }

    @contextmanager
    def signed_in(self, user: SeededUser) -> Iterator[httpx.Client]:
        """A client of the API with the user's bearer token."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            credentials = {"email": user.email, "password": user.password}
            answer = client.post("/api/auth/login", json=credentials).raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client


def lift_rate_limit(client: httpx.Client, company: SeededCompany) -> None:
    """Sets the limit so high that no load reaches it; the bucket itself stays in the path."""
    limit = {"requests_per_minute": 100_000_000, "burst_size": 100_000_000, "enabled": True}
    put_config(client, company, "rate_limit", limit)


def require_signatures(client: httpx.Client, company: SeededCompany) -> None:
    """Turns HMAC on; the secret is the seeded one."""
    put_config(client, company, "webhook_security", {"hmac_enabled": True})


def put_config(client: httpx.Client, company: SeededCompany, config_type: str, change: Mapping[str, object]) -> None:
    """PUTs a config with some of its fields changed."""
    path = f"/api/companies/{company.id}/configs/{config_type}"
    client.put(path, json=change).raise_for_status()


def signature_headers(secret: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """X-Timestamp and X-Signature for a body, as the webhooks ask for them."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return {"X-Timestamp": timestamp, "X-Signature": digest.hex()}


def every_page(client: httpx.Client, path: str, params: Mapping[str, str]) -> list[dict[str, object]]:
    """All items of a list, by following its `Link: rel="next"`."""
    answer = client.get(path, params={**params, "limit": "1000"}).raise_for_status()
    items: list[dict[str, object]] = answer.json()
    while following := answer.links.get("next"):
        answer = client.get(following["url"]).raise_for_status()
        items += answer.json()
    return items


def alert_document(number: int, **changes: object) -> dict[str, object]:
    """A generic alert of a host and a check that nobody else uses."""
    return {
        "asset_name": f"host-{number:05d}",
        "signature": "disk_almost_full",
        "severity": "high",
        "message": f"Disk of host-{number:05d} is 93 % full",
        "tool_source": "Test sender",
        **changes,
    }
