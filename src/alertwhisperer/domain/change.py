"""What one commit writes: the answer of every decision, all of it or nothing."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from alertwhisperer.domain.delivery import Delivery
from alertwhisperer.domain.event import EventType

ABSENT: Final[Mapping[str, object]] = {}
"""The expectation that a document is not there yet."""


class Put(Struct, frozen=True, gc=False):
    """Write one whole document (a Struct of `schema.py`).

    expect: None for no matter what was there; ABSENT for nothing; else field → value of the stored document.
    """

    collection: str
    document: Struct
    expect: Mapping[str, object] | None = None


class Delete(Struct, frozen=True, gc=False):
    """Delete one document by its key; `expect` as in `Put`."""

    collection: str
    key: tuple[str | int, ...]
    expect: Mapping[str, object] | None = None


Write = Put | Delete


class Event(Struct, frozen=True, gc=False):
    """A fact to tell: `document` is also written in the same change, or stands for itself (a `storm`)."""

    type: EventType
    document: Struct
    internal: bool = False


class Storm(Struct, frozen=True, kw_only=True):
    """What readers are told of a commit too large to tell one by one."""

    alerts: int
    incidents: int
    reason: str


class Change(Struct, frozen=True, kw_only=True):
    """The writes, facts and counter deltas of one commit. At most one write for each key.

    `deliveries` go into the record itself.
    """

    writes: tuple[Write, ...] = ()
    events: tuple[Event, ...] = ()
    counts: Mapping[str, int] = {}
    audit_head: str = ""
    deliveries: tuple[Delivery, ...] = ()
