"""Secrets at rest: AES-GCM (NIST SP 800-38D), each bound to the place where it is kept."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alertwhisperer.domain.errors import Invalid
from alertwhisperer.ports import Key

NONCE_BYTES: Final = 12


class AesVault:
    """A Vault over `ENCRYPTION_KEYS`: id → 32 bytes; the first encrypts, all decrypt.

    A sealed secret reads `id:base64url(nonce + ciphertext + tag)`. The nonce is random, 96 bits; its place is
    associated data, so ciphertext copied to another company or field does not open.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._first = next(iter(keys))

    def seal(self, plain: str, *, place: Key) -> str:
        """Encrypt with the first key."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = self._ciphers[self._first].encrypt(nonce, plain.encode(), _bound_to(place))
        return f"{self._first}:{urlsafe_b64encode(nonce + body).decode()}"

    def unseal(self, sealed: str, *, place: Key) -> str:
        """Decrypt with the key that the text names; Invalid if it does not open here."""
        key_id, _, encoded = sealed.partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Invalid("sealed with a key that ENCRYPTION_KEYS does not hold", "ENCRYPTION_KEYS")
        try:
            raw = urlsafe_b64decode(encoded)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound_to(place)).decode()
        except (InvalidTag, ValueError) as error:
            raise Invalid("this secret was not sealed for this place") from error


def _bound_to(place: Key) -> bytes:
    parts = [str(part) for part in place]
    if any("|" in part for part in parts):
        raise Invalid("the place of a secret holds no |")
    return "|".join(parts).encode()
