"""The log: one record a commit. Timeline, audit, counters, live and other processes are readers of it."""

from typing import Final, Literal

from msgspec import Raw, Struct

from alertwhisperer.domain.delivery import Delivery
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor

EventType = Literal[
    "alert_received",
    "alert_updated",
    "incident_created",
    "incident_updated",
    "timeline",
    "asset_updated",
    "asset_deleted",
    "company_updated",
    "user_updated",
    "notification",
    "storm",
]

STORM_AT: Final = 200
"""A commit with more events than this tells readers one `storm` with counts instead."""


GONE: Final = Raw(b"null")
"""The data of an event whose document has been deleted since: nothing to tell any more."""


class LoggedEvent(Struct, frozen=True, gc=False, omit_defaults=True):
    """One fact of a commit; `data` is JSON, encoded once for row and socket.

    What the commit has written beside it the log does not keep twice: such an event holds the document's `place` among
    what was touched, and read from there tells the document as it stands now. `internal`: not for clients (a client's
    role sees no internal notes).
    """

    type: EventType
    data: Raw = GONE
    internal: bool = False
    place: int | None = None


class Record(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What one commit did. `(company_id, seq)` is its key; `seq` has no gaps; `commit_id` tells my commit from yours.

    `touched` lists (collection, key of the document within the company) of all that was written or deleted.
    `deliveries` are those that were decided in it, if they are small (`RIDE_AT_MOST`); else an `Intake` is touched.
    """

    company_id: str
    seq: int
    commit_id: str
    at: Instant
    actor: Actor
    events: list[LoggedEvent] = []
    counts: dict[str, int] = {}
    audit_head: str = ""
    touched: list[tuple[str, str]] = []
    deliveries: list[Delivery] = []


class Frame(Struct, frozen=True, kw_only=True):
    """One event on the wire; `id` is `company:seq:n`, the cursor from which a reader resumes."""

    id: str
    type: str
    data: Raw
    timestamp: Instant


class Cursor(Struct, frozen=True):
    """A place in one company's log: after event `n` of record `seq`."""

    company_id: str
    seq: int
    n: int

    def __str__(self) -> str:
        return f"{self.company_id}:{self.seq}:{self.n}"


def read_cursor(text: str) -> Cursor | None:
    """The cursor that `company:seq:n` names; None if it is not one."""
    parts = text.rsplit(":", 2)
    if (
        len(parts) != len(Cursor.__struct_fields__)
        or not parts[0]
        or not parts[1].isdecimal()
        or not parts[2].isdecimal()
    ):
        return None
    return Cursor(parts[0], int(parts[1]), int(parts[2]))


def frames(record: Record, after_n: int = -1) -> list[tuple[Frame, bool]]:
    """The frames of a record behind event `after_n`, each with whether it is internal."""
    return [
        (
            Frame(
                id=f"{record.company_id}:{record.seq}:{n}",
                type=event.type,
                data=event.data,
                timestamp=record.at,
            ),
            event.internal,
        )
        for n, event in enumerate(record.events)
        if n > after_n and event.data is not GONE
    ]
