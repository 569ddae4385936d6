"""What people do to an incident, as values: each verb is a decision about one incident and what it needs loaded.

`Incidents.do` is the frame around them all: it checks who may, loads, compares the revision and commits.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from alertwhisperer.domain import alert as alerts_of
from alertwhisperer.domain import incident as steps
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.company import CorrelationConfig
from alertwhisperer.domain.errors import Conflict, Invalid
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant, is_instant, seconds_between
from alertwhisperer.domain.reason import Reason
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.engine import timeline
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.engine.timeline import Act, record_verb
from alertwhisperer.engine.undo import (
    alerts_here,
    incident_in,
    latest_verb,
    move_wake_timer,
    revive_alerts,
    take_back,
)
from alertwhisperer.ports import Query

NOTE_AT_MOST: Final = 10_000
SPLIT_AT_MOST: Final = 1_000
RESOLVE_AT_MOST: Final = 20_000
"""Alerts that one verb touches in one commit."""

Decide = Callable[[Draft, Incident], Incident]
Load = Callable[[CompanyState, Loader, str], Awaitable[None]]


async def _nothing_else(state: CompanyState, loader: Loader, incident_id: str) -> None:
    """Most verbs need the incident alone."""


class Verb(Struct, frozen=True):
    """Something people do. `decide` answers with the incident to show: mostly the one that it is done to.

    `name` is that of `domain.user.VERBS`, without its noun; `load` fetches what `decide` looks at beside the incident.
    """

    name: str
    decide: Decide
    load: Load = _nothing_else


def acknowledge() -> Verb:
    """Say that somebody has seen it. Conflict if it is resolved."""

    def decide(draft: Draft, incident: Incident) -> Incident:
        after = steps.acknowledge(incident, draft.actor, draft.now)
        return record_verb(draft, incident, after, "acknowledge", "Acknowledged")

    return Verb("acknowledge", decide)


def assign(user_id: str | None, user_name: str | None) -> Verb:
    """Make it somebody's, or nobody's (None)."""

    def decide(draft: Draft, incident: Incident) -> Incident:
        after = steps.assign(incident, user_id, user_name, draft.now)
        return record_verb(draft, incident, after, "assign", f"Assigned to {user_name}" if user_id else "Unassigned")

    return Verb("assign", decide)


def escalate(reason: str = "") -> Verb:
    """Raise it one level."""

    def decide(draft: Draft, incident: Incident) -> Incident:
        after = steps.escalate(incident, draft.now)
        text = f"Escalated to level {after.escalation_level}" + (f": {reason}" if reason else "")
        return record_verb(draft, incident, after, "escalate", text)

    return Verb("escalate", decide)


def resolve(*, notes: str = "", cause: str = "") -> Verb:
    """End it; its active alerts are cleared in the same commit."""

    def decide(draft: Draft, incident: Incident) -> Incident:
        after = steps.resolve(incident, draft.actor, notes=notes, cause=cause, now=draft.now)
        for each in alerts_here(draft, incident):
            if each.status != "resolved":
                cleared = alerts_of.clear(each, at=draft.now, by=draft.actor.id)
                draft.put(cleared)
                draft.tell("alert_updated", cleared)
        draft.count("incidents.resolved_by_person")
        return record_verb(draft, incident, after, "resolve", "Resolved" + (f": {notes}" if notes else ""))

    return Verb("resolve", decide, _open_alerts)


def reopen() -> Verb:
    """Take it up again under the same id, within the company's `reopen_hours`; Conflict after that."""

    def decide(draft: Draft, incident: Incident) -> Incident:
        hours = draft.config(CorrelationConfig)[0].reopen_hours
        ended = incident.resolved_at
        if ended and seconds_between(ended, draft.now) > hours * 3600:
            raise Conflict(f"resolved more than {hours} h ago; a new alert opens a new one", incident)
        after = revive_alerts(draft, incident, steps.reopen(incident, draft.now))
        draft.count("incidents.reopened")
        return record_verb(draft, incident, after, "reopen", "Reopened")

    return Verb("reopen", decide, _all_alerts)


def merge(into: str) -> Verb:
    """Put it into another of the same company; answers with the one that remains."""

    async def load(state: CompanyState, loader: Loader, _: str) -> None:
        await loader.fetch_incidents(state, [into])

    def decide(draft: Draft, incident: Incident) -> Incident:
        target = incident_in(draft, into, "into")
        merged, gone = steps.merge(target, incident, draft.actor, draft.now)
        record_verb(draft, incident, gone, "merge", f"Merged into “{target.title}”", {"into": into})
        other: dict[str, object] = {"other": incident.id, "other_title": incident.title}
        return record_verb(draft, target, merged, "merge", f"Took in “{incident.title}”", other)

    return Verb("merge", decide, load)


