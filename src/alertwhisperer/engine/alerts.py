"""Alerts: reading them, and the two verbs that people have on a single one."""

import asyncio
from collections import Counter
from itertools import chain
from typing import Final

from msgspec import Struct

from alertwhisperer.domain import alert as episodes
from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.errors import Conflict, NotFound
from alertwhisperer.domain.scope import Scope, Scopes
from alertwhisperer.domain.user import require
from alertwhisperer.engine.absorb import settle
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Need
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.runner import Once, Runner
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Query

FACET_SAMPLE: Final = 5_000
FACET_NAMES: Final = 20


class Facets(Struct, frozen=True, kw_only=True):
    """How many of the newest alerts that match have each value; `sampled` says of how many."""

    status: dict[str, int]
    severity: dict[str, int]
    tool_source: dict[str, int]
    asset_name: dict[str, int]
    sampled: int


class Alerts:
    """What people see and do of alerts."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._reader = runner.storage

    async def page(self, scopes: Scopes, query: Query, *, limit: int, before: str | None = None) -> list[Alert]:
        """Alerts of these companies that match, newest first; `before` is the id behind which to go on."""
        require(scopes.actor, "alert.read")
        of_all = {**query, "id": {"$lt": before}} if before else query
        queries = ({**of_all, "company_id": each} for each in scopes.company_ids)
        pages = await asyncio.gather(*(self._reader.select(Alert, each, limit=limit) for each in queries))
        return sorted(chain.from_iterable(pages), key=lambda each: each.id, reverse=True)[:limit]

    async def get(self, scope: Scope, alert_id: str) -> Alert:
        """One alert; NotFound if this company has none of that id."""
        require(scope.actor, "alert.read")
        found = await self._reader.get(Alert, (scope.company_id, alert_id))
        if found is None:
            raise NotFound(f"no alert {alert_id}")
        return found

    async def facets(self, scopes: Scopes, query: Query) -> Facets:
        """Counts by value over the newest that match."""
        alerts = await self.page(scopes, query, limit=FACET_SAMPLE)

        def top(field: str) -> dict[str, int]:
            return dict(Counter(str(getattr(each, field)) for each in alerts).most_common(FACET_NAMES))

        return Facets(
            status=top("status"),
            severity=top("severity"),
            tool_source=top("tool_source"),
            asset_name=top("asset_name"),
            sampled=len(alerts),
        )

    async def acknowledge(self, scope: Scope, alert_id: str, *, once: Once | None = None) -> Alert:
        """Say that somebody has seen this alert. Conflict if it has ended."""
        require(scope.actor, "alert.acknowledge")

        def decide(draft: Draft) -> Alert:
            alert = _active(draft, alert_id)
            if alert.acknowledged_at:
                return alert
            seen = episodes.acknowledge(alert, draft.now)
            draft.put(seen)
            draft.tell("alert_updated", seen)
            draft.audit("alert.acknowledge", {"alert_id": alert_id})
            return seen

        return await self._runner.run_once(scope, once, Alert, decide, _load(alert_id))

    async def resolve(self, scope: Scope, alert_id: str, *, once: Once | None = None) -> Alert:
        """End this alert by hand; its incident follows if it was the last one. Conflict if it has ended."""
        require(scope.actor, "alert.resolve")

        def decide(draft: Draft) -> Alert:
            alert = _active(draft, alert_id)
            cleared = episodes.clear(alert, at=draft.now, by=draft.actor.id)
            draft.put(cleared)
            draft.tell("alert_updated", cleared)
            settle(draft, alert)
            draft.audit("alert.resolve", {"alert_id": alert_id})
            return cleared

        return await self._runner.run_once(scope, once, Alert, decide, _load(alert_id))


def _load(alert_id: str) -> Need:
    """Fetches an alert and its incident."""

    async def load(state: CompanyState, loader: Loader) -> None:
        key = (state.company_id, alert_id)
        await loader.fetch(state, Alert, key)
        alert = state.scratch.get((Alert, key))
        if isinstance(alert, Alert):
            await loader.fetch_incidents(state, [alert.correlated_incident_id])

    return load


def _active(draft: Draft, alert_id: str) -> Alert:
    alert = draft.get(Alert, (draft.company_id, alert_id))
    if alert is None:
        raise NotFound(f"no alert {alert_id}")
    if alert.status == "resolved":
        raise Conflict("this alert has ended already", alert)
    return alert
