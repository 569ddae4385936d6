"""What one incoming alert does to a company: the path of every alert, once authenticated and read."""

from typing import Final

from msgspec.structs import replace

from alertwhisperer.domain import alert as episodes
from alertwhisperer.domain import correlation
from alertwhisperer.domain import incident as steps
from alertwhisperer.domain.alert import BY_SOURCE, Alert, IncomingAlert, Standing
from alertwhisperer.domain.asset import Asset, seen
from alertwhisperer.domain.company import CorrelationConfig
from alertwhisperer.domain.correlation import Placement
from alertwhisperer.domain.delivery import Outcome
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import plus, seconds_between
from alertwhisperer.domain.timer import timer
from alertwhisperer.engine import timeline
from alertwhisperer.engine.draft import Draft

NOTHING_TO_CLEAR: Final = "No active alert has this key: there was nothing to clear."


def absorb(draft: Draft, incoming: IncomingAlert, *, delivery_id: str) -> Outcome:
    """Deduplicate, correlate, store: the outcome of one incoming alert at `draft.now`, its time of receipt."""
    active = draft.state.open_alerts.get(incoming.dedup_key)
    if incoming.status == "resolved":
        return _clear(draft, active)
    draft.count("alerts.fires")
    asset = _see(draft, incoming.asset_name)
    if active is not None:
        return _recur(draft, active, incoming)
    return _begin(draft, incoming, asset, delivery_id)


def _see(draft: Draft, name: str) -> Asset:
    """The asset of an alert; one that nobody declared is added."""
    known = draft.state.assets.get(name)
    after = seen(known or Asset(id=draft.new_id(), company_id=draft.company_id, name=name), draft.now)
    if after is not known:
        draft.put(after)
        draft.tell("asset_updated", after)
    return after


def _recur(draft: Draft, active: Alert, incoming: IncomingAlert) -> Outcome:
    """An active episode fires again: it stays with its incident, whatever the window."""
    after = episodes.recur(active, incoming, draft.now)
    draft.put(after)
    draft.tell("alert_updated", after)
    incident = draft.state.incident_of(active.correlated_incident_id)
    if incident is not None:
        changed = steps.recurred(incident, active, after, draft.now)
        draft.put(changed)
        draft.tell("incident_updated", changed)
    return Outcome(
        disposition="occurrence",
        alert_id=after.id,
        incident_id=incident.id if incident else None,
        reason=f"Occurrence {after.occurrences} of an active alert.",
    )


def _begin(draft: Draft, incoming: IncomingAlert, asset: Asset, delivery_id: str) -> Outcome:
    """A new episode is placed: it opens, joins or reopens an incident, or stays alone."""
    weights = draft.state.correlating.config.weights
    points = getattr(weights, incoming.severity) + (weights.critical_asset if asset.critical else 0)
    key, placement, waiting = _place(draft, incoming)
    incident = None if placement.action == "leave" else _host(draft, placement, incoming, key)
    alert = episodes.begin(
        incoming,
        alert_id=draft.new_id(),
        company_id=draft.company_id,
        received_at=draft.now,
        delivery_id=delivery_id,
        standing=Standing(incident.id if incident is not None else None, placement.reason, points),
    )
    draft.put(alert)
    draft.tell("alert_received", alert)
    if incident is None:
        return Outcome(disposition="ungrouped", alert_id=alert.id, reason=placement.reason.sentence)
    for each in waiting:
        joined = replace(each, correlated_incident_id=incident.id)
        incident = steps.add(incident, joined, critical_asset=_is_critical(draft, joined), now=draft.now)
        draft.put(joined)
        draft.tell("alert_updated", joined)
    incident = steps.add(incident, alert, critical_asset=asset.critical, now=draft.now)
    draft.put(incident)
    draft.tell("incident_created" if placement.action == "open" else "incident_updated", incident)
    return Outcome(disposition="grouped", alert_id=alert.id, incident_id=incident.id, reason=placement.reason.sentence)


def _place(draft: Draft, incoming: IncomingAlert) -> tuple[str, Placement, list[Alert]]:
    """(correlation key, where the new episode goes, the waiting alerts that go with it)."""
    correlating = draft.state.correlating
    config, version = correlating.config, correlating.version
    key, fields = correlating.key_of(incoming)
    candidate, is_bound = draft.state.candidate(incoming.stable_key, key)
    if is_bound and candidate is not None:
        return key, correlation.bound(candidate, fields, version), []
    waiting = _waiting(draft, key, config.time_window_minutes * 60) if key in draft.state.pending else []
    placement = correlation.place(
        config,
        config_version=version,
        fields=fields,
        candidate=candidate,
        pending=len(waiting),
        now=draft.now,
    )
    return key, placement, waiting


def _waiting(draft: Draft, key: str, window_seconds: float) -> list[Alert]:
    """The active alerts of a key that have no incident yet and are within the window."""
    alerts = [draft.state.open_alerts[each] for each in draft.state.pending.get(key, ())]
    return [each for each in alerts if seconds_between(each.last_received_at, draft.now) <= window_seconds]


def _host(draft: Draft, placement: Placement, incoming: IncomingAlert, key: str) -> Incident:
    """The incident that takes the alert in, before it is added."""
    if placement.incident is None:
        draft.count("incidents.opened")
        return steps.open_for(
            incoming,
            incident_id=draft.new_id(),
            company_id=draft.company_id,
            key=key,
            reason=placement.reason,
            now=draft.now,
        )
    if placement.action == "reopen":
        return timeline.come_back(draft, placement.incident, placement.reason.sentence)
    return placement.incident


def _is_critical(draft: Draft, alert: Alert) -> bool:
    asset = draft.state.assets.get(alert.asset_name)
    return asset is not None and asset.critical


def _clear(draft: Draft, active: Alert | None) -> Outcome:
    """The source says it is over. State flows, whatever is muted."""
    if active is None:
        return Outcome(disposition="resolved", reason=NOTHING_TO_CLEAR)
    cleared = episodes.clear(active, at=draft.now, by=BY_SOURCE)
    draft.put(cleared)
    draft.tell("alert_updated", cleared)
    incident = settle(draft, active)
    return Outcome(
        disposition="resolved",
        alert_id=cleared.id,
        incident_id=incident.id if incident else None,
        reason="Its source says it is over.",
    )


def settle(draft: Draft, ended: Alert) -> Incident | None:
    """An alert has ended; with its last one an incident ends too, at once or after a quiet time. Returns it."""
    incident = draft.state.incident_of(ended.correlated_incident_id)
    if incident is None:
        return None
    incident = steps.settled(incident, draft.now)
    config, _ = draft.config(CorrelationConfig)
    over = steps.is_open(incident) and incident.open_alert_count == 0 and config.resolve_with_alerts
    if over and not config.resolve_quiet_minutes:
        return timeline.end_by_source(draft, incident)
    if over:
        quiet_until = plus(draft.now, config.resolve_quiet_minutes * 60)
        incident = replace(incident, metadata={**incident.metadata, "quiet_until": quiet_until})
        draft.put(timer("incident.quiet", draft.company_id, incident.id, quiet_until))
    draft.put(incident)
    draft.tell("incident_updated", incident)
    return incident
