"""Alerts: one condition over one episode, from its first fire to its resolve."""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.reason import Reason

Severity = Literal["critical", "high", "medium", "low", "info", "unknown"]
AlertStatus = Literal["active", "acknowledged", "resolved"]

SEVERITY_RANK: Final[dict[Severity, int]] = {
    "info": 0,
    "low": 1,
    "unknown": 2,
    "medium": 3,
    "high": 4,
    "critical": 5,
}
"""For "rises only": unknown stands below medium, so that a known medium replaces it."""


class IncomingAlert(Struct, frozen=True, kw_only=True, gc=False):
    """One normalised message of a monitoring tool: a fire or a resolve.

    `dedup_key` names the episode's condition at its sender, `stable_key` the condition for ever.
    """

    asset_name: str
    signature: str
    message: str
    severity: Severity = "unknown"
    status: Literal["firing", "resolved"] = "firing"
    tool_source: str = ""
    dedup_key: str
    stable_key: str
    occurred_at: Instant | None = None
    labels: dict[str, str] = {}
    urls: list[str] = []
    warnings: list[str] = []


class Alert(Struct, frozen=True, kw_only=True, gc=False):
    """One episode. `timestamp` is when the sender says it began, `received_at` when it reached us."""

    id: str
    company_id: str
    asset_name: str
    signature: str
    severity: Severity
    message: str
    tool_source: str
    timestamp: Instant
    received_at: Instant
    last_received_at: Instant
    status: AlertStatus = "active"
    acknowledged_at: Instant | None = None
    resolved_at: Instant | None = None
    resolved_by: str | None = None
    priority_score: int = 0
    correlated_incident_id: str | None = None
    delivery_id: str = ""
    delivery_attempts: int = 1
    dedup_key: str
    stable_key: str
    occurrences: int = 1
    labels: dict[str, str] = {}
    urls: list[str] = []
    reason: Reason | None = None
    metadata: dict[str, object] = {}


class Standing(Struct, frozen=True, gc=False):
    """Where a new episode belongs, why, and what it weighs."""

    incident_id: str | None = None
    reason: Reason | None = None
    priority_score: int = 0


NOWHERE: Final = Standing()

BY_SOURCE: Final = "source"
"""`resolved_by` of an alert that its own tool cleared."""


def begin(
    incoming: IncomingAlert,
    *,
    alert_id: str,
    company_id: str,
    received_at: Instant,
    delivery_id: str,
    standing: Standing = NOWHERE,
) -> Alert:
    """A new episode, in an incident or not (yet) in one."""
    return Alert(
        id=alert_id,
        company_id=company_id,
        asset_name=incoming.asset_name,
        signature=incoming.signature,
        severity=incoming.severity,
        message=incoming.message,
        tool_source=incoming.tool_source,
        timestamp=incoming.occurred_at or received_at,
        received_at=received_at,
        last_received_at=received_at,
        delivery_id=delivery_id,
        dedup_key=incoming.dedup_key,
        stable_key=incoming.stable_key,
        labels=incoming.labels,
        urls=incoming.urls,
        correlated_incident_id=standing.incident_id,
        reason=standing.reason,
        priority_score=standing.priority_score,
        metadata={"warnings": incoming.warnings} if incoming.warnings else {},
    )


def recur(alert: Alert, incoming: IncomingAlert, received_at: Instant) -> Alert:
    """The same episode, heard of once more: the latest words and severity of its tool, one occurrence more."""
    return replace(
        alert,
        severity=incoming.severity,
        message=incoming.message,
        labels=incoming.labels,
        urls=incoming.urls or alert.urls,
        last_received_at=received_at,
        occurrences=alert.occurrences + 1,
    )


def clear(alert: Alert, *, at: Instant, by: str) -> Alert:
    """The end of the episode, by its source or by a person's id."""
    return replace(alert, status="resolved", resolved_at=at, resolved_by=by)


def revive(alert: Alert) -> Alert:
    """Undo a person's `clear`: the episode goes on, acknowledged if it was."""
    status: AlertStatus = "acknowledged" if alert.acknowledged_at else "active"
    return replace(alert, status=status, resolved_at=None, resolved_by=None)


def acknowledge(alert: Alert, at: Instant) -> Alert:
    """A person has seen this alert."""
    return replace(alert, status="acknowledged", acknowledged_at=at)


def worse(one: Severity, other: Severity) -> Severity:
    """The graver of two severities."""
    return one if SEVERITY_RANK[one] >= SEVERITY_RANK[other] else other
