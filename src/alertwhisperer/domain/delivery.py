"""Deliveries: what came in at the door, as it came, and what was answered."""

from collections.abc import Sequence
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


RIDE_AT_MOST: Final = 2_048
"""Bytes of body text that a commit's deliveries may have in all to ride in its log record.

More would make a page of 1,000 records large in the memory of whoever catches up with the log.
"""


def may_ride(deliveries: Sequence[Delivery]) -> bool:
    """Whether a commit's deliveries are small enough to ride in its record; else they are an `Intake`."""
    return sum(len(each.body.encode()) for each in deliveries) <= RIDE_AT_MOST


class Intake(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Deliveries in the order in which they were decided: a large commit's, or those that rode in swept records.

    `received_at` is the first one's. `records` says whose they are: (seq of the record, how many are its), in order;
    empty in those that were written before anything rode.
    """

    company_id: str
    id: str
    received_at: Instant
    deliveries: list[Delivery]
    records: list[tuple[int, int]] = []


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
