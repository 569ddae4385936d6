"""Ingest: from an admitted request to what is durable and answered."""

import asyncio
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, Literal

from msgspec import Struct, json
from msgspec.structs import replace

from alertwhisperer.domain.alert import Alert, IncomingAlert
from alertwhisperer.domain.delivery import REMEMBERED_SECONDS, Delivery, Outcome, Receipt
from alertwhisperer.domain.errors import AlertWhispererError, Conflict, Invalid, NotFound
from alertwhisperer.domain.instant import seconds_between
from alertwhisperer.domain.ledger import RECEIVED, Disposition, counter
from alertwhisperer.domain.scope import Scope
from alertwhisperer.domain.user import require
from alertwhisperer.engine.absorb import absorb
from alertwhisperer.engine.door import Admission, Door, WebhookRequest
from alertwhisperer.engine.draft import Draft
from alertwhisperer.engine.intent import Want
from alertwhisperer.engine.runner import Runner
from alertwhisperer.sources.parsed import Parsed, Rejected
from alertwhisperer.sources.registry import SOURCES, Source

PACK_FROM: Final = 4_096
"""Answers longer than this (characters) are kept compressed."""

SHOWN_ATTEMPTS: Final = 10
"""Deliveries of up to so many alerts show their attempts on each."""

PACKED: Final = "zlib:"
READMISSIONS: Final = 5
OUTCOMES: Final = json.Decoder(list[Outcome])
NEW: Final[tuple[Disposition, ...]] = ("grouped", "ungrouped")


class SettingsChanged(Conflict):
    """The company's key or security setting changed between the door and the commit."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a delivery's sender hears: the outcome of each alert, in order; one alone is not a list."""

    outcomes: list[Outcome]
    batch: bool

    @property
    def created(self) -> bool:
        """Whether this was a single alert that began a new episode (201 rather than 200)."""
        return not self.batch and self.outcomes[0].disposition in NEW and not self.outcomes[0].duplicate


Told = Callable[[Answer | BaseException | None], None]
"""Hears the answer to a delivery, or the error; in the event loop."""


