"""Deliveries: what came in at the door, as it came, and what was answered."""

from typing import Final

from msgspec import Struct

from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.ledger import Disposition


class Outcome(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What became of one incoming alert; `error` and `field` say why it was rejected."""

    disposition: Disposition
    alert_id: str | None = None
    incident_id: str | None = None
    duplicate: bool = False
    reason: str = ""
    error: str | None = None
    field: str | None = None


class Delivery(Struct, frozen=True, kw_only=True, gc=False):
    """One request of a monitoring tool: its bytes as text, and where each of its alerts ended, in order.

    `id` is the sender's own, empty when it gave none.
    """

    id: str
    source: str
    received_at: Instant
    body: str
    dispositions: list[Disposition] = []


class Intake(Struct, frozen=True, kw_only=True, gc=False):
    """The deliveries of one commit, in the order in which they were decided: what a replay reads."""

    company_id: str
    id: str
    received_at: Instant
    deliveries: list[Delivery]


REMEMBERED_SECONDS: Final = 24 * 3600
"""How long a delivery's own id, or an Idempotency-Key, stands for what was done under it."""


class Receipt(Struct, frozen=True, kw_only=True):
    """What was answered under a delivery's own id (or a mutation's Idempotency-Key), for 24 h.

    `answer` is the JSON that the first one got; `attempts` counts it and its repeats; `alert_ids` are those of a
    small delivery, on whose alerts the attempts are shown.
    """

    company_id: str
    id: str
    received_at: Instant
    status: int
    answer: str
    attempts: int = 1
    alert_ids: list[str] = []
    fingerprint: str = ""
