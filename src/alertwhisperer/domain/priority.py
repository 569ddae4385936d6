"""The priority of an incident: a score from stated factors (SPEC §5)."""

from alertwhisperer.domain.company import Weights
from alertwhisperer.domain.incident import Factor, Incident
from alertwhisperer.domain.instant import Instant, seconds_between


def factors(incident: Incident, weights: Weights) -> list[Factor]:
    """The factors that do not depend on the time, in points; zero ones are left out but for severity."""
    found = [Factor("severity", getattr(weights, incident.severity), incident.severity)]
    if incident.critical_asset:
        found.append(Factor("critical_asset", weights.critical_asset, "an asset is marked critical"))
    alerts = min(weights.per_alert * incident.alert_count, weights.alerts_at_most)
    if alerts:
        found.append(Factor("alerts", alerts, f"{incident.alert_count} alerts"))
    if len(incident.tool_sources) > 1:
        found.append(Factor("tools_agree", weights.tools_agree, f"{len(incident.tool_sources)} tools agree"))
    return found


def score(found: list[Factor]) -> int:
    """The stored score: the sum of the factors, before age."""
    return sum(factor.points for factor in found)


def age_points(created_at: Instant, now: Instant, weights: Weights) -> int:
    """What age takes off when the score is read: a point an hour, up to ten, by the default weights."""
    hours = max(seconds_between(created_at, now), 0) / 3600
    return min(int(hours * weights.age_per_hour), weights.age_at_most)
