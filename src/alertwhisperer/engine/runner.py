"""Runs decisions: one commit in flight for each company; what arrives meanwhile is the next batch.

Ingest and people's verbs go through the same door, so they share a commit, an order and one way of losing a race:
undo, read what the other process wrote, decide again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import structlog
from msgspec import Struct, json

from alertwhisperer.domain.alert import IncomingAlert
from alertwhisperer.domain.change import Change
from alertwhisperer.domain.delivery import Receipt
from alertwhisperer.domain.errors import (
    AlertWhispererError,
    Conflict,
    Invalid,
    OutcomeUnknown,
    Stale,
    Unavailable,
)
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.scope import Scope
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Clock, Ids, Storage

T = TypeVar("T")

BATCH_AT_MOST: Final = 512
QUEUED_AT_MOST: Final = 20_000
COMPANIES_AT_MOST: Final = 1_000
ATTEMPTS: Final = 40
BACK_OFF_SECONDS: Final = 0.001

log = structlog.get_logger(__name__)


class Need(Protocol):
    """Fetches into a state what a decision will look for."""

    def __call__(self, state: CompanyState, loader: Loader, /) -> Awaitable[None]:
        """Read; never write."""
        ...


class Once(Struct, frozen=True):
    """A mutation that its sender may repeat: under the same key it is done once and answered alike for 24 h."""

    key: str
    fingerprint: str


class Want(Struct, frozen=True, gc=False):
    """What a delivery will look for, so that a whole batch of them is fetched at once. `weight` is in alerts."""

    incoming: Sequence[IncomingAlert]
    receipt_id: str | None
    weight: int


class Intent(Generic[T]):
    """One decision waiting for its company's next commit. One that has a `load` begins a batch."""

    __slots__ = ("answer", "decide", "future", "load", "scope", "want", "weight")

    def __init__(self, scope: Scope, decide: Callable[[Draft], T], load: Need | None, want: Want | None) -> None:
        self.scope = scope
        self.decide = decide
        self.load = load
        self.want = want
        self.weight = want.weight if want else 1
        self.answer: T | None = None
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def succeed(self) -> None:
        """Tell whoever waits that it is durable."""
        if not self.future.done():
            self.future.set_result(self.answer)  # type: ignore[arg-type]  # set by decide before any commit

    def fail(self, error: BaseException) -> None:
        """Tell whoever waits that it did not happen."""
        if not self.future.done():
            self.future.set_exception(error)


class Tally:
    """What `/metrics` reads of the runner."""

    def __init__(self) -> None:
        self.commits = 0
        self.conflicts = 0
        self.unknown_outcomes = 0
        self.failed_decisions = 0
        self.queued = 0
        self.commit_seconds: Callable[[float], None] = _ignore


def _ignore(_: float) -> None:
    return None


