"""Senders that remember what they were promised, for tests that break the server under them."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from tests.support.product import SeededCompany, alert_document
from tests.support.wire import Unanswered, Wire

ARRAY_SIZE = 5
LARGE_SIZE = 700
_RETRY_SECONDS = 0.05


@dataclass(frozen=True)
class Delivery:
    """One request: the keys of the alerts in it, and the sender's own id for it, if any."""

    company: SeededCompany
    keys: tuple[str, ...]
    delivery_id: str | None

    def body(self) -> bytes:
        alerts = [alert_of(key) for key in self.keys]
        return msgspec.json.encode(alerts if len(alerts) > 1 else alerts[0])

    def headers(self) -> dict[str, str]:
        own = {"X-Delivery-ID": self.delivery_id} if self.delivery_id else {}
        return {"X-API-Key": self.company.api_key, **own}


def alert_of(key: str) -> dict[str, object]:
    """The alert of a key: each key is one episode, and ten keys make one incident."""
    number = int(key.rpartition("-")[2])
    return alert_document(number // 10, dedup_key=key, labels={"key": key})


@dataclass
class Promises:
    """What the server acknowledged, and what it was sent without an answer coming back."""

    acked: dict[str, Counter[str]] = field(default_factory=dict)
    unanswered: dict[str, Counter[str]] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    repeated: int = 0

    def keep(self, delivery: Delivery, answer: bytes) -> None:
        self.acked.setdefault(delivery.company.id, Counter()).update(delivery.keys)
        if delivery.delivery_id:
            self.answers[delivery.delivery_id] = answer

    def doubt(self, delivery: Delivery) -> None:
        self.unanswered.setdefault(delivery.company.id, Counter()).update(delivery.keys)

    def bounds(self, company_id: str, key: str) -> tuple[int, int]:
        """The least and the most occurrences that the key may have."""
        least = self.acked.get(company_id, Counter())[key]
        return least, least + self.unanswered.get(company_id, Counter())[key]

    def keys(self, company_id: str) -> set[str]:
        return {*self.acked.get(company_id, ()), *self.unanswered.get(company_id, ())}


@dataclass
class Sender:
    """Posts deliveries of one kind until told to stop.

    Deliveries with an id are sent again until they are answered, and now and then once more after that; the others
    are never sent again, since nobody could tell a repeat from a second fire. It rests between deliveries.
    """

    wire: Wire
    promises: Promises
    deliveries: Iterable[Delivery]
    chance: random.Random
    rest_seconds: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        for delivery in self.deliveries:
            if stop.is_set():
                break
            if delivery.delivery_id is None:
                await self._send_once(delivery, stop)
            else:
                await self._send_until_answered(delivery)
            await asyncio.sleep(self.rest_seconds)
        self.wire.close()

    async def _send_once(self, delivery: Delivery, stop: asyncio.Event) -> None:
        try:
            answer = await self._post(delivery)
        except Unanswered:
            self.promises.doubt(delivery)
            await _pause(stop)
        else:
            self.promises.keep(delivery, answer)

    async def _send_until_answered(self, delivery: Delivery) -> None:
        answer = b""
        while not answer:
            try:
                answer = await self._post(delivery)
            except Unanswered:
                await asyncio.sleep(_RETRY_SECONDS)
        self.promises.keep(delivery, answer)
        if self.chance.random() < 0.1:
            await self._send_again(delivery)

    async def _send_again(self, delivery: Delivery) -> None:
        """A repeat of an answered delivery: answered as the first was, or lost, never counted."""
        assert delivery.delivery_id is not None
        try:
            answer = await self._post(delivery)
        except Unanswered:
            return
        self.promises.repeated += 1
        assert identities(answer) == identities(self.promises.answers[delivery.delivery_id])

    async def _post(self, delivery: Delivery) -> bytes:
        status, answer = await self.wire.post("/api/webhooks/alerts", delivery.body(), delivery.headers())
        if status == 503:
            raise Unanswered("busy")
        assert status in {200, 201}, answer
        return answer


def identities(answer: bytes) -> list[object]:
    """The (alert_id, incident_id) pairs of an answer, single or array."""
    document = msgspec.json.decode(answer)
    results = document.get("results", [document])
    return [(result["alert_id"], result["incident_id"]) for result in results]


def sender_of(number: int, companies: Sequence[SeededCompany], port: int, promises: Promises, seed: int) -> Sender:
    """One of five kinds by its number: single, array, or large array; with delivery ids or without.

    Large arrays take more than one commit each. They go to the last company, the others in turn to the rest.
    """
    chance = random.Random(f"{seed}-{number}")
    large, array, identified = number % 16 == 15, number % 8 >= 5, number % 4 >= 2
    size = LARGE_SIZE if large else ARRAY_SIZE if array else 1
    company = companies[-1] if large else companies[number // 8 % (len(companies) - 1)]

    def deliveries() -> Iterable[Delivery]:
        for turn in itertools.count():
            # Every second delivery fires keys that other senders fire too; large ones always do.
            own = 1_000_000 + number * 10_000 + turn * size
            shared = chance.randrange(3) * LARGE_SIZE if large else chance.randrange(200) * 10
            first = own if turn % 2 and not large else shared
            kind = "once" if identified else "loose"
            keys = tuple(f"{kind}-{first + n}" for n in range(size))
            delivery_id = f"delivery-{seed}-{number}-{turn}" if identified else None
            yield Delivery(company, keys, delivery_id)

    return Sender(Wire(port), promises, deliveries(), chance)


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
    except TimeoutError:
        return
