"""Incidents: what people work on. Each function is one step of the lifecycle (SPEC §6), from value to value."""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.alert import BY_SOURCE, Alert, IncomingAlert, Severity, worse
from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.reason import Reason
from alertwhisperer.domain.scope import Actor

IncidentStatus = Literal["new", "in_progress", "escalated", "resolved"]
OPEN: Final[tuple[IncidentStatus, ...]] = ("new", "in_progress", "escalated")

TITLE_AT_MOST: Final = 300
NAMES_AT_MOST: Final = 50
"""How many asset names an incident carries; beyond that only their count's lower bound is known."""


class Factor(Struct, frozen=True, gc=False):
    """One part of a priority score: its name, its points, and the fact behind it."""

    name: str
    points: int
    detail: str


class Incident(Struct, frozen=True, kw_only=True, gc=False):
    """One problem. `alert_count` counts episodes, `occurrences` every fire; `revision` counts people's edits.

    `bound_keys` are the stable keys of alerts that a split moved here: their next episodes come here too.
    """

    id: str
    company_id: str
    title: str
    description: str = ""
    status: IncidentStatus = "new"
    severity: Severity
    priority_score: int = 0
    factors: list[Factor] = []
    correlation_key: str
    bound_keys: list[str] = []
    alert_count: int = 0
    open_alert_count: int = 0
    occurrences: int = 0
    severity_counts: dict[str, int] = {}
    tool_sources: list[str] = []
    asset_names: list[str] = []
    asset_count: int = 0
    critical_asset: bool = False
    assigned_to: str | None = None
    assigned_name: str | None = None
    assigned_at: Instant | None = None
    acknowledged_at: Instant | None = None
    acknowledged_by: str | None = None
    resolved_at: Instant | None = None
    resolved_by: str | None = None
    resolution_notes: str = ""
    cause: str = ""
    escalated: bool = False
    escalation_level: int = 0
    snoozed_until: Instant | None = None
    merged_into: str | None = None
    merged_from: list[str] = []
    linked_incident_id: str | None = None
    first_alert_at: Instant
    last_alert_at: Instant
    last_alert_id: str = ""
    reason: Reason
    revision: int = 1
    metadata: dict[str, object] = {}
    created_at: Instant
    updated_at: Instant


def is_open(incident: Incident) -> bool:
    """Whether people still have to do something about it."""
    return incident.status != "resolved"


def open_for(
    alert: Alert | IncomingAlert, *, incident_id: str, company_id: str, key: str, reason: Reason, now: Instant
) -> Incident:
    """A new incident, opened by its first alert (which still has to be added)."""
    received_at = alert.received_at if isinstance(alert, Alert) else now
    return Incident(
        id=incident_id,
        company_id=company_id,
        title=f"{alert.signature} on {alert.asset_name}",
        description=alert.message,
        severity=alert.severity,
        correlation_key=key,
        linked_incident_id=reason.linked_incident_id,
        first_alert_at=received_at,
        last_alert_at=received_at,
        reason=reason,
        created_at=now,
        updated_at=now,
    )


def add(incident: Incident, alert: Alert, *, critical_asset: bool, now: Instant) -> Incident:
    """The incident with one more active episode."""
    known = alert.asset_name in incident.asset_names
    room = len(incident.asset_names) < NAMES_AT_MOST
    return replace(
        incident,
        severity=worse(incident.severity, alert.severity),
        alert_count=incident.alert_count + 1,
        open_alert_count=incident.open_alert_count + 1,
        occurrences=incident.occurrences + alert.occurrences,
        severity_counts=_count(incident.severity_counts, alert.severity, 1),
        tool_sources=_with(incident.tool_sources, alert.tool_source),
        asset_names=[*incident.asset_names, alert.asset_name] if room and not known else incident.asset_names,
        asset_count=incident.asset_count + (1 if room and not known else 0),
        critical_asset=incident.critical_asset or critical_asset,
        last_alert_at=max(incident.last_alert_at, alert.last_received_at),
        last_alert_id=alert.id,
        updated_at=now,
    )


def recurred(incident: Incident, before: Alert, after: Alert, now: Instant) -> Incident:
    """One of its alerts fired again. Severity only rises while it is open."""
    counts = incident.severity_counts
    if before.severity != after.severity:
        counts = _count(_count(counts, before.severity, -1), after.severity, 1)
    return replace(
        incident,
        severity=worse(incident.severity, after.severity),
        occurrences=incident.occurrences + 1,
        severity_counts=counts,
        last_alert_at=max(incident.last_alert_at, after.last_received_at),
        last_alert_id=after.id,
        updated_at=now,
    )