class Runner:
    """The door through which all state changes go. `queued_at_most` bounds what may wait, in alerts."""

    def __init__(
        self, storage: Storage, clock: Clock, ids: Ids, *, audit_key: bytes, queued_at_most: int = QUEUED_AT_MOST
    ) -> None:
        self.storage = storage
        self.clock = clock
        self.ids = ids
        self.loader = Loader(storage, storage)
        self.tally = Tally()
        self.audit_key = audit_key
        self._queued_at_most = queued_at_most
        self._desks: dict[str, _Desk] = {}

    async def run(self, scope: Scope, decide: Callable[[Draft], T], load: Need | None = None) -> T:
        """Run one decision in its company's next commit; returns its answer once that is durable.

        load: fetches what `decide` will look for; it sees all that was decided before. Raises what `decide` raises,
        or Unavailable.
        """
        return await self._queue(Intent(scope, decide, load, None))

    async def run_batched(self, scope: Scope, decide: Callable[[Draft], T], want: Want) -> T:
        """`run` for a delivery, whose needs are fetched together with those of its whole batch."""
        return await self._queue(Intent(scope, decide, None, want))

    async def _queue(self, intent: Intent[T]) -> T:
        if self.tally.queued + intent.weight > self._queued_at_most:
            raise Unavailable("too much is waiting to be stored", retry_after=1)
        self._desk(intent.scope.company_id).take(intent)
        return await intent.future

    async def run_once(
        self,
        scope: Scope,
        once: Once | None,
        kind: type[T],
        decide: Callable[[Draft], T],
        load: Need | None = None,
    ) -> T:
        """`run` for a mutation that carries an idempotency key; its answer, of type `kind`, is kept as a receipt.

        Raises Invalid if the key was used for something else.
        """
        if once is None:
            return await self.run(scope, decide, load)
        key = (scope.company_id, f"key#{scope.actor.id}#{once.key}")

        async def load_both(state: CompanyState, loader: Loader) -> None:
            await loader.fetch(state, Receipt, key)
            if load is not None:
                await load(state, loader)

        def decide_once(draft: Draft) -> T:
            receipt = draft.get(Receipt, key)
            if receipt is not None:
                if receipt.fingerprint != once.fingerprint:
                    raise Invalid("was used for another request", "Idempotency-Key")
                return json.decode(receipt.answer, type=kind)
            answer = decide(draft)
            text = json.encode(answer).decode()
            draft.put(
                Receipt(
                    company_id=key[0],
                    id=key[1],
                    received_at=draft.now,
                    status=200,
                    answer=text,
                    fingerprint=once.fingerprint,
                )
            )
            return answer

        return await self.run(scope, decide_once, load_both)

    async def state(self, company_id: str) -> CompanyState:
        """A company's state as of its last commit here; to look at, never to decide on."""
        return await self._desk(company_id).ready()

    def forget(self, company_id: str) -> None:
        """Read a company's state anew before its next decision: another process is known to have changed it."""
        self._desk(company_id).forget()

    def _desk(self, company_id: str) -> "_Desk":
        desk = self._desks.pop(company_id, None) or _Desk(self, company_id)
        self._desks[company_id] = desk
        if len(self._desks) > COMPANIES_AT_MOST:
            idle = next(
                (name for name, each in self._desks.items() if not each.busy and each is not desk),
                None,
            )
            if idle is not None:
                del self._desks[idle]
        return desk

    async def close(self) -> None:
        """Wait until all that was taken is durable or refused."""
        for desk in list(self._desks.values()):
            await desk.drain()