class Ingest:
    """Takes deliveries in. `failures`: those that a fault of ours ended before they were queued."""

    def __init__(self, runner: Runner, door: Door) -> None:
        self._runner = runner
        self._door = door
        self._tasks: set[asyncio.Task[Answer]] = set()
        self.failures = 0

    async def receive(self, request: WebhookRequest) -> Answer:
        """Admit, read, decide, store, answer. Returns once every alert is on disk.

        Raises NotFound for an unknown source, Unauthenticated, RateLimited, Invalid when nothing in it could be taken.
        """
        source = SOURCES.get(request.source)
        if source is None:
            raise NotFound(f"no source is called {request.source}")
        for _ in range(READMISSIONS):
            admission = await self._door.admit(request)
            try:
                return await self.deliver(admission.scope, request, source, admission)
            except SettingsChanged:
                continue
        raise Conflict("this company's settings keep changing")

    def take(self, request: WebhookRequest, told: Told) -> bool:
        """`receive` for who does not wait but is told; False, and nothing done, where something must be awaited."""
        source = SOURCES.get(request.source)
        try:
            admission = self._door.admit_now(request) if source is not None else None
            if source is None or admission is None:
                return False
            self._take(request, source, admission, told)
        except AlertWhispererError as error:
            told(error)
        # Who asks is a parser's callback, which would take a fault of ours for one of the sender's.
        except Exception as error:  # noqa: BLE001  # whoever is told has it, and logs it
            self.failures += 1
            told(error)
        return True

    def _take(self, request: WebhookRequest, source: Source, admission: Admission, told: Told) -> None:
        parsed = self._read(admission.scope, request, source)
        if len(parsed.items) > self._runner.batch_at_most:
            self._later(self._store(admission.scope, request, parsed, admission), told)
            return
        self._door.charge(admission.scope.company_id, len(parsed.items) + parsed.control)

        def tell(outcomes: list[Outcome] | None, error: BaseException | None) -> None:
            if outcomes is not None:
                told(Answer(outcomes=outcomes, batch=parsed.batch))
            elif isinstance(error, SettingsChanged):
                self._later(self.receive(request), told)
            else:
                told(error)

        part = _Part(request, parsed, parsed.items, 0, admission)
        self._runner.submit(admission.scope, part.decide, part.want, tell)

    def _later(self, answer: Coroutine[None, None, Answer], told: Told) -> None:
        """Go the long way, and tell what came of it."""

        def tell(task: asyncio.Task[Answer]) -> None:
            self._tasks.discard(task)
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            told(error or task.result())

        task = asyncio.create_task(answer)
        self._tasks.add(task)
        task.add_done_callback(tell)

    async def deliver(
        self, scope: Scope, request: WebhookRequest, source: Source, admission: Admission | None = None
    ) -> Answer:
        """Read, decide, store, answer what the door has let in (`admission` None: the product's own test alert)."""
        return await self._store(scope, request, self._read(scope, request, source), admission)

    async def _store(
        self, scope: Scope, request: WebhookRequest, parsed: Parsed, admission: Admission | None
    ) -> Answer:
        self._door.charge(scope.company_id, len(parsed.items) + parsed.control)
        size = self._runner.batch_at_most
        first, *rest = [
            _Part(request, parsed, parsed.items[start : start + size], start // size, admission)
            for start in range(0, max(len(parsed.items), 1), size)
        ]
        outcomes = await self._runner.run_batched(scope, first.decide, first.want)
        # The first is asked whether it may come in at all; the others queue in order, and share commits.
        told = await asyncio.gather(
            *(self._runner.run_batched(scope, part.decide, part.want) for part in rest), return_exceptions=True
        )
        for each in told:
            if isinstance(each, BaseException):
                raise each
            outcomes += each
        return Answer(outcomes=outcomes, batch=parsed.batch)

    async def test(self, scope: Scope, request: WebhookRequest) -> Answer:
        """Send a test alert through the whole path on behalf of a signed-in person."""
        require(scope.actor, "company.test_alert")
        return await self.deliver(scope, request, SOURCES[request.source])

    def _read(self, scope: Scope, request: WebhookRequest, source: Source) -> Parsed:
        try:
            parsed = source.parse(request.body)
        except Invalid:
            self._door.refuse(scope.company_id, "invalid")
            raise
        except RecursionError:
            self._door.refuse(scope.company_id, "invalid")
            raise Invalid("is nested too deeply", "body") from None
        if parsed.items and all(isinstance(each, Rejected) for each in parsed.items):
            self._door.refuse(scope.company_id, "invalid", len(parsed.items))
            first = next(each for each in parsed.items if isinstance(each, Rejected))
            raise Invalid(first.message, first.field)
        return parsed


class _Part:
    """The share of one delivery that goes into one commit (the whole, but for very large ones)."""

    __slots__ = ("_admission", "_incoming", "_number", "_parsed", "_request", "items")

    def __init__(
        self,
        request: WebhookRequest,
        parsed: Parsed,
        items: Sequence[IncomingAlert | Rejected],
        number: int,
        admission: Admission | None,
    ) -> None:
        self.items = items
        self._request = request
        self._parsed = parsed
        self._incoming = [each for each in items if isinstance(each, IncomingAlert)]
        self._number = number
        self._admission = admission

    @property
    def want(self) -> Want:
        """What deciding this part will look for."""
        return Want(self._incoming, self._receipt_id, len(self.items))

    @property
    def _receipt_id(self) -> str | None:
        given = self._request.delivery_id
        return f"{self._request.source}#{given}#{self._number}" if given else None

    def decide(self, draft: Draft) -> list[Outcome]:
        """The outcome of each item, in order."""
        # Of a delivery in several parts the first one is asked: the others must not be sent again for what it has done.
        if self._admission is not None and self._number == 0 and not self._admission.still_holds(draft):
            raise SettingsChanged("the company's key or security setting has changed")
        draft.now = self._request.received_at
        receipt_id = self._receipt_id
        if receipt_id:
            receipt = draft.get(Receipt, (draft.company_id, receipt_id))
            if receipt is not None and seconds_between(receipt.received_at, draft.now) < REMEMBERED_SECONDS:
                return self._repeat(draft, receipt)
        outcomes = self._outcomes(draft)
        delivery = self._delivery(outcomes)
        draft.keep(delivery)
        self._count(draft, [each.disposition for each in outcomes])
        if receipt_id:
            draft.put(_receipt(draft, receipt_id, outcomes))
        return outcomes

    def _outcomes(self, draft: Draft) -> list[Outcome]:
        delivery_id = self._request.delivery_id or ""
        return [
            absorb(draft, each, delivery_id=delivery_id)
            if isinstance(each, IncomingAlert)
            else Outcome(disposition="rejected", error=each.message, field=each.field)
            for each in self.items
        ]

    def _delivery(self, outcomes: list[Outcome]) -> Delivery:
        body = self._request.body.decode("utf-8", "replace") if self._number == 0 else ""
        return Delivery(
            id=self._request.delivery_id or "",
            source=self._request.source,
            received_at=self._request.received_at,
            body=body,
            dispositions=[each.disposition for each in outcomes],
        )

    def _repeat(self, draft: Draft, receipt: Receipt) -> list[Outcome]:
        """Answer as the first one was answered; count the attempt; change nothing else."""
        draft.put(replace(receipt, attempts=receipt.attempts + 1))
        for alert_id in receipt.alert_ids:
            alert = draft.get(Alert, (draft.company_id, alert_id))
            if alert is not None:
                draft.put(replace(alert, delivery_attempts=receipt.attempts + 1))
        outcomes = _outcomes_of(receipt)
        self._count(draft, ["duplicate"] * len(outcomes))
        return [replace(each, duplicate=True) for each in outcomes]

    def _count(self, draft: Draft, dispositions: Sequence[Disposition]) -> None:
        control = self._parsed.control if self._number == 0 else 0
        draft.count(RECEIVED, len(dispositions) + control)
        for disposition, count in Counter(dispositions).items():
            draft.count(counter(disposition), count)
        if control:
            draft.count(counter("control"), control)
        rejected = dispositions.count("rejected")
        if rejected:
            draft.count("ledger.rejected.invalid", rejected)


def _receipt(draft: Draft, receipt_id: str, outcomes: list[Outcome]) -> Receipt:
    text = json.encode(outcomes).decode()
    if len(text) > PACK_FROM:
        text = PACKED + b64encode(zlib.compress(text.encode(), 1)).decode()
    status: Literal[200, 201] = 201 if len(outcomes) == 1 and outcomes[0].disposition in NEW else 200
    return Receipt(
        company_id=draft.company_id,
        id=receipt_id,
        received_at=draft.now,
        status=status,
        answer=text,
        alert_ids=[each.alert_id for each in outcomes if each.alert_id] if len(outcomes) <= SHOWN_ATTEMPTS else [],
    )


def _outcomes_of(receipt: Receipt) -> list[Outcome]:
    text = receipt.answer
    if text.startswith(PACKED):
        text = zlib.decompress(b64decode(text.removeprefix(PACKED))).decode()
    return OUTCOMES.decode(text)
