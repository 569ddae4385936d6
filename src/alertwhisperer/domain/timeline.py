"""What happened to an incident, entry by entry; lives as long as the incident does."""

from typing import Literal

from msgspec import Struct

from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import Actor

EntryKind = Literal["created", "alert", "resolved_by_source", "reopened", "verb", "note", "woke"]


class TimelineEntry(Struct, frozen=True, kw_only=True, gc=False):
    """One entry. `changes` maps a field to [before, after]; an `internal` one is not shown to clients."""

    id: str
    company_id: str
    incident_id: str
    at: Instant
    kind: EntryKind
    verb: str = ""
    actor: Actor
    text: str
    changes: dict[str, list[object]] = {}
    undone: bool = False
    internal: bool = False
    details: dict[str, object] = {}
