"""The ledger: every incoming alert ends in exactly one disposition, and the sums agree."""

from typing import Final, Literal, get_args

from msgspec import Struct

from alertwhisperer.domain.instant import Instant

Disposition = Literal[
    "grouped",
    "occurrence",
    "resolved",
    "duplicate",
    "suppressed",
    "ungrouped",
    "control",
    "rejected",
]
DISPOSITIONS: Final[tuple[Disposition, ...]] = get_args(Disposition)

RECEIVED: Final = "ledger.received"


def counter(disposition: Disposition) -> str:
    """The name of a disposition's counter."""
    return f"ledger.{disposition}"


class LedgerRow(Struct, frozen=True, kw_only=True):
    """One hour of one company: alerts received, and where each ended. `hour` is when it begins."""

    hour: Instant
    received: int = 0
    grouped: int = 0
    occurrence: int = 0
    resolved: int = 0
    duplicate: int = 0
    suppressed: int = 0
    ungrouped: int = 0
    control: int = 0
    rejected: int = 0
    balanced: bool = True


def row(hour: Instant, counts: dict[str, int]) -> LedgerRow:
    """A row from counters; `balanced` says whether received is the sum of the rest."""
    ended: dict[str, int] = {each: counts.get(counter(each), 0) for each in DISPOSITIONS}
    received = counts.get(RECEIVED, 0)
    return LedgerRow(hour=hour, received=received, balanced=received == sum(ended.values()), **ended)
