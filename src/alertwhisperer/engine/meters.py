"""What a process measures of itself, as plain numbers; `api/metrics.py` shows them to Prometheus."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

from alertwhisperer.domain.event import Record
from alertwhisperer.domain.ledger import DISPOSITIONS, RECEIVED, counter
from alertwhisperer.domain.report import REFUSED

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Histogram:
    """Observations in seconds, by upper bound (inclusive); the last bucket is without one."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Take one observation."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


class Tally:
    """Sums by the value of one label, such as alerts by disposition."""

    def __init__(self, label: str, values: Iterable[str] = ()) -> None:
        self.label = label
        self.sums: dict[str, float] = dict.fromkeys(values, 0)

    def add(self, value: str, by: float = 1) -> None:
        """Add to one value's sum."""
        self.sums[value] = self.sums.get(value, 0) + by


Read = Callable[[], float]


class Reads(Struct, frozen=True):
    """Numbers by the value of one label, each read where it is kept."""

    label: str
    by_value: dict[str, Read]

    @property
    def sums(self) -> dict[str, float]:
        """The numbers now."""
        return {value: read() for value, read in self.by_value.items()}


class Meter(Struct, frozen=True, kw_only=True):
    """One metric under its name and help text; where it comes from says how it is read."""

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    source: Read | Tally | Reads | Histogram


class IngestTally:
    """Alerts that this process has stored, by where each ended; a listener of the log."""

    def __init__(self) -> None:
        self.received = 0
        self.by_disposition = Tally("disposition", DISPOSITIONS)
        self.refused = Tally("reason")

    def note(self, record: Record) -> None:
        """Take a record's counters."""
        if not record.counts:
            return
        self.received += record.counts.get(RECEIVED, 0)
        for disposition in DISPOSITIONS:
            count = record.counts.get(counter(disposition))
            if count:
                self.by_disposition.add(disposition, count)
        for name, count in record.counts.items():
            if name.startswith(REFUSED):
                self.refused.add(name.removeprefix(REFUSED), count)
