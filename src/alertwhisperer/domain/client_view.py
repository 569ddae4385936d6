"""What a client sees: their own incidents, without internal notes and without names of staff (SPEC §14).

No client has verbs, so every person in these documents is staff, and one view serves all clients of a company.
"""

from typing import Final

from msgspec import Raw, json
from msgspec.structs import replace

from alertwhisperer.domain.alert import BY_SOURCE, Alert
from alertwhisperer.domain.event import LoggedEvent
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.reason import Reason
from alertwhisperer.domain.scope import Actor
from alertwhisperer.domain.timeline import TimelineEntry

SUPPORT_ID: Final = "support"
SUPPORT: Final = "Support"

PERSONAL: Final = frozenset({"assigned_to", "assigned_name", "acknowledged_by", "resolved_by"})
"""Fields whose values are people."""

SENTENCES: Final = {"assign": "Assigned", "escalate": "Escalated", "undo": "The last step was taken back"}
"""Verbs whose own text can hold a name or an internal reason, and what a client reads instead."""


def incident(seen: Incident) -> Incident:
    """The incident without names."""
    return replace(
        seen,
        assigned_to=_nobody(seen.assigned_to),
        assigned_name=SUPPORT if seen.assigned_to else None,
        acknowledged_by=_nobody(seen.acknowledged_by),
        resolved_by=_nobody(seen.resolved_by),
        reason=_reason(seen.reason),
    )


def alert(seen: Alert) -> Alert:
    """The alert without names."""
    return replace(seen, resolved_by=_nobody(seen.resolved_by), reason=_reason(seen.reason) if seen.reason else None)


def entry(seen: TimelineEntry) -> TimelineEntry | None:
    """The timeline entry without names; None for an internal one."""
    if seen.internal:
        return None
    if seen.actor.kind == "user":
        seen = replace(seen, actor=Actor(kind="user", id=SUPPORT_ID, name=SUPPORT))
    return replace(
        seen,
        text=SENTENCES.get(seen.verb, seen.text),
        changes={field: change for field, change in seen.changes.items() if field not in PERSONAL},
    )


def timeline(of: Incident, entries: list[TimelineEntry]) -> list[TimelineEntry]:
    """The timeline of an incident without internal entries and names; the first entry tells its reason."""
    shown = [seen for each in entries if (seen := entry(each)) is not None]
    said = _reason(of.reason).sentence
    return [replace(each, text=said) if each.kind == "created" else each for each in shown]


def event(told: LoggedEvent) -> Raw | None:
    """The data of a live event as a client sees it; None if it is not for clients."""
    if told.internal:
        return None
    if told.type in ("incident_created", "incident_updated"):
        return Raw(json.encode(incident(json.decode(told.data, type=Incident))))
    if told.type in ("alert_received", "alert_updated"):
        return _alert_data(told.data)
    if told.type == "timeline":
        shown = entry(json.decode(told.data, type=TimelineEntry))
        return None if shown is None else Raw(json.encode(shown))
    return told.data


def _alert_data(data: Raw) -> Raw:
    """Most alerts name nobody, and go as they are: the same bytes for every reader."""
    seen = json.decode(data, type=Alert)
    shown = alert(seen)
    return data if shown == seen else Raw(json.encode(shown))


def _nobody(person: str | None) -> str | None:
    return person if person in (None, BY_SOURCE) else SUPPORT_ID


def _reason(reason: Reason) -> Reason:
    return replace(reason, sentence="Put here by Support.") if reason.kind == "manual" else reason
