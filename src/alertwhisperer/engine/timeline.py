"""The timeline of an incident: what every verb, note and turn leaves behind."""

from msgspec.structs import replace

from alertwhisperer.domain import incident as steps
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.scope import SYSTEM
from alertwhisperer.domain.timeline import EntryKind, TimelineEntry
from alertwhisperer.engine.draft import Draft


def record_verb(
    draft: Draft,
    before: Incident,
    after: Incident,
    verb: str,
    text: str,
    details: dict[str, object] | None = None,
) -> Incident:
    """Store what a person's verb made of an incident, with its timeline entry, audit entry and event."""
    if after is before:
        return before
    draft.put(after)
    draft.tell("incident_updated", after)
    made = steps.changes(before, after)
    write(draft, after, "verb", text, verb=verb, changes=made, details=details)
    draft.audit(
        f"incident.{verb}",
        {"incident_id": after.id, "title": after.title, **(details or {})},
    )
    return after


def write(
    draft: Draft,
    incident: Incident,
    kind: EntryKind,
    text: str,
    *,
    verb: str = "",
    changes: dict[str, list[object]] | None = None,
    details: dict[str, object] | None = None,
    internal: bool = False,
) -> None:
    """Add an entry to an incident's timeline and tell it."""
    entry = TimelineEntry(
        id=draft.new_id(),
        company_id=incident.company_id,
        incident_id=incident.id,
        at=draft.now,
        kind=kind,
        verb=verb,
        actor=replace(draft.actor, ip_address=None),
        text=text,
        changes=changes or {},
        details=details or {},
        internal=internal,
    )
    draft.put(entry)
    draft.tell("timeline", entry, internal=internal)


def opening(incident: Incident) -> TimelineEntry:
    """The first entry: it follows from the incident, so none is stored."""
    return TimelineEntry(
        id=f"{incident.id}#created",
        company_id=incident.company_id,
        incident_id=incident.id,
        at=incident.created_at,
        kind="created",
        actor=SYSTEM,
        text=incident.reason.sentence,
    )


def end_by_source(draft: Draft, incident: Incident, now: Instant) -> Incident:
    """All its alerts have ended at their sources: the incident has too. Ingest and the quiet timer use it."""
    after = steps.resolved_by_alerts(incident, now)
    draft.put(after)
    draft.tell("incident_updated", after)
    draft.count("incidents.resolved_by_source")
    write(
        draft,
        after,
        "resolved_by_source",
        "Resolved: every alert has cleared at its source",
    )
    return after


def come_back(draft: Draft, incident: Incident, now: Instant, sentence: str) -> Incident:
    """A new episode reopens an incident that was resolved a short while ago."""
    after = replace(steps.reopen(incident, now), open_alert_count=0)
    draft.count("incidents.reopened")
    write(draft, after, "reopened", sentence)
    return after
