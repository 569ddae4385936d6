"""Signed deliveries."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from alertwhisperer.domain.company import WebhookSecurityConfig
from alertwhisperer.domain.errors import Unauthenticated
from alertwhisperer.domain.signature import sign, verify

CONFIG = WebhookSecurityConfig(hmac_enabled=True, secret_encrypted="sealed")
BODY = b'{"asset_name": "db-01"}'
NOW = 1_800_000_000


def headers(secret: Any = "s3cret", timestamp: Any = NOW, prefix: Any = "") -> Any:
    signature = prefix + sign(secret, str(timestamp), BODY)
    return {b"x-timestamp": str(timestamp).encode(), b"x-signature": signature.encode()}


@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_a_right_signature_holds_bare_or_with_its_prefix(prefix: Any) -> None:
    verify(CONFIG, ["s3cret"], headers(prefix=prefix), BODY, unix_seconds=NOW)


def test_the_signature_is_that_of_the_documents_client() -> None:
    message = f"{NOW}.{BODY.decode()}"
    expected = hmac.new(b"s3cret", message.encode(), hashlib.sha256).hexdigest()
    assert sign("s3cret", str(NOW), BODY) == expected


@pytest.mark.parametrize("skew", [-300, 300])
def test_five_minutes_of_skew_are_allowed(skew: Any) -> None:
    verify(CONFIG, ["s3cret"], headers(timestamp=NOW + skew), BODY, unix_seconds=NOW)


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({}, BODY),
        (headers(secret="other"), BODY),
        (headers(), BODY + b" "),
        (headers(timestamp=NOW - 301), BODY),
        (headers(timestamp=NOW + 301), BODY),
        ({**headers(), b"x-timestamp": b"now"}, BODY),
        ({**headers(), b"x-signature": b""}, BODY),
        ({**headers(), b"x-signature": "ü".encode()}, BODY),
    ],
)
def test_anything_else_is_refused(given: Any, body: Any) -> None:
    with pytest.raises(Unauthenticated):
        verify(CONFIG, ["s3cret"], given, body, unix_seconds=NOW)


def test_during_an_overlap_both_secrets_hold() -> None:
    verify(CONFIG, ["new", "old"], headers(secret="old"), BODY, unix_seconds=NOW)
    verify(CONFIG, ["new", "old"], headers(secret="new"), BODY, unix_seconds=NOW)


def test_standard_webhooks_are_understood() -> None:
    key = base64.b64encode(b"k" * 24).decode()
    made = base64.b64encode(hmac.new(b"k" * 24, f"msg_1.{NOW}.".encode() + BODY, hashlib.sha256).digest()).decode()
    given = {
        b"webhook-id": b"msg_1",
        b"webhook-timestamp": str(NOW).encode(),
        b"webhook-signature": f"v1,{made} v1,else".encode(),
    }
    verify(CONFIG, [f"whsec_{key}"], given, BODY, unix_seconds=NOW)
    with pytest.raises(Unauthenticated):
        verify(CONFIG, [f"whsec_{key}"], {**given, b"webhook-id": b"msg_2"}, BODY, unix_seconds=NOW)
