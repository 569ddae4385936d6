"""What people are told in sums: the ledger's page and the overview."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from alertwhisperer.domain.instant import Instant
from alertwhisperer.domain.ledger import DISPOSITIONS, LedgerRow, counter, row

FIRES: Final = "alerts.fires"
OPENED: Final = "incidents.opened"
RESOLVES: Final = ("incidents.resolved_by_source", "incidents.resolved_by_person")
REFUSED: Final = f"{counter('rejected')}."
"""Before the reason, in the counters of what could not be tied to a company."""


class LedgerTotals(Struct, frozen=True, kw_only=True):
    """The sums of some ledger rows."""

    received: int = 0
    grouped: int = 0
    occurrence: int = 0
    resolved: int = 0
    duplicate: int = 0
    suppressed: int = 0
    ungrouped: int = 0
    control: int = 0
    rejected: int = 0


class LedgerReport(Struct, frozen=True, kw_only=True, rename={"refused": "global"}):
    """Hours, newest first, and their sums.

    `refused` (on the wire `global`): reason → requests that could not be tied to a company; empty for those who may
    not see it.
    """

    rows: list[LedgerRow]
    totals: LedgerTotals
    balanced: bool
    refused: dict[str, int] = {}


class Overview(Struct, frozen=True, kw_only=True):
    """How some companies stand. `alerts_per_minute`: fires in each of the last 60 minutes, oldest first.

    "Today" is since midnight UTC. `noise_reduction_percent` is (1 − incidents opened ÷ fires accepted) × 100 of today;
    without a fire it is null, and `noise_reason` says why. `last_resolved_at` names the minute, and looks back 24
    hours. `cursors`: company → seq of its log up to which the sums reach at least.
    """

    open: int
    open_critical: int
    unacknowledged: int
    active_alerts: int
    alerts_per_minute: list[int]
    received_today: int
    incidents_opened_today: int
    noise_reduction_percent: float | None
    noise_reason: str | None
    last_resolved_at: Instant | None
    cursors: dict[str, int]


def ledger_report(hours: Mapping[str, dict[str, int]], refused: Mapping[str, int]) -> LedgerReport:
    """The report of hours (start → counters), and of what was refused before a company was known."""
    rows = [row(f"{hour}:00:00.000000Z", hours[hour]) for hour in sorted(hours, reverse=True)]
    names = ("received", *DISPOSITIONS)
    return LedgerReport(
        rows=[each for each in rows if each.received or not each.balanced],
        totals=LedgerTotals(**{name: sum(getattr(each, name) for each in rows) for name in names}),
        balanced=all(each.balanced for each in rows),
        refused={name.removeprefix(REFUSED): n for name, n in refused.items() if name.startswith(REFUSED)},
    )


def noise_reduction(fires: int, opened: int) -> tuple[float | None, str | None]:
    """(percent, None), or (None, the reason why there is none). SPEC §13's formula."""
    if fires == 0:
        return None, "no alert has fired today (UTC)"
    return round((1 - opened / fires) * 100, 1), None
