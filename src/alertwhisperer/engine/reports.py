"""Reports: the ledger and the overview, from exact counters."""

from collections.abc import Iterable
from typing import Final

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant, plus
from alertwhisperer.domain.ledger import RECEIVED
from alertwhisperer.domain.metric import WIDTHS, add
from alertwhisperer.domain.report import (
    FIRES,
    OPENED,
    RESOLVES,
    LedgerReport,
    Overview,
    ledger_report,
    noise_reduction,
)
from alertwhisperer.domain.scope import MSP, SYSTEM, Scope, Scopes
from alertwhisperer.domain.user import may, require
from alertwhisperer.engine.counters import Counters, Counts
from alertwhisperer.ports import Clock, Query, Storage

HOURS_AT_MOST: Final = 24 * 92
MINUTES: Final = 60

_START_OF_MINUTE: Final = ":00.000000Z"


class Reports:
    """Reads sums over one company or several."""

    def __init__(self, storage: Storage, clock: Clock, counters: Counters) -> None:
        self._storage = storage
        self._clock = clock
        self._counters = counters

    async def ledger(self, scopes: Scopes, hours: int = 24) -> LedgerReport:
        """What was received in the last `hours` hours, the present one included, and where each alert ended."""
        require(scopes.actor, "ledger.read")
        if not 1 <= hours <= HOURS_AT_MOST:
            raise Invalid(f"must be from 1 to {HOURS_AT_MOST}", "hours")
        now = self._clock.now()
        since = plus(now, -3600 * (hours - 1))
        sums: Counts = {}
        for scope in scopes.each():
            _merge(sums, await self._counters.counts(scope, "hour", since, now))
        return ledger_report(sums, await self._refused(scopes, since, now))

    async def overview(self, scopes: Scopes) -> Overview:
        """How these companies stand now."""
        require(scopes.actor, "metrics.read")
        now = self._clock.now()
        cursors = {each: (await self._storage.head(each))[0] for each in scopes.company_ids}
        day_ago = plus(now, -86_400)
        minutes, hours, days = Counts(), Counts(), Counts()
        for scope in scopes.each():
            _merge(minutes, await self._counters.counts(scope, "minute", day_ago, now))
            _merge(hours, await self._counters.counts(scope, "hour", day_ago, now))
            _merge(days, await self._counters.counts(scope, "day", now, now))
        today = days.get(now[: WIDTHS["day"]], {})
        fires, opened = _sum(hours, [FIRES]), _sum(hours, [OPENED])
        percent, reason = noise_reduction(fires, opened)
        unfinished: dict[str, object] = {"status": {"$ne": "resolved"}}
        return Overview(
            open=await self._count(scopes, Incident, unfinished),
            open_critical=await self._count(scopes, Incident, {**unfinished, "severity": "critical"}),
            unacknowledged=await self._count(scopes, Incident, {**unfinished, "acknowledged_at": None}),
            active_alerts=await self._count(scopes, Alert, unfinished),
            alerts_per_minute=_per_minute(minutes, now),
            received_today=today.get(RECEIVED, 0),
            incidents_opened_today=today.get(OPENED, 0),
            noise_reduction_percent=percent,
            noise_reason=reason,
            last_resolved_at=_latest(minutes, RESOLVES),
            cursors=cursors,
        )

    async def _refused(self, scopes: Scopes, since: Instant, until: Instant) -> dict[str, int]:
        """Reason → requests that could not be tied to a company; nothing for those who may not see it."""
        if scopes.actor.kind != "system" and not may(scopes.actor.role, "ledger.read_global"):
            return {}
        sums: dict[str, int] = {}
        for counts in (await self._counters.counts(Scope(MSP, SYSTEM), "hour", since, until)).values():
            add(sums, counts)
        return sums

    async def _count(self, scopes: Scopes, kind: type[Incident] | type[Alert], query: Query) -> int:
        counts = [await self._storage.count(kind, {**query, "company_id": each}) for each in scopes.company_ids]
        return sum(counts)


def _merge(sums: Counts, more: Counts) -> None:
    for start, counts in more.items():
        add(sums.setdefault(start, {}), counts)


def _sum(counts: Counts, names: Iterable[str]) -> int:
    return sum(each.get(name, 0) for each in counts.values() for name in names)


def _per_minute(minutes: Counts, now: Instant) -> list[int]:
    starts = [plus(now, -60 * back)[: WIDTHS["minute"]] for back in reversed(range(MINUTES))]
    return [minutes.get(start, {}).get(FIRES, 0) for start in starts]


def _latest(minutes: Counts, names: Iterable[str]) -> Instant | None:
    starts = [start for start, counts in minutes.items() if any(counts.get(name) for name in names)]
    return f"{max(starts)}{_START_OF_MINUTE}" if starts else None
