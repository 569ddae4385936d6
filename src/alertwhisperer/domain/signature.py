"""Signed deliveries: HMAC-SHA256 over `<timestamp>.<raw body>`, and the Standard Webhooks form."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256

from alertwhisperer.domain.company import WebhookSecurityConfig
from alertwhisperer.domain.errors import Unauthenticated

_DIGITS_AT_MOST = 12


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The lower-case hex HMAC-SHA256 of `<timestamp>.<body>`."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def verify(
    config: WebhookSecurityConfig,
    secrets: Sequence[str],
    headers: Mapping[bytes, bytes],
    body: bytes,
    *,
    unix_seconds: float,
) -> None:
    """Unauthenticated, saying why, unless one of the secrets signed this body within the allowed skew.

    headers: names in lower case. Standard Webhooks (standardwebhooks.com, "Signature scheme") signs
    `<webhook-id>.<webhook-timestamp>.<body>` and sends base64 after `v1,`.
    """
    given = headers.get(_name(config.signature_header))
    if given is None and b"webhook-signature" in headers:
        _verify_standard(config, secrets, headers, body, unix_seconds)
        return
    if given is None:
        raise Unauthenticated(f"the header {config.signature_header} is missing: this company's deliveries are signed")
    timestamp = headers.get(_name(config.timestamp_header), b"").decode("latin-1")
    _check_skew(config, timestamp, config.timestamp_header, unix_seconds)
    bare = given.strip().removeprefix(b"sha256=")
    if not _any_equal([sign(secret, timestamp, body).encode() for secret in secrets], [bare]):
        raise Unauthenticated("the signature does not fit the timestamp and body")


def _verify_standard(
    config: WebhookSecurityConfig,
    secrets: Sequence[str],
    headers: Mapping[bytes, bytes],
    body: bytes,
    unix_seconds: float,
) -> None:
    timestamp = headers.get(b"webhook-timestamp", b"").decode("latin-1")
    _check_skew(config, timestamp, "webhook-timestamp", unix_seconds)
    signed = headers.get(b"webhook-id", b"") + b"." + timestamp.encode() + b"." + body
    given = [each[3:] for each in headers[b"webhook-signature"].split() if each.startswith(b"v1,")]
    made = [b64encode(hmac.new(_standard_key(secret), signed, sha256).digest()) for secret in secrets]
    if not _any_equal(made, given):
        raise Unauthenticated("the webhook-signature does not fit the id, timestamp and body")


def _standard_key(secret: str) -> bytes:
    try:
        return (
            b64decode(secret.removeprefix("whsec_"), validate=True) if secret.startswith("whsec_") else secret.encode()
        )
    except Base64Error:
        return secret.encode()


@cache
def _name(header: str) -> bytes:
    return header.lower().encode()


def _check_skew(config: WebhookSecurityConfig, timestamp: str, header: str, unix_seconds: float) -> None:
    if not timestamp.isdecimal() or len(timestamp) > _DIGITS_AT_MOST:
        raise Unauthenticated(f"the header {header} must hold Unix seconds")
    if abs(unix_seconds - int(timestamp)) > config.max_skew_seconds:
        raise Unauthenticated(f"{header} is more than {config.max_skew_seconds} s away from this server's clock")


def _any_equal(made: Sequence[bytes], given: Sequence[bytes]) -> bool:
    """Whether any pair is equal, in a time that does not depend on where they differ."""
    found = False
    for one in made:
        for other in given:
            found |= hmac.compare_digest(one, other)
    return found