class _Desk:
    """One company's queue and the one commit in flight."""

    def __init__(self, runner: Runner, company_id: str) -> None:
        self._runner = runner
        self._company_id = company_id
        self._queue: deque[Intent[object]] = deque()
        self._state: CompanyState | None = None
        self._task: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether something is queued or in flight."""
        return self._task is not None

    def take(self, intent: Intent[T]) -> None:
        """Queue an intent; when idle, begin at once."""
        self._queue.append(intent)  # type: ignore[arg-type]  # a queue holds intents of all answers
        self._runner.tally.queued += intent.weight
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def drain(self) -> None:
        """Wait for the queue to be empty."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def forget(self) -> None:
        """Drop the state; a batch in flight keeps its own and loses the race, if there is one."""
        self._state = None

    async def ready(self) -> CompanyState:
        """The state, opened if it is not here yet."""
        if self._state is not None:
            return self._state
        async with self._loading:
            if self._state is None:
                self._state = await self._runner.loader.open(self._company_id)
            return self._state

    async def _work(self) -> None:
        try:
            while self._queue:
                batch = self._next_batch()
                try:
                    await self._commit(batch)
                # One batch must not take the company's door down with it: each waiter gets the error, none is lost.
                except Exception as error:  # noqa: BLE001
                    self._give_up(batch, error)
        finally:
            self._task = None
            if self._queue:
                self._task = asyncio.create_task(self._work())

    def _next_batch(self) -> list[Intent[object]]:
        batch = [self._queue.popleft()]
        weight = batch[0].weight
        while self._queue and self._queue[0].load is None and weight + self._queue[0].weight <= BATCH_AT_MOST:
            batch.append(self._queue.popleft())
            weight += batch[-1].weight
        self._runner.tally.queued -= weight
        return batch

    async def _commit(self, batch: list[Intent[object]]) -> None:
        """Load → decide → commit; a lost race is decided again on the newer state."""
        for attempt in range(ATTEMPTS):
            batch = [intent for intent in batch if not intent.future.done()]
            if not batch:
                return
            state = await self.ready()
            await self._load(state, batch)
            change = self._decide(state, batch)
            try:
                if change is not None:
                    record = await self._store(state, batch[0].scope, change)
                    state.seq, state.audit_head = record.seq, change.audit_head
            except Unavailable as error:
                self._give_up(batch, error)
                return
            except AlertWhispererError as error:
                state.undo()
                if not isinstance(error, Conflict) or isinstance(error, Stale):
                    await self._halve(batch, error)
                    return
                self._runner.tally.conflicts += 1
                self._state = await self._runner.loader.catch_up(state)
                await asyncio.sleep(BACK_OFF_SECONDS * attempt)
                continue
            state.settle()
            for intent in batch:
                intent.succeed()
            return
        self._give_up(batch, Unavailable("other processes keep writing to this company", retry_after=1))

    def _give_up(self, batch: list[Intent[object]], error: Exception) -> None:
        """Nothing is known to be stored: the senders hear so, and the state is read anew."""
        self._state = None
        for intent in batch:
            intent.fail(error)

    async def _load(self, state: CompanyState, batch: list[Intent[object]]) -> None:
        loader = self._runner.loader
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

    def _decide(self, state: CompanyState, batch: list[Intent[object]]) -> Change | None:
        """One change for the whole batch; a decision that fails is rolled back alone."""
        now = self._runner.clock.now()
        draft = Draft(state, scope=batch[0].scope, now=now, ids=self._runner.ids)
        for intent in batch:
            if intent.future.done():
                continue
            draft.scope, draft.now = intent.scope, now
            mark = draft.mark()
            try:
                intent.answer = intent.decide(draft)
            except AlertWhispererError as error:
                draft.restore(mark)
                intent.fail(error)
            # A fault in one decision must not take the others of its batch with it; its sender gets the error.
            except Exception as error:
                draft.restore(mark)
                self._runner.tally.failed_decisions += 1
                log.exception("decision failed", company_id=self._company_id)
                intent.fail(error)
        return None if draft.is_empty() else draft.seal(self._runner.audit_key)

    async def _store(self, state: CompanyState, scope: Scope, change: Change) -> Record:
        """Commit; when the answer is lost, the log says whether it happened."""
        runner = self._runner
        commit_id, at = runner.ids.new_id(), runner.clock.now()
        started = runner.clock.monotonic()
        for _ in range(ATTEMPTS):
            try:
                record = await runner.storage.commit(scope, state.seq, change, commit_id=commit_id, at=at)
            except OutcomeUnknown:
                runner.tally.unknown_outcomes += 1
                found = await runner.storage.records(self._company_id, state.seq, limit=1)
                if not found:
                    continue
                if found[0].commit_id != commit_id:
                    raise Conflict("another process was first") from None
                record = found[0]
            runner.tally.commits += 1
            runner.tally.commit_seconds(runner.clock.monotonic() - started)
            return record
        raise Unavailable("the database does not say whether it stored this")

    async def _halve(self, batch: list[Intent[object]], error: AlertWhispererError) -> None:
        """A batch that the storage refuses is halved until the culprit stands alone."""
        if len(batch) == 1:
            batch[0].fail(error)
            return
        middle = len(batch) // 2
        await self._commit(batch[:middle])
        await self._commit(batch[middle:])
