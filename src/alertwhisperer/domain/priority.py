"""The priority of an incident: a score from stated factors (SPEC §5)."""

from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from alertwhisperer.domain.company import Weights
from alertwhisperer.domain.incident import Factor, Incident
from alertwhisperer.domain.instant import Instant, seconds_between

FACTORS_AT_MOST: Final = 4_096
_factor: Final = lru_cache(FACTORS_AT_MOST)(Factor)
"""Factors are values, and few: a storm's incidents share them."""


def factors(incident: Incident, weights: Weights) -> list[Factor]:
    """The factors that do not depend on the time, in points; zero ones are left out but for severity."""
    found = [_factor("severity", getattr(weights, incident.severity), incident.severity)]
    if incident.critical_asset:
        found.append(_factor("critical_asset", weights.critical_asset, "an asset is marked critical"))
    count = incident.alert_count
    alerts = min(weights.per_alert * count, weights.alerts_at_most)
    if alerts:
        found.append(_factor("alerts", alerts, "1 alert" if count == 1 else f"{count} alerts"))
    tools = len(incident.tool_sources)
    if tools > 1:
        found.append(_factor("tools_agree", weights.tools_agree, f"{tools} tools agree"))
    return found


def scored(incident: Incident, weights: Weights) -> Incident:
    """The incident with its factors and their sum, the stored score, before age; itself if they are what it has."""
    found = factors(incident, weights)
    if found == incident.factors:
        return incident
    return replace(incident, factors=found, priority_score=sum([factor.points for factor in found]))


def age_points(created_at: Instant, now: Instant, weights: Weights) -> int:
    """What age takes off when the score is read: a point an hour, up to ten, by the default weights."""
    hours = max(seconds_between(created_at, now), 0) / 3600
    return min(int(hours * weights.age_per_hour), weights.age_at_most)


def aged(incident: Incident, now: Instant, weights: Weights) -> Incident:
    """The incident as it is read now: age taken off the stored score, and named among the factors."""
    points = 0 if incident.status == "resolved" else age_points(incident.created_at, now, weights)
    if not points:
        return incident
    factor = Factor("age", -points, f"open since {incident.created_at}")
    return replace(
        incident,
        factors=[*incident.factors, factor],
        priority_score=incident.priority_score - points,
    )
