"""Taking back an incident's latest verb, with what it did to alerts and to other incidents."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from alertwhisperer.domain import alert as alerts_of
from alertwhisperer.domain import incident as steps
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.errors import Conflict, Invalid, NotFound
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.domain.timer import Timer, timer
from alertwhisperer.engine import timeline
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.timeline import Act


def latest_verb(draft: Draft, incident: Incident) -> TimelineEntry:
    """The newest verb that is not yet undone; Conflict if there is none."""
    entries = [
        each
        for each in draft.state.scratch.values()
        if isinstance(each, TimelineEntry) and each.incident_id == incident.id and each.kind == "verb"
    ]
    for entry in sorted(entries, key=lambda each: each.id, reverse=True):
        if not entry.undone and entry.verb != "undo":
            return entry
    raise Conflict("there is nothing to undo", incident)


def take_back(draft: Draft, incident: Incident, entry: TimelineEntry) -> Incident:
    """The incident as it was before a verb; what the verb did to others is taken back beside it."""
    return _WAYS_BACK.get(entry.verb, _put_back)(draft, incident, entry)


def _put_back(draft: Draft, incident: Incident, entry: TimelineEntry) -> Incident:
    return steps.put_back(incident, entry.changes, draft.now)


def _take_back_resolve(draft: Draft, incident: Incident, entry: TimelineEntry) -> Incident:
    after = _put_back(draft, incident, entry)
    draft.count("incidents.reopened")
    return revive_alerts(draft, incident, after)


def _take_back_reopen(draft: Draft, incident: Incident, entry: TimelineEntry) -> Incident:
    _put_back(draft, incident, entry)
    raise Conflict("resolve it again instead", incident)


def _take_back_snooze(draft: Draft, incident: Incident, entry: TimelineEntry) -> Incident:
    after = _put_back(draft, incident, entry)
    move_wake_timer(draft, incident, after)
    return after


def _take_back_merge(draft: Draft, incident: Incident, entry: TimelineEntry) -> Incident:
    other_id = entry.details.get("other")
    if other_id is None:
        raise Conflict("undo the merge on the incident that this one was merged into", incident)
    other = incident_in(draft, str(other_id), "other")
    kept, back = steps.unmerge(incident, other, draft.now)
    _write_other(draft, back, f"Taken out of “{incident.title}” again")
    return kept


def _take_back_split(draft: Draft, incident: Incident, entry: TimelineEntry) -> Incident:
    """The alerts come back, and the incident that the split made becomes part of this one."""
    made = incident_in(draft, str(entry.details["other"]), "other")
    if not steps.is_open(made):
        raise Conflict("the incident that was split off has been resolved", made)
    merged, gone = steps.merge(incident, made, draft.actor, draft.now)
    _write_other(draft, replace(gone, bound_keys=[]), f"Taken back into “{incident.title}”")
    return merged


def _write_other(draft: Draft, other: Incident, text: str) -> None:
    """Store and tell what an undo made of the other incident of a merge or a split."""
    draft.put(other)
    draft.tell("incident_updated", other)
    timeline.write(draft, other, Act(kind="verb", text=text, verb="undo"))


_WAYS_BACK: Final[dict[str, Callable[[Draft, Incident, TimelineEntry], Incident]]] = {
    "resolve": _take_back_resolve,
    "reopen": _take_back_reopen,
    "snooze": _take_back_snooze,
    "merge": _take_back_merge,
    "split": _take_back_split,
}
"""Verbs that did more than change fields of their incident."""


def move_wake_timer(draft: Draft, before: Incident, after: Incident) -> None:
    """The timer that ends a snooze, from where it was to where it has to be."""
    if before.snoozed_until:
        old = timer("incident.wake", draft.company_id, before.id, before.snoozed_until)
        draft.delete(Timer, (old.shard, old.id))
    if after.snoozed_until:
        draft.put(timer("incident.wake", draft.company_id, after.id, after.snoozed_until))


def revive_alerts(draft: Draft, incident: Incident, after: Incident) -> Incident:
    """Undo of a person's resolve reaches the alerts it cleared, but for those that have begun a new episode."""
    ended = incident.resolved_at
    count = 0
    for each in alerts_here(draft, incident):
        mine = each.status == "resolved" and each.resolved_at == ended and each.resolved_by == incident.resolved_by
        if mine and each.dedup_key not in draft.state.open_alerts:
            revived = alerts_of.revive(each)
            draft.put(revived)
            draft.tell("alert_updated", revived)
            count += 1
    return steps.stirred(after, draft.now, count)


def alerts_here(draft: Draft, incident: Incident) -> list[Alert]:
    """The alerts of an incident that are loaded or open in the state, each once."""
    ids = {incident.id, *incident.merged_from}
    loaded = [each for each in draft.state.scratch.values() if isinstance(each, Alert)]
    found = {each.id: each for each in [*loaded, *draft.state.open_alerts.values()]}
    return [each for each in found.values() if each.correlated_incident_id in ids]


def incident_in(draft: Draft, incident_id: str, field: str) -> Incident:
    """An incident of the draft; NotFound when it is what the request is about, Invalid when a field names it."""
    found = draft.get(Incident, (draft.company_id, incident_id))
    if found is None:
        raise (NotFound(f"no incident {incident_id}") if field == "id" else Invalid("no such incident", field))
    return found
