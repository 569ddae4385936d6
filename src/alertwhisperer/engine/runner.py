"""Runs decisions: what arrives while a company's commit is in flight is its next batch.

Ingest and people's verbs go through the same door, so they share a commit, an order and one way of losing a race:
undo, read what the other process wrote, decide again.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar, cast

from msgspec import Struct, json

from alertwhisperer.domain.delivery import REMEMBERED_SECONDS, Receipt
from alertwhisperer.domain.errors import Invalid, Unavailable
from alertwhisperer.domain.instant import seconds_between
from alertwhisperer.domain.scope import Scope
from alertwhisperer.engine.desk import Desk, Means
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Intent, Need, Tally, Tell, Want
from alertwhisperer.engine.loader import Loader
from alertwhisperer.engine.room import sure_to_fit
from alertwhisperer.engine.state import CompanyState
from alertwhisperer.ports import Clock, Ids, Storage

T = TypeVar("T")

QUEUED_AT_MOST: Final = 20_000
COMPANIES_AT_MOST: Final = 1_000
HELD_AT_MOST: Final = 60_000
"""Companies, and documents of all of them, that are kept in memory; beyond, whoever was idle longest goes."""


class Once(Struct, frozen=True):
    """A mutation that its sender may repeat: under the same key it is done once and answered alike for 24 h."""

    key: str
    fingerprint: str


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
        self._queued_at_most = queued_at_most
        self.batch_at_most = sure_to_fit(storage.limits)
        self._means = Means(storage, clock, ids, self.loader, self.tally, audit_key)
        self._desks: dict[str, Desk] = {}

    async def run(self, scope: Scope, decide: Callable[[Draft], T], load: Need | None = None) -> T:
        """Run one decision in its company's next commit; returns its answer once that is durable.

        load: fetches what `decide` will look for; it sees all that was decided before. Raises what `decide` raises,
        or Unavailable.
        """
        return await self._queue(scope, decide, load, None)

    async def run_batched(self, scope: Scope, decide: Callable[[Draft], T], want: Want) -> T:
        """`run` for a delivery, whose needs are fetched together with those of its whole batch."""
        return await self._queue(scope, decide, None, want)

    def submit(self, scope: Scope, decide: Callable[[Draft], T], want: Want, tell: Tell[T]) -> None:
        """`run_batched` for who does not wait but is told."""
        self._take(Intent(scope, decide, None, want, tell, self.tally))

    async def _queue(self, scope: Scope, decide: Callable[[Draft], T], load: Need | None, want: Want | None) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def tell(answer: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(cast("T", answer))

        intent = Intent(scope, decide, load, want, tell, self.tally)
        self._take(intent)
        try:
            return await future
        except asyncio.CancelledError:
            intent.settled = True  # Nobody waits any more: what is not yet decided need not be.
            raise

    def _take(self, intent: Intent[T]) -> None:
        if self.tally.queued + intent.weight > self._queued_at_most:
            raise Unavailable("too much is waiting to be stored", retry_after=1)
        self._desk(intent.scope.company_id).take(intent)

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
            if receipt is not None and seconds_between(receipt.received_at, draft.now) < REMEMBERED_SECONDS:
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

    def state_now(self, company_id: str) -> CompanyState | None:
        """`state`, if it is here already."""
        desk = self._desks.get(company_id)
        return desk.state if desk is not None else None

    async def refresh(self, company_id: str) -> bool:
        """Forget a company's state if another process has changed it; whether it had."""
        return await self._desk(company_id).refresh()

    def forget(self, company_id: str) -> None:
        """Read a company's state anew before its next decision: another process is known to have changed it."""
        self._desk(company_id).forget()

    def _desk(self, company_id: str) -> Desk:
        desk = self._desks.pop(company_id, None) or Desk(self._means, company_id)
        self._desks[company_id] = desk
        if len(self._desks) > COMPANIES_AT_MOST or self.tally.held > HELD_AT_MOST:
            idle = next(
                (name for name, each in self._desks.items() if not each.busy and each is not desk),
                None,
            )
            if idle is not None:
                self._desks.pop(idle).forget()
        return desk

    async def close(self) -> None:
        """Wait until all that was taken is durable or refused."""
        for desk in list(self._desks.values()):
            await desk.drain()
