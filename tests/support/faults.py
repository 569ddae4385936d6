"""What happens to requests on their way to a database: by plan, by seeded chance, or nothing."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Final, Literal

Fault = Literal[
    "none",
    "delay",
    "cut",
    "lose answer",
    "arrive late",
    "conflict",
    "throttle",
    "exceed",
    "hot item",
    "server error",
    "unprocessed",
    "deny",
    "expired token",
    "unknown key",
]
"""delay: the request stands still for a while. cut: the connection breaks before the request is handed on. lose answer:
it breaks after the server has answered. arrive late: it breaks, and the request is handed on some time after.

DynamoDB alone, answered in its place: conflict (others write to the item: TransactionConflict), throttle and exceed
(ThrottlingException, ProvisionedThroughputExceededException), hot item (a transaction cancelled by the throughput of
one of its items), server error (500), deny, expired token, unknown key. unprocessed: half of a batch is read.
"""

DELAY_SECONDS: Final = 0.05


@dataclass
class Faults:
    """Faults to come, and in `met` those that have been: (verb, fault) → how often.

    A plan is of one verb and goes before chance. `delay_seconds`: how long delayed and late ones take. While it is
    `gone`, the database is not there for anybody.
    """

    delay_seconds: float = DELAY_SECONDS
    gone: bool = False
    met: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    _plans: dict[str, Iterable[Fault]] = field(default_factory=dict)
    _shares: defaultdict[str, dict[Fault, float]] = field(default_factory=lambda: defaultdict(dict))
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    def seed(self, seed: int) -> None:
        """Begin other chances."""
        self._chance.seed(seed)

    def plan(self, verb: str, *faults: Fault, for_ever: bool = False) -> None:
        """These for the next requests of a kind; `for_ever`: the last of them from then on."""
        self._plans[verb] = iter(chain(faults, repeat(faults[-1])) if for_ever else faults)

    def by_chance(self, shares: Mapping[Fault, float], verbs: Iterable[str]) -> None:
        """Each fault in so large a share (0–1) of the requests of these kinds."""
        for verb in verbs:
            self._shares[verb] |= shares

    def calm(self) -> None:
        """From now on all goes well."""
        self.gone = False
        self._plans.clear()
        self._shares.clear()

    def draw(self, verb: str) -> Fault:
        """What happens to the next request of a kind."""
        fault: Fault = "cut" if self.gone else next(iter(self._plans.get(verb, ())), "none")
        if fault == "none" and (shares := self._shares.get(verb)):
            fault = self._by_lot(shares)
        self.met[verb, fault] += 1
        return fault

    def _by_lot(self, shares: Mapping[Fault, float]) -> Fault:
        drawn = self._chance.random()
        for fault, share in shares.items():
            drawn -= share
            if drawn < 0:
                return fault
        return "none"

    def count(self, *faults: Fault) -> int:
        """How many requests have met one of these."""
        return sum(times for (_, fault), times in self.met.items() if fault in faults)