def split(alert_ids: list[str], *, title: str = "") -> Verb:
    """Move chosen alerts to a new incident, to which their next episodes come too; answers with the new one."""
    chosen = list(dict.fromkeys(alert_ids))
    if not 1 <= len(alert_ids) <= SPLIT_AT_MOST:
        raise Invalid(f"choose from 1 to {SPLIT_AT_MOST} alerts", "alert_ids")

    async def load(state: CompanyState, loader: Loader, _: str) -> None:
        await loader.fetch(state, Alert, *[(state.company_id, each) for each in chosen])

    def decide(draft: Draft, incident: Incident) -> Incident:
        moved = [_alert(draft, each, incident) for each in chosen]
        if len(moved) >= incident.alert_count:
            raise Invalid("leave at least one alert in the incident", "alert_ids")
        made = _split_off(draft, incident, moved, title)
        rest = steps.remove(incident, moved, draft.now)
        details: dict[str, object] = {"other": made.id, "alert_ids": [each.id for each in moved][:100]}
        record_verb(draft, incident, rest, "split", f"{len(moved)} alerts split off", details)
        return made

    return Verb("split", decide, load)


def snooze(until: Instant | None) -> Verb:
    """Put it aside until an instant; None wakes it now."""
    if until is not None and not is_instant(until):
        raise Invalid("must be an instant like 2026-11-21T11:29:13.000000Z", "until")

    def decide(draft: Draft, incident: Incident) -> Incident:
        after = steps.snooze(incident, until, draft.now)
        move_wake_timer(draft, incident, after)
        return record_verb(draft, incident, after, "snooze", f"Snoozed until {until}" if until else "Woken")

    return Verb("snooze", decide)


def note(text: str) -> Verb:
    """Write a note into its timeline, for staff only."""
    said = Act(kind="note", text=text.strip(), verb="note", internal=True)
    if not 1 <= len(said.text) <= NOTE_AT_MOST:
        raise Invalid(f"must have from 1 to {NOTE_AT_MOST} characters", "text")

    def decide(draft: Draft, incident: Incident) -> Incident:
        timeline.write(draft, incident, said)
        return incident

    return Verb("note", decide)


def title(text: str) -> Verb:
    """Give it a better name."""

    def decide(draft: Draft, incident: Incident) -> Incident:
        after = steps.retitle(incident, text.strip(), draft.now)
        return record_verb(draft, incident, after, "title", f"Renamed to “{after.title}”")

    return Verb("title", decide)


def undo() -> Verb:
    """Take back its latest verb; Conflict if there is none to take back or something else has changed since."""

    async def load(state: CompanyState, loader: Loader, incident_id: str) -> None:
        query: Query = {"company_id": state.company_id, "incident_id": incident_id, "kind": "verb"}
        entries = await loader.fetch_where(state, TimelineEntry, query, limit=20)
        others = [str(each.details["other"]) for each in entries if "other" in each.details]
        await loader.fetch_incidents(state, others)
        for each in (incident_id, *others):
            await _all_alerts(state, loader, each)

    def decide(draft: Draft, incident: Incident) -> Incident:
        entry = latest_verb(draft, incident)
        after = take_back(draft, incident, entry)
        draft.put(replace(entry, undone=True))
        draft.tell("timeline", replace(entry, undone=True))
        return record_verb(draft, incident, after, "undo", f"Undid: {entry.text}")

    return Verb("undo", decide, load)


async def _open_alerts(state: CompanyState, loader: Loader, incident_id: str) -> None:
    await _alerts(state, loader, incident_id, {"status": {"$ne": "resolved"}})


async def _all_alerts(state: CompanyState, loader: Loader, incident_id: str) -> None:
    await _alerts(state, loader, incident_id, {})


async def _alerts(state: CompanyState, loader: Loader, incident_id: str, which: Query) -> None:
    incident = state.incidents.get(incident_id)
    ids = [incident_id, *(incident.merged_from if incident else [])]
    query: Query = {"company_id": state.company_id, "correlated_incident_id": {"$in": ids}, **which}
    found = await loader.fetch_where(state, Alert, query, limit=RESOLVE_AT_MOST)
    await loader.fetch_open(state, {each.dedup_key for each in found})


def _alert(draft: Draft, alert_id: str, incident: Incident) -> Alert:
    found = draft.get(Alert, (draft.company_id, alert_id))
    if found is None or found.correlated_incident_id not in (incident.id, *incident.merged_from):
        raise Invalid(f"alert {alert_id} is not in this incident", "alert_ids")
    return found


def _split_off(draft: Draft, incident: Incident, moved: list[Alert], title: str) -> Incident:
    """The new incident of a split, with its alerts."""
    incident_id = draft.new_id()
    sentence = f"Split off by {draft.actor.name}; next episodes of these alerts come here too."
    reason = Reason(kind="manual", sentence=sentence, fields=incident.reason.fields, linked_incident_id=incident.id)
    key = f"split:{incident_id}"
    opened = steps.open_for(
        moved[0], incident_id=incident_id, company_id=draft.company_id, key=key, reason=reason, now=draft.now
    )
    critical = {each.name for each in draft.state.assets.values() if each.critical}
    made = steps.gather(opened, moved, critical_assets=critical, now=draft.now)
    made = replace(
        made,
        title=title.strip()[:300] or made.title,
        first_alert_at=min(each.received_at for each in moved),
        last_alert_at=max(each.last_received_at for each in moved),
        bound_keys=list(dict.fromkeys(each.stable_key for each in moved)),
    )
    draft.put(made)
    draft.tell("incident_created", made)
    draft.count("incidents.split_off")
    for each in moved:
        here = replace(each, correlated_incident_id=incident_id, reason=reason)
        draft.put(here)
        draft.tell("alert_updated", here)
    return made
