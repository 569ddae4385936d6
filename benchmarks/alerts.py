"""The alerts of a load, rendered as whole HTTP requests for each server that takes them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SIGNATURES: Final = ("high_cpu_usage", "disk_almost_full", "replica_lag", "job_failed", "oom_kill")
_SEVERITIES: Final = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class LoadAlert:
    """One alert of a load: `number` makes it distinct, `key` says what it correlates by."""

    number: int
    key: int
    prefix: str

    @property
    def asset_name(self) -> str:
        return f"{self.prefix}-host-{self.key // len(_SIGNATURES):06d}.example.com"

    @property
    def signature(self) -> str:
        return _SIGNATURES[self.key % len(_SIGNATURES)]

    @property
    def severity(self) -> str:
        return _SEVERITIES[self.number % len(_SEVERITIES)]

    @property
    def message(self) -> str:
        return f"{self.signature} on {self.asset_name}: threshold crossed for 5 minutes"

    @property
    def dedup_key(self) -> str:
        return f"{self.prefix}-{self.number:08d}"

    @property
    def labels(self) -> dict[str, str]:
        return {"site": "fra1", "team": "platform", "shard": f"{self.number:08d}"}

    def document(self) -> dict[str, object]:
        """As `POST /api/webhooks/alerts` takes it; some 390 bytes of JSON."""
        return {
            "asset_name": self.asset_name,
            "signature": self.signature,
            "severity": self.severity,
            "message": self.message,
            "tool_source": "Load generator",
            "status": "firing",
            "dedup_key": self.dedup_key,
            "labels": self.labels,
        }

    def alertmanager_document(self) -> dict[str, object]:
        """The same content as Alertmanager's v2 API takes it."""
        return {
            "labels": {
                "instance": self.asset_name,
                "alertname": self.signature,
                "severity": self.severity,
                "job": "Load generator",
                **self.labels,
            },
            "annotations": {"summary": self.message},
        }


def make_alerts(count: int, *, keys: int, prefix: str) -> list[LoadAlert]:
    """`count` distinct alerts over at most `keys` pairs of asset and signature."""
    return [LoadAlert(number=n, key=n % keys, prefix=prefix) for n in range(count)]


def encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass(frozen=True)
class ProductTarget:
    """Where and as whom the product is sent alerts; a secret turns signing on."""

    port: int
    api_key: str
    hmac_secret: str | None = None

    def request(self, body: bytes) -> bytes:
        """A signed POST; valid for some minutes, since the timestamp is signed too."""
        signed = ""
        if self.hmac_secret is not None:
            timestamp = str(int(time.time()))
            digest = hmac.digest(self.hmac_secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hex()
            signed = f"X-Timestamp: {timestamp}\r\nX-Signature: {digest}\r\n"
        headers = f"X-API-Key: {self.api_key}\r\n{signed}"
        return post("/api/webhooks/alerts", self.port, headers, body)

    def singles(self, alerts: Sequence[LoadAlert]) -> list[bytes]:
        return [self.request(encode(alert.document())) for alert in alerts]

    def arrays(self, alerts: Sequence[LoadAlert], size: int) -> list[bytes]:
        return [
            self.request(encode([alert.document() for alert in alerts[at : at + size]]))
            for at in range(0, len(alerts), size)
        ]


@dataclass(frozen=True)
class AlertmanagerTarget:
    """Alertmanager's v2 API, which takes arrays only; a single is an array of one."""

    port: int

    def singles(self, alerts: Sequence[LoadAlert]) -> list[bytes]:
        return self.arrays(alerts, 1)

    def arrays(self, alerts: Sequence[LoadAlert], size: int) -> list[bytes]:
        return [
            post(
                "/api/v2/alerts",
                self.port,
                "",
                encode([alert.alertmanager_document() for alert in alerts[at : at + size]]),
            )
            for at in range(0, len(alerts), size)
        ]


def post(path: str, port: int, headers: str, body: bytes) -> bytes:
    """A whole POST of JSON; `headers` are complete lines."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
