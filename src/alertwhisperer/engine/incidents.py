"""Incidents: the frame around the verbs of people, what timers do to them, and reading them."""

import asyncio
from itertools import chain

from alertwhisperer.domain import incident as steps
from alertwhisperer.domain import priority
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.company import CorrelationConfig
from alertwhisperer.domain.errors import Conflict, NotFound
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.scope import Scope, Scopes
from alertwhisperer.domain.timeline import TimelineEntry
from alertwhisperer.domain.timer import Timer
from alertwhisperer.domain.user import require
from alertwhisperer.engine import timeline
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Need
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.runner import Once, Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.engine.timeline import Act
from alertwhisperer.engine.undo import incident_in
from alertwhisperer.engine.verbs import Verb
from alertwhisperer.ports import Query


class Incidents:
    """What people do with incidents, and how they read them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._reader = runner.storage

    async def do(
        self,
        scope: Scope,
        incident_id: str,
        verb: Verb,
        *,
        if_revision: int | None = None,
        once: Once | None = None,
    ) -> Incident:
        """Do a verb (see `verbs`) to an incident; what the verb answers with, priority as of now.

        Forbidden if the actor may not, NotFound if this company has none of that id, Conflict if its revision is not
        the one that the caller saw, and whatever the verb itself raises.
        """
        require(scope.actor, f"incident.{verb.name}")

        async def load(state: CompanyState, loader: Loader) -> None:
            await loader.fetch_incidents(state, [incident_id])
            await verb.load(state, loader, incident_id)

        def decide(draft: Draft) -> Incident:
            incident = incident_in(draft, incident_id, "id")
            if if_revision is not None and incident.revision != if_revision:
                raise Conflict("somebody else changed this incident meanwhile", incident)
            return verb.decide(draft, incident)

        changed = await self._runner.run_once(scope, once, Incident, decide, load)
        return (await self._aged(scope, [changed]))[0]

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
        require(scopes.actor, "incident.read")
        of_all = {**query, "id": {"$lt": before}} if before else query

        async def of(scope: Scope) -> list[Incident]:
            found = await self._reader.select(Incident, {**of_all, "company_id": scope.company_id}, limit=limit)
            return await self._aged(scope, found)

        pages = await asyncio.gather(*map(of, scopes.each()))
        return sorted(chain.from_iterable(pages), key=lambda each: each.id, reverse=True)[:limit]

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


def _of_incident(incident_id: str) -> Need:
    async def load(state: CompanyState, loader: Loader) -> None:
        await loader.fetch_incidents(state, [incident_id])

    return load