def settled(incident: Incident, now: Instant, count: int = 1) -> Incident:
    """`count` of its alerts ended. Whether that resolves it is `resolved_by_alerts`'s to say."""
    return replace(
        incident,
        open_alert_count=max(incident.open_alert_count - count, 0),
        updated_at=now,
    )


def stirred(incident: Incident, now: Instant, count: int = 1) -> Incident:
    """`count` of its alerts, ended by a person, go on after all."""
    return replace(incident, open_alert_count=incident.open_alert_count + count, updated_at=now)


def resolved_by_alerts(incident: Incident, now: Instant) -> Incident:
    """All its alerts have ended at their sources, so it has too."""
    return replace(
        incident,
        status="resolved",
        resolved_at=now,
        resolved_by=BY_SOURCE,
        updated_at=now,
    )


def acknowledge(incident: Incident, actor: Actor, now: Instant) -> Incident:
    """Somebody has seen it. Acknowledging twice changes nothing."""
    _must_be_open(incident, "acknowledge")
    if incident.acknowledged_at:
        return incident
    status: IncidentStatus = "in_progress" if incident.status == "new" else incident.status
    return _edited(
        replace(incident, status=status, acknowledged_at=now, acknowledged_by=actor.id),
        now,
    )


def assign(incident: Incident, user_id: str | None, user_name: str | None, now: Instant) -> Incident:
    """Somebody's now, or nobody's. The first assignment also counts as seen (SPEC §7)."""
    _must_be_open(incident, "assign")
    if incident.assigned_to == user_id:
        return incident
    if user_id is None:
        return _edited(
            replace(incident, assigned_to=None, assigned_name=None, assigned_at=None),
            now,
        )
    return _edited(
        replace(
            incident,
            status="in_progress" if incident.status == "new" else incident.status,
            assigned_to=user_id,
            assigned_name=user_name,
            assigned_at=now,
            acknowledged_at=incident.acknowledged_at or now,
            acknowledged_by=incident.acknowledged_by or user_id,
        ),
        now,
    )


def escalate(incident: Incident, now: Instant) -> Incident:
    """One level up, from any open state."""
    _must_be_open(incident, "escalate")
    level = incident.escalation_level + 1
    return _edited(
        replace(incident, status="escalated", escalated=True, escalation_level=level),
        now,
    )


def resolve(incident: Incident, actor: Actor, *, notes: str, cause: str, now: Instant) -> Incident:
    """A person says it is over. Its active alerts are cleared beside it."""
    _must_be_open(incident, "resolve")
    return _edited(
        replace(
            incident,
            status="resolved",
            open_alert_count=0,
            resolved_at=now,
            resolved_by=actor.id,
            resolution_notes=notes,
            cause=cause,
            snoozed_until=None,
        ),
        now,
    )


def reopen(incident: Incident, now: Instant) -> Incident:
    """Back to work, under the same id. Within which time is the caller's to check."""
    if is_open(incident):
        raise Conflict("this incident is open already", incident)
    if incident.merged_into:
        raise Conflict("this incident was merged; undo the merge instead", incident)
    if incident.escalated:
        status: IncidentStatus = "escalated"
    else:
        status = "in_progress" if incident.acknowledged_at else "new"
    return _edited(replace(incident, status=status, resolved_at=None, resolved_by=None), now)


def merge(target: Incident, other: Incident, actor: Actor, now: Instant) -> tuple[Incident, Incident]:
    """`other` goes into `target`. Returns (target, other) afterwards; reads of `other` follow its `merged_into`."""
    _must_be_open(target, "merge into")
    _must_be_open(other, "merge")
    if target.id == other.id:
        raise Invalid("an incident cannot be merged into itself", "into")
    counts = target.severity_counts
    for severity, count in other.severity_counts.items():
        counts = _count(counts, severity, count)
    assets = list(dict.fromkeys([*target.asset_names, *other.asset_names]))[:NAMES_AT_MOST]
    merged = replace(
        target,
        severity=worse(target.severity, other.severity),
        alert_count=target.alert_count + other.alert_count,
        open_alert_count=target.open_alert_count + other.open_alert_count,
        occurrences=target.occurrences + other.occurrences,
        severity_counts=counts,
        tool_sources=list(dict.fromkeys([*target.tool_sources, *other.tool_sources])),
        asset_names=assets,
        asset_count=len(assets),
        critical_asset=target.critical_asset or other.critical_asset,
        first_alert_at=min(target.first_alert_at, other.first_alert_at),
        last_alert_at=max(target.last_alert_at, other.last_alert_at),
        merged_from=[*target.merged_from, other.id, *other.merged_from],
    )
    gone = replace(
        other,
        status="resolved",
        merged_into=target.id,
        resolved_at=now,
        resolved_by=actor.id,
        metadata={**other.metadata, "status_before_merge": other.status},
    )
    return _edited(merged, now), _edited(gone, now)


