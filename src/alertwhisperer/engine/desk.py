"""One company's queue of decisions, and the commits it has in flight.

While a batch is being written the next one is decided on top of it, so that deciding and writing overlap. A batch that
is in flight carries the journal of what it changed in the state: should it fail, it and those decided on top of it are
taken back, in the reverse order, and decided again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Final, TypeVar, cast

import structlog
from msgspec import Struct

from alertwhisperer.domain.change import Change
from alertwhisperer.domain.errors import AlertWhispererError, Conflict, OutcomeUnknown, Stale, Unavailable
from alertwhisperer.domain.instant import Instant
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Intent, Tally
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.room import Room
from alertwhisperer.engine.state import CompanyState, Journal
from alertwhisperer.ports import Clock, Ids, Storage

T = TypeVar("T")

IN_FLIGHT_AT_MOST: Final = 2
EARLY_FROM: Final = 16
"""At least so many alerts, and as many as are in flight, are decided on top of those; fewer wait, and share a batch.

With nothing in flight half of those that wait are taken, so that there is something to decide while they are written:
senders that all wait for one commit would otherwise take turns with the disk.
"""

ATTEMPTS: Final = 40
BACK_OFF_SECONDS: Final = 0.001

log = structlog.get_logger(__name__)


class Means(Struct, frozen=True):
    """What all desks of a process share."""

    storage: Storage
    clock: Clock
    ids: Ids
    loader: Loader
    tally: Tally
    audit_key: bytes


class Flight(Struct, gc=False):
    """A batch that is decided and on its way to the disk, on top of record `base_seq`, which `after` committed."""

    state: CompanyState
    batch: list[Intent[object]]
    journal: Journal
    base_seq: int
    base_head: str
    after: str | None
    commit_id: str
    task: asyncio.Task[None]

    @property
    def weight(self) -> int:
        """In alerts."""
        return sum(intent.weight for intent in self.batch)

    def take_back(self) -> None:
        """The state as if this batch had not been decided; those decided on top of it go first."""
        self.state.undo(self.journal)
        self.state.seq, self.state.audit_head = self.base_seq, self.base_head


class Desk:
    """One company's queue and its commits in flight, in order."""

    def __init__(self, means: Means, company_id: str) -> None:
        self._means = means
        self._company_id = company_id
        self._queue: deque[Intent[object]] = deque()
        self._queued = 0
        self._held = 0
        self._flights: deque[Flight] = deque()
        self._state: CompanyState | None = None
        self._task: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._room = Room(means.storage.limits)

    @property
    def busy(self) -> bool:
        """Whether something is queued or in flight."""
        return self._task is not None or self._loading.locked()

    def take(self, intent: Intent[T]) -> None:
        """Queue an intent; when idle, begin at once."""
        self._queue.append(intent)  # type: ignore[arg-type]  # a queue holds intents of all answers
        self._weigh(intent.weight)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        elif self._queued >= EARLY_FROM:
            self._stirred.set()

    async def drain(self) -> None:
        """Wait for the queue to be empty."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def forget(self) -> None:
        """Drop the state; a batch in flight keeps its own and loses the race, if there is one."""
        self._keep(None)

    def _keep(self, state: CompanyState | None) -> None:
        """Go on with this state, and count what it holds."""
        self._state = state
        held = state.size if state is not None else 0
        self._means.tally.held += held - self._held
        self._held = held

    @property
    def state(self) -> CompanyState | None:
        """The state, if it is here."""
        return self._state

    async def ready(self) -> CompanyState:
        """The state, opened if it is not here yet. It is ahead of the log by what is in flight."""
        if self._state is not None:
            return self._state
        async with self._loading:
            if self._state is None:
                self._keep(await self._means.loader.open(self._company_id))
            return cast("CompanyState", self._state)

    async def _work(self) -> None:
        try:
            while self._queue or self._flights:
                self._stirred.clear()
                if self._flights and self._flights[0].task.done():
                    flight = self._flights.popleft()
                    await self._guarded(flight.batch, self._land(flight))
                elif self._may_depart():
                    batch = self._next_batch()
                    await self._guarded(batch, self._set_off(batch))
                else:
                    await self._stirred.wait()
        finally:
            self._task = None
            if self._queue:
                self._task = asyncio.create_task(self._work())

    def _may_depart(self) -> bool:
        """Whether to decide the next batch now. On top of one in flight only deliveries, and only enough of them."""
        if not self._flights:
            return bool(self._queue)
        return (
            self._queued >= max(EARLY_FROM, self._flights[-1].weight)
            and len(self._flights) < IN_FLIGHT_AT_MOST
            and self._state is self._flights[-1].state
            and self._queue[0].want is not None
        )

    def _next_batch(self) -> list[Intent[object]]:
        batch = [self._queue.popleft()]
        weight = batch[0].weight
        only_wants = bool(self._flights)
        at_most = self._room.alerts
        if not self._flights:
            at_most = min(at_most, max(self._queued // 2, EARLY_FROM))
        while self._queue and weight + self._queue[0].weight <= at_most:
            following = self._queue[0]
            if following.load is not None or (only_wants and following.want is None):
                break
            batch.append(self._queue.popleft())
            weight += following.weight
        self._weigh(-weight)
        return batch

    def _weigh(self, by: int) -> None:
        self._queued += by
        self._means.tally.queued += by

    async def _guarded(self, batch: list[Intent[object]], step: Awaitable[None]) -> None:
        try:
            await step
        except AlertWhispererError as error:
            await self._abandon(batch, error)
        # One batch must not take the company's door down with it: each waiter gets the error, none is lost.
        except Exception as error:
            self._means.tally.failed_decisions += 1
            log.exception("batch failed", company_id=self._company_id)
            await self._abandon(batch, error)

    async def _set_off(self, batch: list[Intent[object]]) -> None:
        flight = await self._depart(batch, may_split=True)
        if flight is not None:
            self._flights.append(flight)
            flight.task.add_done_callback(lambda _: self._stirred.set())
            # Let the task hand its commit to the storage before the next batch is decided.
            await asyncio.sleep(0)

    async def _depart(self, batch: list[Intent[object]], *, may_split: bool = False) -> Flight | None:
        """Load and decide a batch, and send it on its way; None if nothing of it is to be stored.

        may_split: of more than one commit holds the first half goes, and the rest back to the head of the queue.
        """
        batch = [intent for intent in batch if not intent.settled]
        if not batch:
            return None
        state = await self._current(batch)
        if state.fenced and await self._stopped(state, batch):
            return None
        state.begin([each.journal for each in self._flights])
        await self._load(state, batch)
        journal, change = self._decide(state, batch)
        while may_split and change is not None and len(batch) > 1 and not self._room.holds(change):
            state.undo(journal)
            batch = self._first_half(batch)
            journal, change = self._decide(state, batch)
        if change is None:
            state.settle([each.journal for each in self._flights])
            for intent in batch:
                intent.succeed()
            return None
        self._room.learn(sum(intent.weight for intent in batch), change)
        means = self._means
        commit_id, at = means.ids.new_id(), means.clock.now()
        after = self._flights[-1].commit_id if self._flights else None
        base_seq, base_head = state.seq, state.audit_head
        state.seq, state.audit_head = base_seq + 1, change.audit_head
        storing = self._store(base_seq, batch, change, commit_id=commit_id, at=at, after=after)
        return Flight(state, batch, journal, base_seq, base_head, after, commit_id, asyncio.create_task(storing))

    def _first_half(self, batch: list[Intent[object]]) -> list[Intent[object]]:
        """The first half of a batch; the other, but for what is answered already, is queued again."""
        middle = len(batch) // 2
        rest = [intent for intent in batch[middle:] if not intent.settled]
        self._queue.extendleft(reversed(rest))
        self._weigh(sum(intent.weight for intent in rest))
        return batch[:middle]

    async def _stopped(self, state: CompanyState, batch: list[Intent[object]]) -> bool:
        """Whether the fence still stands, and so all of the batch is refused. The state stays, for who only reads."""
        fence = await self._means.loader.fence()
        state.fenced = fence is not None
        if fence is not None:
            for intent in batch:
                intent.fail(Unavailable(fence.reason, retry_after=fence.retry_after))
        return state.fenced

    async def _current(self, batch: list[Intent[object]]) -> CompanyState:
        """The state to decide on. For people's verbs it is brought up to the log first.

        A delivery writes, and so meets what another process has written; a verb may refuse, and a refusal by what was
        so once would never meet the log.
        """
        state = await self.ready()
        if self._flights or all(intent.want is not None for intent in batch):
            return state
        seq, _ = await self._means.storage.head(self._company_id)
        if seq != state.seq:
            state = await self._means.loader.catch_up(state)
            self._keep(state)
        return state

    async def refresh(self) -> bool:
        """Drop the state if the log has gone on without it; whether it had."""
        state = self._state
        if state is None or self.busy:
            return False
        seq, _ = await self._means.storage.head(self._company_id)
        if seq == state.seq or self._state is not state or self.busy:
            return False
        self._keep(None)
        return True

    async def _load(self, state: CompanyState, batch: list[Intent[object]]) -> None:
        loader = self._means.loader
        wants = [intent.want for intent in batch if intent.want is not None]
        if wants:
            incoming = [each for want in wants for each in want.incoming]
            await loader.fetch_for(state, incoming, [want.receipt_id for want in wants if want.receipt_id])
        for intent in batch:
            if intent.load is not None:
                try:
                    await intent.load(state, loader)
                except AlertWhispererError as error:
                    intent.fail(error)
                # As in deciding: a fault in one must not take the others of its batch with it.
                except Exception as error:
                    self._means.tally.failed_decisions += 1
                    log.exception("reading for a decision failed", company_id=self._company_id)
                    intent.fail(error)

    def _decide(self, state: CompanyState, batch: list[Intent[object]]) -> tuple[Journal, Change | None]:
        """One change for the whole batch. A decision that fails is left out, and what it had written is undone."""
        in_flight = [each.journal for each in self._flights]
        while True:
            journal = state.begin(in_flight)
            draft = Draft(state, scope=batch[0].scope, now=self._means.clock.now(), ids=self._means.ids)
            if self._all_decide(draft, batch):
                return journal, draft.seal(self._means.audit_key) if draft.touched else None
            state.undo(journal)

    def _all_decide(self, draft: Draft, batch: list[Intent[object]]) -> bool:
        """Whether every decision either succeeded or failed before it wrote; if not, the draft is spoilt."""
        now = draft.now
        for intent in batch:
            if intent.settled:
                continue
            draft.scope, draft.now = intent.scope, now
            touched = draft.touched
            try:
                intent.answer = intent.decide(draft)
            except AlertWhispererError as error:
                intent.fail(error)
            # A fault in one decision must not take the others of its batch with it; its sender gets the error.
            except Exception as error:
                self._means.tally.failed_decisions += 1
                log.exception("decision failed", company_id=self._company_id)
                intent.fail(error)
            else:
                continue
            if draft.touched > touched:
                return False
        return True

    async def _store(
        self,
        base_seq: int,
        batch: list[Intent[object]],
        change: Change,
        *,
        commit_id: str,
        at: Instant,
        after: str | None,
    ) -> None:
        """Commit and answer; when the storage's answer is lost, the log says whether it happened."""
        means, scope = self._means, batch[0].scope
        started = means.clock.monotonic()
        unsure = False
        for _ in range(ATTEMPTS):
            try:
                await means.storage.commit(scope, base_seq, change, commit_id=commit_id, at=at, after=after)
            except OutcomeUnknown:
                unsure = True
                means.tally.unknown_outcomes += 1
                if not await self._is_stored(base_seq, commit_id):
                    continue
            except Conflict:
                # A try whose answer was lost may have arrived after the log was asked: then it is in its own way.
                if not (unsure and await self._is_stored(base_seq, commit_id)):
                    raise
            means.tally.commits += 1
            means.tally.commit_seconds(means.clock.monotonic() - started)
            for intent in batch:
                intent.succeed()
            return
        raise Unavailable("the database does not say whether it stored this")

    async def _is_stored(self, base_seq: int, commit_id: str) -> bool:
        """Whether the log has this very commit. Conflict if another is in its place."""
        found = await self._means.storage.records(self._company_id, base_seq, limit=1, told=False)
        if found and found[0].commit_id != commit_id:
            raise Conflict("another process was first")
        return bool(found)

    async def _land(self, flight: Flight) -> None:
        """The first flight has arrived, or has failed."""
        error = flight.task.exception()
        if error is None:
            flight.state.settle([each.journal for each in self._flights])
            self._keep(self._state)
        elif await self._recover(flight, error):
            await self._commit(flight.batch)

    async def _commit(self, batch: list[Intent[object]]) -> None:
        """Load → decide → commit with nothing else in flight; a lost race is decided again on the newer state."""
        for attempt in range(ATTEMPTS):
            flight = await self._depart(batch)
            if flight is None:
                return
            await asyncio.wait([flight.task])
            error = flight.task.exception()
            if error is None:
                flight.state.settle()
                self._keep(self._state)
                return
            if not await self._recover(flight, error):
                return
            await asyncio.sleep(BACK_OFF_SECONDS * attempt)
        await self._abandon(batch, Unavailable("other processes keep writing to this company", retry_after=1))

    async def _recover(self, flight: Flight, error: BaseException) -> bool:
        """Take a failed batch back, with what was decided on top of it; whether it is to be decided again."""
        all_undone = await self._call_back()
        if isinstance(error, Unavailable) or not isinstance(error, AlertWhispererError):
            await self._abandon(flight.batch, error)
            return False
        flight.take_back()
        if not all_undone:
            self._keep(None)
        if not isinstance(error, Conflict) or isinstance(error, Stale):
            await self._halve(flight.batch, error)
            return False
        self._means.tally.conflicts += 1
        if all_undone:
            self._keep(await self._means.loader.catch_up(flight.state))
        return True

    async def _call_back(self) -> bool:
        """What was decided on top of a batch that failed is decided anew: the storage takes it only behind that one.

        Returns whether all of it is undone; if not, the state is not to be used any more.
        """
        all_undone = True
        while self._flights:
            flight = self._flights.pop()
            await asyncio.wait([flight.task])
            error = flight.task.exception()
            if not isinstance(error, Conflict):
                # It is stored, or may be: it must not be decided again.
                all_undone = False
                for intent in flight.batch:
                    intent.fail(error or Unavailable("the database does not say whether it stored this"))
                continue
            flight.take_back()
            again = [intent for intent in flight.batch if not intent.settled]
            self._queue.extendleft(reversed(again))
            self._weigh(sum(intent.weight for intent in again))
        return all_undone

    async def _abandon(self, batch: list[Intent[object]], error: BaseException) -> None:
        """Nothing is known to be stored: the senders hear so, and the state is read anew."""
        await self._call_back()
        self._keep(None)
        for intent in batch:
            intent.fail(error)

    async def _halve(self, batch: list[Intent[object]], error: AlertWhispererError) -> None:
        """A batch that the storage refuses is halved until the culprit stands alone."""
        if len(batch) == 1:
            if isinstance(error, Stale):
                self._keep(None)  # Memory and database disagree about a document: the database is right.
            batch[0].fail(error)
            return
        middle = len(batch) // 2
        await self._commit(batch[:middle])
        await self._commit(batch[middle:])
