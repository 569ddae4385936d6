"""Reports: the ledger and the overview, from exact counters."""

import asyncio
from collections.abc import Iterable
from typing import Final

from alertwhisperer.domain.alert import Alert
from alertwhisperer.domain.errors import Invalid
from alertwhisperer.domain.incident import Incident
from alertwhisperer.domain.instant import Instant, plus
from alertwhisperer.domain.ledger import RECEIVED
from alertwhisperer.domain.metric import WIDTHS, Grain, add
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
        for found in await asyncio.gather(*(self._counters.counts(each, "hour", since, now) for each in scopes.each())):
            _merge(sums, found)
        return ledger_report(sums, await self._refused(scopes, since, now))

    async def overview(self, scopes: Scopes) -> Overview:
        """How these companies stand now."""
        require(scopes.actor, "metrics.read")
        now = self._clock.now()
        heads = await asyncio.gather(*map(self._storage.head, scopes.company_ids))
        minutes, hours, days = await self._sums(scopes, now)
        today = days.get(now[: WIDTHS["day"]], {})
        percent, reason = noise_reduction(today.get(FIRES, 0), today.get(OPENED, 0))
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
            last_resolved_at=await self._last_resolved(scopes, hours),
            cursors={each: seq for each, (seq, _) in zip(scopes.company_ids, heads, strict=True)},
        )

    async def _sums(self, scopes: Scopes, now: Instant) -> tuple[Counts, Counts, Counts]:
        """The last hour by minutes, the last 24 hours by hours, and today."""
        ranges: list[tuple[Grain, Instant, Instant]] = [
            ("minute", plus(now, -60 * (MINUTES - 1)), now),
            ("hour", plus(now, -3600 * 23), now),
            ("day", now, now),
        ]
        sums = (Counts(), Counts(), Counts())
        for found in await asyncio.gather(*(self._counters.several(each, ranges) for each in scopes.each())):
            for into, counts in zip(sums, found, strict=True):
                _merge(into, counts)
        return sums

    async def _last_resolved(self, scopes: Scopes, hours: Counts) -> Instant | None:
        """The minute of the newest resolve; there is no index over when incidents were resolved."""
        hour = _latest(hours, RESOLVES)
        if hour is None:
            return None
        minutes = Counts()
        for scope in scopes.each():
            _merge(minutes, await self._counters.counts(scope, "minute", f"{hour}:00", f"{hour}:59"))
        return f"{_latest(minutes, RESOLVES) or f'{hour}:00'}{_START_OF_MINUTE}"

    async def _refused(self, scopes: Scopes, since: Instant, until: Instant) -> dict[str, int]:
        """Reason → requests that could not be tied to a company; nothing for those who may not see it."""
        if scopes.actor.kind != "system" and not may(scopes.actor.role, "ledger.read_global"):
            return {}
        sums: dict[str, int] = {}
        for counts in (await self._counters.counts(Scope(MSP, SYSTEM), "hour", since, until)).values():
            add(sums, counts)
        return sums

    async def _count(self, scopes: Scopes, kind: type[Incident] | type[Alert], query: Query) -> int:
        queries = ({**query, "company_id": each} for each in scopes.company_ids)
        return sum(await asyncio.gather(*(self._storage.count(kind, each) for each in queries)))


def _merge(sums: Counts, more: Counts) -> None:
    for start, counts in more.items():
        add(sums.setdefault(start, {}), counts)


def _per_minute(minutes: Counts, now: Instant) -> list[int]:
    starts = [plus(now, -60 * back)[: WIDTHS["minute"]] for back in reversed(range(MINUTES))]
    return [minutes.get(start, {}).get(FIRES, 0) for start in starts]


def _latest(buckets: Counts, names: Iterable[str]) -> str | None:
    """The start of the newest bucket in which any of these was counted."""
    return max((start for start, counts in buckets.items() if any(counts.get(name) for name in names)), default=None)
