"""How many alerts go into one commit, on an engine whose commits hold only so many writes."""

from typing import Final

from alertwhisperer.domain.change import Change
from alertwhisperer.ports import Limits
from alertwhisperer.schema import COLLECTIONS

BATCH_AT_MOST: Final = 256
WRITES_OF_AN_ALERT: Final = 4
"""At most, but for what comes with a batch: itself, its incident, its asset, and a guard of the asset's name."""

_GUARDED: Final = frozenset(each.name for each in COLLECTIONS if any(index.unique for index in each.indexes))


def sure_to_fit(limits: Limits) -> int:
    """So many alerts fit into one commit whatever they are."""
    return limits.batch(BATCH_AT_MOST * WRITES_OF_AN_ALERT) // WRITES_OF_AN_ALERT


class Room:
    """`alerts`: how many the next batch of a company may hold, as the last one's writes let expect.

    Repeats, and alerts that share incidents, need far fewer writes than the most that an alert may; and each commit
    saved is a record, a head and the shared incidents not written once more.
    """

    def __init__(self, limits: Limits) -> None:
        self.alerts = self._sure = sure_to_fit(limits)
        self._writes = limits.writes

    def holds(self, change: Change) -> bool:
        """Whether one commit holds it."""
        return self._writes is None or _writes_of(change) <= self._writes

    def learn(self, alerts: int, change: Change) -> None:
        """So many alerts came to this change."""
        if self._writes is not None:
            likely = alerts * self._writes // max(_writes_of(change), 1)
            self.alerts = max(self._sure, min(likely, BATCH_AT_MOST))


def _writes_of(change: Change) -> int:
    return len(change.writes) + sum(write.collection in _GUARDED for write in change.writes)
