"""Moving to another database while the product runs (DESIGN §8): what both databases keep of it.

All of it lies in the log of the MSP's own partition, and is never itself carried from one database to the other.
"""

from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.event import Record
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import MSP

FENCE_ID: Final = "fence"
HOLD_PREFIX: Final = "hold#"
TRANSFER_ID: Final = "transfer"

FENCE_KEY: Final = (MSP, FENCE_ID)
TRANSFER_KEY: Final = (MSP, TRANSFER_ID)

HOLDS: Final = {"company_id": MSP, "id": {"$gte": HOLD_PREFIX, "$lt": "hold$"}}
"""The query of all holds: `$` comes next to `#`."""

FENCE_COMMIT: Final = "fence#"
"""What the commit id begins with of a record that only takes a place, a fence's or a backup's; others are UUIDs."""

Stage = Literal["copying", "following", "switched", "finished", "returned"]


class Fence(Struct, frozen=True, kw_only=True):
    """While it stands in a database nothing is committed there; who tries comes back in `retry_after` seconds.

    A record that does nothing is put at the end of every log when it is set: whoever had a log's state in memory loses
    the race for that place, reads the record, and finds the fence.
    """

    company_id: str = MSP
    id: str = FENCE_ID
    at: Instant
    reason: str
    retry_after: float


class Hold(Struct, frozen=True, kw_only=True):
    """Until this instant retention deletes nothing: somebody is copying, and reads the log's tail.

    Each who copies has a hold of their own: none is shortened by another's end.
    """

    company_id: str = MSP
    id: str
    until: Instant


class Place(Struct, frozen=True):
    """How far the copy has come: everything up to this key."""

    collection: str
    partition: str
    within: str | int | None = None


class Failure(Struct, frozen=True):
    """A document that was not carried over, and why."""

    collection: str
    key: tuple[str | int, ...]
    why: str


class Transfer(Struct, frozen=True, kw_only=True):
    """How far a database has taken over another; kept in the one that takes over, and read to resume.

    `heads`: company → seq of the other's log up to which it has been followed. `source` names the other, without its
    password. `owner`: the command that is at it; one that another has taken its place from stops.
    """

    company_id: str = MSP
    id: str = TRANSFER_ID
    source: str
    stage: Stage = "copying"
    started_at: Instant
    owner: str | None = None
    heads: dict[str, int] = {}
    place: Place | None = None
    copied: dict[str, int] = {}
    failures: list[Failure] = []


def hold_key(holder: str) -> tuple[str, str]:
    """The key of the hold of whoever copies to `holder`."""
    return (MSP, f"{HOLD_PREFIX}{holder}")


def is_own(within: str) -> bool:
    """Whether a document of the MSP's snapshots is one of these: of one database alone."""
    return within in {FENCE_ID, TRANSFER_ID} or within.startswith(HOLD_PREFIX)


def is_fence(record: Record) -> bool:
    """Whether the record is there to stop writers."""
    return record.commit_id.startswith(FENCE_COMMIT)