def unmerge(target: Incident, other: Incident, now: Instant) -> tuple[Incident, Incident]:
    """Undo `merge`: what came after the merge stays with `target`. Returns (target, other) afterwards."""
    if other.merged_into != target.id:
        raise Conflict("these two are not merged", other)
    counts = target.severity_counts
    for severity, count in other.severity_counts.items():
        counts = _count(counts, severity, -count)
    apart = {other.id, *other.merged_from}
    kept = replace(
        target,
        alert_count=max(target.alert_count - other.alert_count, 0),
        open_alert_count=max(target.open_alert_count - other.open_alert_count, 0),
        occurrences=max(target.occurrences - other.occurrences, 0),
        severity_counts=counts,
        merged_from=[each for each in target.merged_from if each not in apart],
    )
    before = other.metadata.get("status_before_merge")
    status: IncidentStatus = before if before in OPEN else "new"
    back = replace(
        other,
        status=status,
        merged_into=None,
        resolved_at=None,
        resolved_by=None,
        metadata={name: value for name, value in other.metadata.items() if name != "status_before_merge"},
    )
    return _edited(kept, now), _edited(back, now)


def remove(incident: Incident, alerts: list[Alert], now: Instant) -> Incident:
    """The incident without some of its alerts (a split took them)."""
    counts = incident.severity_counts
    for alert in alerts:
        counts = _count(counts, alert.severity, -1)
    active = sum(alert.status != "resolved" for alert in alerts)
    return _edited(
        replace(
            incident,
            alert_count=max(incident.alert_count - len(alerts), 0),
            open_alert_count=max(incident.open_alert_count - active, 0),
            occurrences=max(incident.occurrences - sum(alert.occurrences for alert in alerts), 0),
            severity_counts=counts,
        ),
        now,
    )


def gather(incident: Incident, alerts: list[Alert], *, critical_assets: set[str], now: Instant) -> Incident:
    """The incident with some alerts more, ended ones included (a split brought them)."""
    for alert in alerts:
        incident = add(incident, alert, critical_asset=alert.asset_name in critical_assets, now=now)
        if alert.status == "resolved":
            incident = settled(incident, now)
    return incident


def snooze(incident: Incident, until: Instant | None, now: Instant) -> Incident:
    """Out of the way until an instant (None wakes it). It mutes nothing but attention: state still flows."""
    _must_be_open(incident, "snooze")
    if until is not None and until <= now:
        raise Invalid("must be in the future", "until")
    return _edited(replace(incident, snoozed_until=until), now)


def retitle(incident: Incident, title: str, now: Instant) -> Incident:
    """A better name for it."""
    if not 1 <= len(title) <= TITLE_AT_MOST:
        raise Invalid(f"must have from 1 to {TITLE_AT_MOST} characters", "title")
    return _edited(replace(incident, title=title), now)


EDITABLE: Final = (
    "status",
    "title",
    "assigned_to",
    "assigned_name",
    "assigned_at",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "resolved_by",
    "resolution_notes",
    "cause",
    "escalated",
    "escalation_level",
    "snoozed_until",
    "merged_into",
)
"""What people's verbs change: what a timeline entry records as before and after, and what undo puts back."""


def changes(before: Incident, after: Incident) -> dict[str, list[object]]:
    """Field → [before, after] for what a verb changed."""
    return {
        field: [getattr(before, field), getattr(after, field)]
        for field in EDITABLE
        if getattr(before, field) != getattr(after, field)
    }


def put_back(incident: Incident, made: dict[str, list[object]], now: Instant) -> Incident:
    """Undo one verb's changes; Conflict where something else has changed since."""
    for field, (_, after) in made.items():
        if getattr(incident, field) != after:
            raise Conflict(f"{field} has changed since; undo that first", incident)
    return _edited(replace(incident, **{field: before for field, (before, _) in made.items()}), now)


def _edited(incident: Incident, now: Instant) -> Incident:
    return replace(incident, revision=incident.revision + 1, updated_at=now)


def _must_be_open(incident: Incident, verb: str) -> None:
    if not is_open(incident):
        raise Conflict(f"cannot {verb}: this incident is resolved", incident)


def _count(counts: dict[str, int], severity: str, by: int) -> dict[str, int]:
    if by == 1:
        return {**counts, severity: counts.get(severity, 0) + 1}
    total = counts.get(severity, 0) + by
    rest = {name: count for name, count in counts.items() if name != severity}
    return {**rest, severity: total} if total > 0 else rest


def _with(names: list[str], name: str) -> list[str]:
    return names if not name or name in names else [*names, name]
