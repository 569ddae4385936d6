"""The audit chain: every entry carries the keyed hash of the one before it."""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from msgspec import Struct, json
from msgspec.structs import asdict, replace

from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor

GENESIS: Final = "0" * 64
"""What the first entry of a chain gives as its previous hash."""


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who did what, when, from where. `hash` is HMAC-SHA256 over the entry's canonical JSON without `hash`."""

    company_id: str
    id: str
    timestamp: Instant
    action: str
    user_id: str
    user_name: str
    ip_address: str | None = None
    details: dict[str, object] = {}
    previous_hash: str = ""
    hash: str = ""


def entry(
    company_id: str,
    entry_id: str,
    at: Instant,
    actor: Actor,
    action: str,
    details: dict[str, object],
) -> AuditEntry:
    """An entry not yet linked into a chain."""
    return AuditEntry(
        company_id=company_id,
        id=entry_id,
        timestamp=at,
        action=action,
        user_id=actor.id,
        user_name=actor.name,
        ip_address=actor.ip_address,
        details=details,
    )


def link(unlinked: AuditEntry, previous_hash: str, key: bytes) -> AuditEntry:
    """The entry as the next link of a chain."""
    with_previous = replace(unlinked, previous_hash=previous_hash, hash="")
    return replace(with_previous, hash=_digest(with_previous, key))


def first_broken(entries: Iterable[AuditEntry], key: bytes, start: str = GENESIS) -> AuditEntry | None:
    """The first entry, oldest first, that does not follow from the one before it; None if all do."""
    previous = start
    for each in entries:
        if each.previous_hash != previous or not hmac.compare_digest(each.hash, _digest(each, key)):
            return each
        previous = each.hash
    return None


def _digest(each: AuditEntry, key: bytes) -> str:
    fields = {name: value for name, value in asdict(each).items() if name != "hash"}
    return hmac.new(key, json.encode(fields, order="sorted"), sha256).hexdigest()
