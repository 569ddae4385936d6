"""What waits for a company's next commit: a decision, what it will look for, and who hears the answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog
from msgspec import Struct

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.scope import Scope
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.state import CompanyState

T = TypeVar("T")
Tell = Callable[[T | None, BaseException | None], None]
"""Hears the answer of a decision once it is durable, or why it is not; in the event loop, and must not raise."""

log = structlog.get_logger(__name__)


class Tally:
    """What `/metrics` reads of the runner."""

    def __init__(self) -> None:
        self.commits = 0
        self.conflicts = 0
        self.unknown_outcomes = 0
        self.failed_decisions = 0
        self.failed_answers = 0
        self.queued = 0
        self.held = 0
        self.commit_seconds: Callable[[float], None] = _ignore


def _ignore(_: float) -> None:
    return None


class Need(Protocol):
    """Fetches into a state what a decision will look for."""

    def __call__(self, state: CompanyState, loader: Loader, /) -> Awaitable[None]:
        """Read; never write."""
        ...


class Want(Struct, frozen=True, gc=False):
    """What a delivery will look for, so that a whole batch of them is fetched at once. `weight` is in alerts."""

    incoming: Sequence[IncomingAlert]
    receipt_id: str | None
    weight: int


class Intent(Generic[T]):
    """One decision waiting for its company's next commit. One that has a `load` begins a batch."""

    __slots__ = ("_tally", "_tell", "answer", "decide", "load", "scope", "settled", "want", "weight")

    def __init__(
        self,
        scope: Scope,
        decide: Callable[[Draft], T],
        load: Need | None,
        want: Want | None,
        tell: Tell[T],
        tally: Tally,
    ) -> None:
        self.scope = scope
        self.decide = decide
        self.load = load
        self.want = want
        self.weight = max(want.weight, 1) if want else 1
        self.answer: T | None = None
        self.settled = False
        self._tell = tell
        self._tally = tally

    def succeed(self) -> None:
        """Tell whoever waits that it is durable."""
        self._settle(self.answer, None)

    def fail(self, error: BaseException) -> None:
        """Tell whoever waits that it did not happen, or (Unavailable) that nobody can say whether it did."""
        self._settle(None, error)

    def _settle(self, answer: T | None, error: BaseException | None) -> None:
        if self.settled:
            return
        self.settled = True
        try:
            self._tell(answer, error)
        # What is durable stays so, and the others are to hear of theirs, whatever one listener does.
        except Exception:
            self._tally.failed_answers += 1
            log.exception("an answer could not be given", company_id=self.scope.company_id)
