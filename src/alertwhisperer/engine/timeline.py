"""The timeline of an incident: what every verb, note and turn leaves behind."""

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain import incident as steps
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.scope import SYSTEM
from alertwhisperer.domain.timeline import EntryKind, TimelineEntry
from alertwhisperer.engine.draft import Draft


class Act(Struct, frozen=True, kw_only=True):
    """What a timeline entry says, before it has an id and an instant."""

    kind: EntryKind
    text: str
    verb: str = ""
    changes: dict[str, list[object]] = {}
    details: dict[str, object] = {}
    internal: bool = False


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
    said = details or {}
    write(draft, after, Act(kind="verb", text=text, verb=verb, changes=steps.changes(before, after), details=said))
    draft.audit(f"incident.{verb}", {"incident_id": after.id, "title": after.title, **said})
    return after


def write(draft: Draft, incident: Incident, act: Act) -> None:
    """Add an entry to an incident's timeline and tell it."""
    entry = TimelineEntry(
        id=draft.new_id(),
        company_id=incident.company_id,
        incident_id=incident.id,
        at=draft.now,
        kind=act.kind,
        verb=act.verb,
        actor=replace(draft.actor, ip_address=None),
        text=act.text,
        changes=act.changes,
        details=act.details,
        internal=act.internal,
    )
    draft.put(entry)
    draft.tell("timeline", entry, internal=act.internal)


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


def end_by_source(draft: Draft, incident: Incident) -> Incident:
    """All its alerts have ended at their sources: the incident has too. Ingest and the quiet timer use it."""
    after = steps.resolved_by_alerts(incident, draft.now)
    draft.put(after)
    draft.tell("incident_updated", after)
    draft.count("incidents.resolved_by_source")
    write(draft, after, Act(kind="resolved_by_source", text="Resolved: every alert has cleared at its source"))
    return after


def come_back(draft: Draft, incident: Incident, sentence: str) -> Incident:
    """A new episode reopens an incident that was resolved a short while ago."""
    after = replace(steps.reopen(incident, draft.now), open_alert_count=0)
    draft.count("incidents.reopened")
    write(draft, after, Act(kind="reopened", text=sentence))
    return after
