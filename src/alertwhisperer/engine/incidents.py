"""Incidents: the verbs of people on them, and reading them."""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec.structs import replace

from alertwhisperer.domain import alert as alerts_of
from alertwhisperer.domain import incident as steps
from alertwhisperer.domain import priority
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.company import CorrelationConfig
from alertwhisperer.domain.errors import Conflict, Invalid, NotFound
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant, is_instant, seconds_between
from alertwhisperer.domain.reason import Reason
from alertwhisperer.domain.scope import Scope, Scopes
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.domain.timer import Timer, timer
from alertwhisperer.domain.user import require
from alertwhisperer.engine import timeline
from alertwhisperer.engine.desk import Need
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.runner import Once, Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.engine.timeline import Act
from alertwhisperer.engine.undo import (
    alerts_here,
    incident_in,
    latest_verb,
    revive_alerts,
    take_back,
)
from alertwhisperer.ports import Query

NOTE_AT_MOST: Final = 10_000
SPLIT_AT_MOST: Final = 1_000
RESOLVE_AT_MOST: Final = 20_000
"""Alerts that one verb touches in one commit."""


class Incidents:
    """What people do with incidents, and how they read them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._reader = runner.storage

    async def acknowledge(
        self,
        scope: Scope,
        incident_id: str,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Say that somebody has seen it. Conflict if it is resolved."""

        def decide(draft: Draft, incident: Incident) -> Incident:
            after = steps.acknowledge(incident, draft.actor, draft.now)
            return timeline.record_verb(draft, incident, after, "acknowledge", "Acknowledged")

        return await self._edit(scope, incident_id, "acknowledge", decide, (if_revision, once))

    async def assign(
        self,
        scope: Scope,
        incident_id: str,
        user_id: str | None,
        user_name: str | None,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Make it somebody's, or nobody's (None)."""

        def decide(draft: Draft, incident: Incident) -> Incident:
            after = steps.assign(incident, user_id, user_name, draft.now)
            text = f"Assigned to {user_name}" if user_id else "Unassigned"
            return timeline.record_verb(draft, incident, after, "assign", text)

        return await self._edit(scope, incident_id, "assign", decide, (if_revision, once))

    async def escalate(
        self,
        scope: Scope,
        incident_id: str,
        *,
        reason: str = "",
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Raise it one level."""

        def decide(draft: Draft, incident: Incident) -> Incident:
            after = steps.escalate(incident, draft.now)
            text = f"Escalated to level {after.escalation_level}" + (f": {reason}" if reason else "")
            return timeline.record_verb(draft, incident, after, "escalate", text)

        return await self._edit(scope, incident_id, "escalate", decide, (if_revision, once))

    async def resolve(
        self,
        scope: Scope,
        incident_id: str,
        *,
        notes: str = "",
        cause: str = "",
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """End it; its active alerts are cleared in the same commit."""

        def decide(draft: Draft, incident: Incident) -> Incident:
            after = steps.resolve(incident, draft.actor, notes=notes, cause=cause, now=draft.now)
            for each in alerts_here(draft, incident):
                if each.status != "resolved":
                    cleared = alerts_of.clear(each, at=draft.now, by=draft.actor.id)
                    draft.put(cleared)
                    draft.tell("alert_updated", cleared)
            draft.count("incidents.resolved_by_person")
            return timeline.record_verb(
                draft,
                incident,
                after,
                "resolve",
                "Resolved" + (f": {notes}" if notes else ""),
            )

        return await self._edit(
            scope,
            incident_id,
            "resolve",
            decide,
            (if_revision, once),
            load=self._load_open_alerts,
        )

    async def reopen(
        self,
        scope: Scope,
        incident_id: str,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Take it up again under the same id, within the company's `reopen_hours`; Conflict after that."""

        def decide(draft: Draft, incident: Incident) -> Incident:
            config, _ = draft.config(CorrelationConfig)
            ended = incident.resolved_at
            if ended and seconds_between(ended, draft.now) > config.reopen_hours * 3600:
                raise Conflict(
                    f"resolved more than {config.reopen_hours} h ago; a new alert opens a new one",
                    incident,
                )
            after = revive_alerts(draft, incident, steps.reopen(incident, draft.now))
            draft.count("incidents.reopened")
            return timeline.record_verb(draft, incident, after, "reopen", "Reopened")

        return await self._edit(
            scope,
            incident_id,
            "reopen",
            decide,
            (if_revision, once),
            load=self._load_all_alerts,
        )

    async def merge(
        self,
        scope: Scope,
        incident_id: str,
        into: str,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Put this incident into another of the same company; answers with the one that remains."""

        async def load(state: CompanyState, loader: Loader, _: str) -> None:
            await loader.fetch_incidents(state, [into])

        def decide(draft: Draft, incident: Incident) -> Incident:
            target = incident_in(draft, into, "into")
            merged, gone = steps.merge(target, incident, draft.actor, draft.now)
            details: dict[str, object] = {
                "other": incident.id,
                "other_title": incident.title,
            }
            timeline.record_verb(
                draft,
                incident,
                gone,
                "merge",
                f"Merged into “{target.title}”",
                {"into": into},
            )
            return timeline.record_verb(draft, target, merged, "merge", f"Took in “{incident.title}”", details)

        return await self._edit(scope, incident_id, "merge", decide, (if_revision, once), load=load)

    async def split(
        self,
        scope: Scope,
        incident_id: str,
        alert_ids: list[str],
        *,
        title: str = "",
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Move chosen alerts to a new incident, to which their next episodes come too; answers with the new one."""
        if not 1 <= len(alert_ids) <= SPLIT_AT_MOST:
            raise Invalid(f"choose from 1 to {SPLIT_AT_MOST} alerts", "alert_ids")

        async def load(state: CompanyState, loader: Loader, _: str) -> None:
            await loader.fetch(
                state,
                Alert,
                *[(scope.company_id, each) for each in dict.fromkeys(alert_ids)],
            )

        def decide(draft: Draft, incident: Incident) -> Incident:
            moved = [_alert(draft, each, incident) for each in dict.fromkeys(alert_ids)]
            if len(moved) >= incident.alert_count:
                raise Invalid("leave at least one alert in the incident", "alert_ids")
            made = _split_off(draft, incident, moved, title)
            details: dict[str, object] = {
                "other": made.id,
                "alert_ids": [each.id for each in moved][:100],
            }
            timeline.record_verb(
                draft,
                incident,
                steps.remove(incident, moved, draft.now),
                "split",
                f"{len(moved)} alerts split off",
                details,
            )
            return made

        return await self._edit(scope, incident_id, "split", decide, (if_revision, once), load=load)

    async def snooze(
        self,
        scope: Scope,
        incident_id: str,
        until: Instant | None,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Put it aside until an instant; None wakes it now."""
        if until is not None and not is_instant(until):
            raise Invalid("must be an instant like 2026-11-21T11:29:13.000000Z", "until")

        def decide(draft: Draft, incident: Incident) -> Incident:
            after = steps.snooze(incident, until, draft.now)
            if incident.snoozed_until:
                old = timer(
                    "incident.wake",
                    draft.company_id,
                    incident.id,
                    incident.snoozed_until,
                )
                draft.delete(Timer, (old.shard, old.id))
            if until:
                draft.put(timer("incident.wake", draft.company_id, incident.id, until))
            return timeline.record_verb(
                draft,
                incident,
                after,
                "snooze",
                f"Snoozed until {until}" if until else "Woken",
            )

        return await self._edit(scope, incident_id, "snooze", decide, (if_revision, once))

    async def note(self, scope: Scope, incident_id: str, text: str, *, once: Once | None = None) -> Incident:
        """Write a note into its timeline, for staff only."""
        if not 1 <= len(text.strip()) <= NOTE_AT_MOST:
            raise Invalid(f"must have from 1 to {NOTE_AT_MOST} characters", "text")

        def decide(draft: Draft, incident: Incident) -> Incident:
            said = Act(kind="note", text=text.strip(), verb="note", internal=True)
            timeline.write(draft, incident, said)
            return incident

        return await self._edit(scope, incident_id, "note", decide, (None, once))

    async def title(
        self,
        scope: Scope,
        incident_id: str,
        title: str,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Give it a better name."""

        def decide(draft: Draft, incident: Incident) -> Incident:
            after = steps.retitle(incident, title.strip(), draft.now)
            return timeline.record_verb(draft, incident, after, "title", f"Renamed to “{after.title}”")

        return await self._edit(scope, incident_id, "title", decide, (if_revision, once))

    async def undo(
        self,
        scope: Scope,
        incident_id: str,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Take back its latest verb; Conflict if there is none to take back or something else has changed since."""

        async def load(state: CompanyState, loader: Loader, incident_id: str) -> None:
            await self._load_all_alerts(state, loader, incident_id)
            query: Query = {
                "company_id": scope.company_id,
                "incident_id": incident_id,
                "kind": "verb",
            }
            entries = await loader.fetch_where(state, TimelineEntry, query, limit=20)
            others = [str(each.details["other"]) for each in entries if "other" in each.details]
            await loader.fetch_incidents(state, others)
            for other in others:
                await self._load_all_alerts(state, loader, other)

        def decide(draft: Draft, incident: Incident) -> Incident:
            entry = latest_verb(draft, incident)
            after = take_back(draft, incident, entry)
            draft.put(replace(entry, undone=True))
            draft.tell("timeline", replace(entry, undone=True))
            return timeline.record_verb(draft, incident, after, "undo", f"Undid: {entry.text}")

        return await self._edit(scope, incident_id, "undo", decide, (if_revision, once), load=load)

    async def wake(self, scope: Scope, due: Timer) -> None:
        """A snooze is over (a timer fired)."""

        def decide(draft: Draft) -> None:
            draft.delete(Timer, (due.shard, due.id), expect={"lease_token": due.lease_token})
            incident = draft.state.incident_of(due.subject_id)
            if incident is not None and incident.snoozed_until == due.due_at and steps.is_open(incident):
                after = steps.snooze(incident, None, draft.now)
                draft.put(after)
                draft.tell("incident_updated", after)
                timeline.write(draft, after, Act(kind="woke", text="The snooze is over"))

        await self._runner.run(scope, decide, _of_incident(due.subject_id))

    async def settle_quiet(self, scope: Scope, due: Timer) -> None:
        """The quiet time after the last alert's end is over (a timer fired): resolve it if it stayed quiet."""

        def decide(draft: Draft) -> None:
            draft.delete(Timer, (due.shard, due.id), expect={"lease_token": due.lease_token})
            incident = draft.state.incident_of(due.subject_id)
            if incident is None or not steps.is_open(incident) or incident.open_alert_count:
                return
            quiet_until = incident.metadata.get("quiet_until")
            if quiet_until == due.due_at:
                timeline.end_by_source(draft, incident)

        await self._runner.run(scope, decide, _of_incident(due.subject_id))

    async def get(self, scope: Scope, incident_id: str) -> Incident:
        """One incident, priority as of now. NotFound if this company has none of that id."""
        require(scope.actor, "incident.read")
        found = await self._reader.get(Incident, (scope.company_id, incident_id))
        if found is None:
            raise NotFound(f"no incident {incident_id}")
        return (await self._aged(scope, [found]))[0]

    async def find(self, scopes: Scopes, incident_id: str) -> Incident:
        """One incident of any of these companies."""
        for scope in scopes.each():
            try:
                return await self.get(scope, incident_id)
            except NotFound:
                continue
        raise NotFound(f"no incident {incident_id}")

    async def page(self, scopes: Scopes, query: Query, *, limit: int, before: str | None = None) -> list[Incident]:
        """Incidents of these companies that match, newest first; `before` is the id behind which to go on."""
        found: list[Incident] = []
        for scope in scopes.each():
            require(scope.actor, "incident.read")
            of_company = {**query, "company_id": scope.company_id}
            if before:
                of_company["id"] = {"$lt": before}
            page = await self._reader.select(Incident, of_company, limit=limit)
            found += await self._aged(scope, page)
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def timeline(self, scope: Scope, incident_id: str) -> list[TimelineEntry]:
        """What happened, oldest first. Clients see no internal entries and no names of staff."""
        incident = await self.get(scope, incident_id)
        ids = [incident.id, *incident.merged_from]
        stored = await self._reader.select(
            TimelineEntry,
            {"company_id": scope.company_id, "incident_id": {"$in": ids}},
            limit=1_000,
        )
        return sorted([timeline.opening(incident), *stored], key=lambda each: (each.at, each.id))

    async def alerts(self, scope: Scope, incident_id: str, *, limit: int, before: str | None = None) -> list[Alert]:
        """Its alerts and those of what was merged into it, newest first."""
        incident = await self.get(scope, incident_id)
        query: dict[str, object] = {
            "company_id": scope.company_id,
            "correlated_incident_id": {"$in": [incident.id, *incident.merged_from]},
        }
        if before:
            query["id"] = {"$lt": before}
        return await self._reader.select(Alert, query, limit=limit)

    async def related(self, scope: Scope, incident_id: str) -> list[Incident]:
        """Others of the same correlation key, and what it is linked with, newest first, at most 20."""
        incident = await self.get(scope, incident_id)
        key: dict[str, object] = {
            "company_id": scope.company_id,
            "correlation_key": incident.correlation_key,
        }
        same = await self._reader.select(Incident, {**key, "status": {"$ne": "resolved"}}, limit=10)
        same += await self._reader.select(Incident, {**key, "status": "resolved"}, limit=10)
        linked = [each for each in (incident.linked_incident_id, *incident.merged_from) if each]
        others = await self._reader.get_many(Incident, [(scope.company_id, each) for each in linked[:20]])
        unique = {each.id: each for each in [*same, *others] if each.id != incident.id}
        return sorted(unique.values(), key=lambda each: each.id, reverse=True)[:20]

    async def _aged(self, scope: Scope, incidents: list[Incident]) -> list[Incident]:
        """Priority as read now: age takes a point an hour off (SPEC §5)."""
        weights = (await self._runner.state(scope.company_id)).config(CorrelationConfig)[0].weights
        now = self._runner.clock.now()
        return [priority.aged(each, now, weights) for each in incidents]

    async def _edit(
        self,
        scope: Scope,
        incident_id: str,
        verb: str,
        decide: Callable[[Draft, Incident], Incident],
        guard: tuple[int | None, Once | None],
        *,
        load: Callable[[CompanyState, Loader, str], Awaitable[None]] | None = None,
    ) -> Incident:
        """The frame of every verb: may the actor, is it there, is it as the caller saw it; then decide."""
        require(scope.actor, f"incident.{verb}")
        if_revision, once = guard

        async def load_all(state: CompanyState, loader: Loader) -> None:
            await loader.fetch_incidents(state, [incident_id])
            if load is not None:
                await load(state, loader, incident_id)

        def decide_one(draft: Draft) -> Incident:
            incident = incident_in(draft, incident_id, "id")
            if if_revision is not None and incident.revision != if_revision:
                raise Conflict("somebody else changed this incident meanwhile", incident)
            return decide(draft, incident)

        changed = await self._runner.run_once(scope, once, Incident, decide_one, load_all)
        return (await self._aged(scope, [changed]))[0]

    async def _load_open_alerts(self, state: CompanyState, loader: Loader, incident_id: str) -> None:
        await self._load_alerts(state, loader, incident_id, {"status": {"$ne": "resolved"}})

    async def _load_all_alerts(self, state: CompanyState, loader: Loader, incident_id: str) -> None:
        await self._load_alerts(state, loader, incident_id, {})

    async def _load_alerts(self, state: CompanyState, loader: Loader, incident_id: str, which: Query) -> None:
        incident = state.incidents.get(incident_id)
        ids = [incident_id, *(incident.merged_from if incident else [])]
        query = {
            "company_id": state.company_id,
            "correlated_incident_id": {"$in": ids},
            **which,
        }
        found = await loader.fetch_where(state, Alert, query, limit=RESOLVE_AT_MOST)
        await loader.fetch_open(state, {each.dedup_key for each in found})


def _alert(draft: Draft, alert_id: str, incident: Incident) -> Alert:
    found = draft.get(Alert, (draft.company_id, alert_id))
    if found is None or found.correlated_incident_id not in (
        incident.id,
        *incident.merged_from,
    ):
        raise Invalid(f"alert {alert_id} is not in this incident", "alert_ids")
    return found


def _split_off(draft: Draft, incident: Incident, moved: list[Alert], title: str) -> Incident:
    """The new incident of a split, with its alerts."""
    incident_id = draft.new_id()
    sentence = f"Split off by {draft.actor.name}; next episodes of these alerts come here too."
    reason = Reason(
        kind="manual",
        sentence=sentence,
        fields=incident.key_fields,
        linked_incident_id=incident.id,
    )
    opened = steps.open_for(
        moved[0],
        incident_id=incident_id,
        company_id=draft.company_id,
        key=f"split:{incident_id}",
        reason=reason,
        now=draft.now,
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


def _of_incident(incident_id: str) -> Need:
    async def load(state: CompanyState, loader: Loader) -> None:
        await loader.fetch_incidents(state, [incident_id])

    return load
