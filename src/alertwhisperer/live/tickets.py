"""One-time tickets: how a browser without a cookie, or a tool, opens a socket (whose handshake takes no header).

A ticket is `payload.signature`, both base64url: JSON of subject, expiry and nonce, signed by HMAC-SHA256 (RFC 2104)
with a key of its own, drawn from the JWT secret. It is its own proof, so any process redeems it; the receipt of its
nonce in the database lets only one.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Final

import msgspec
from msgspec import Struct

from alertwhisperer.domain.change import ABSENT, Put
from alertwhisperer.domain.delivery import Receipt
from alertwhisperer.domain.errors import Stale, Unauthenticated
from alertwhisperer.domain.instant import Instant, plus
from alertwhisperer.domain.scope import MSP
from alertwhisperer.ports import Clock, Ids, Log

LIFE_SECONDS: Final = 30


class _Ticket(Struct, frozen=True):
    subject: str
    expires_at: Instant
    nonce: str


class Tickets:
    """Makes and redeems tickets. A `subject` is whatever the caller needs to know again, such as a session's id."""

    def __init__(self, secret: str, log: Log, clock: Clock, ids: Ids) -> None:
        self._key = hmac.digest(secret.encode(), b"alertwhisperer socket ticket", "sha256")
        self._log = log
        self._clock = clock
        self._ids = ids

    def issue(self, subject: str) -> tuple[str, Instant]:
        """A ticket for this subject, and when it expires (30 s from now)."""
        expires_at = plus(self._clock.now(), LIFE_SECONDS)
        payload = _armour(msgspec.json.encode(_Ticket(subject, expires_at, self._ids.new_id())))
        return f"{payload}.{self._sign(payload)}", expires_at

    async def redeem(self, text: str) -> str:
        """The subject of a ticket that is ours, not expired and not used before; else Unauthenticated."""
        ticket = self._read(text)
        now = self._clock.now()
        if ticket is None or ticket.expires_at <= now:
            raise Unauthenticated("the ticket does not hold, or has expired")
        receipt = Receipt(company_id=MSP, id=f"ticket#{ticket.nonce}", received_at=now, status=204, answer="")
        try:
            await self._log.store([Put("receipts", receipt, expect=ABSENT)])
        except Stale:
            raise Unauthenticated("the ticket was used before") from None
        return ticket.subject

    def _sign(self, payload: str) -> str:
        return _armour(hmac.digest(self._key, payload.encode(), "sha256"))

    def _read(self, text: str) -> _Ticket | None:
        payload, _, signature = text.partition(".")
        if not text.isascii() or not hmac.compare_digest(signature, self._sign(payload)):
            return None
        try:
            return msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Ticket)
        except (NotBase64, msgspec.DecodeError):
            return None


def _armour(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
