"""Spreads what the feed tells: one bounded queue a subscriber, so that a slow one delays and costs nobody else.

A subscription begins at a cursor: what the log holds behind it is read first, then it goes live in the one moment at
which nothing lies between.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from alertwhisperer.domain.event import Cursor, Record
from alertwhisperer.domain.scope import MSP, Actor, Scopes
from alertwhisperer.domain.user import require
from alertwhisperer.live.channel import Channel
from alertwhisperer.live.feed import Feed
from alertwhisperer.live.message import Message
from alertwhisperer.live.pace import Pace
from alertwhisperer.live.parcels import (
    FRAMES_AT_MOST,
    WHOLE_RECORD,
    ClientView,
    Parcel,
    Told,
    hello,
    hide_internal,
    one_message,
    resync,
    sees_as_client,
    single_messages,
)
from alertwhisperer.ports import Clock, Log

NORMAL: Final = 1000
OVERFLOW: Final = 1013
"""Close codes (RFC 6455 §7.4.1 and IANA's registry): 1013, Try Again Later, is for a subscriber that was too slow."""

QUEUE_SIZE: Final = 2 << 20
MESSAGE_SIZE: Final = 256 << 10
"""Characters of JSON, about bytes: what may wait for one subscriber, and what goes into one message."""

REPLAY_FRAMES: Final = 5_000
"""Beyond it, reading the lists anew is cheaper for both sides than being told all that happened."""

REPLAY_PAGE: Final = 32
REPLAYS_AT_ONCE: Final = 4
"""Records a page and pages under way: a crowd coming back at once must not fill the memory."""

MEMO_SIZE: Final = 1 << 20


class Ended(Exception):
    """A subscription is over; `code` is the WebSocket close code that says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


SendNow = Callable[[Message], bool]
"""Sends a message without waiting; False, and nothing sent, where that cannot be."""


class Subscription:
    """One reader's stream. Whoever holds it calls `next` until it raises Ended, and `close` in any case.

    batch: several frames as one array, rather than one text each. `send_now`, where there is one, spares a message the
    way through `next` while somebody waits there: a fan-out then costs a write a reader, not a task a reader.
    """

    def __init__(
        self, hub: "Hub", actor: Actor, channels: dict[str, Channel], after: Iterable[Cursor], *, batch: bool
    ) -> None:
        self.client = sees_as_client(actor)
        self.woken_at = float("-inf")
        self.send_now: SendNow | None = None
        self._hub = hub
        self._batch = batch
        self._channels = channels
        self._behind = {cursor.company_id: cursor for cursor in after if cursor.company_id in channels}
        self._replayed: dict[str, int] = {}
        self._page: deque[Parcel] = deque()
        self._queue: deque[Parcel] = deque()
        self._queue_size = 0
        self._may_send = False
        self._awake = asyncio.Event()
        self._waited_for = False
        self._ended: int | None = None
        self._ready = [hello({name: self._begins(channel) for name, channel in channels.items()}, hub.now())]
        for name, channel in channels.items():
            if name not in self._behind:
                channel.members[self] = None

    @property
    def company_ids(self) -> tuple[str, ...]:
        """The companies it reads."""
        return tuple(self._channels)

    @property
    def waiting(self) -> int:
        """Characters of JSON that wait to be sent."""
        return self._queue_size

    async def next(self) -> list[Message]:
        """What to send now, as soon as there is anything. Raises Ended, or Unavailable from the log."""
        while True:
            if self._ended is not None:
                raise Ended(self._ended)
            if messages := self._take_ready():
                return messages
            if self._behind:
                await self._catch_up()
            else:
                await self._wait()

    def say(self, word: Message) -> None:
        """Send a word of the connection itself (`ping`, `pong`) ahead of what waits; the same word waits once."""
        if word not in self._ready:
            self._ready.append(word)
        self._awake.set()

    def end(self, code: int) -> None:
        """Tell nothing more; `next` raises Ended with this code."""
        if self._ended is not None:
            return
        self._ended = code
        for channel in self._channels.values():
            channel.members.pop(self, None)
        self._behind.clear()
        self._ready.clear()
        self._page.clear()
        self._queue.clear()
        self._queue_size = 0
        self._hub.pace.forget(self)
        self._awake.set()

    async def add(self, scopes: Scopes) -> None:
        """Read these companies too, from now on; a `resync` tells the reader to fetch what they had before."""
        for company_id in scopes.company_ids:
            if company_id in self._channels or company_id == MSP:
                continue
            channel = await self._hub.open(company_id)
            if self._ended is not None or company_id in self._channels:
                self._hub.release(channel)
                continue
            self._channels[company_id] = channel
            self._start_anew(channel)

    def close(self) -> None:
        """Leave. Idempotent."""
        self.end(NORMAL)
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            self._hub.release(channel)
        self._hub.left(self)

    def offer(self, parcels: Sequence[Parcel]) -> None:
        """Queue what a channel tells; it ends with 1013 when more waits than may."""
        for parcel in parcels:
            self._queue.append(parcel)
            self._queue_size += parcel.size
        if self._queue_size > QUEUE_SIZE:
            self._hub.overflows += 1
            self.end(OVERFLOW)
        elif self._queue and not self._may_send:
            self._hub.pace.ask(self)

    def wake(self, now: float) -> None:
        """Allow one message, and send it at once where that can be."""
        self.woken_at = now
        self._may_send = True
        if self._waited_for and self.send_now is not None and not self._awake.is_set():
            self._ready = self._take_ready()
            while self._ready and self.send_now(self._ready[0]):
                self._ready.pop(0)
            if not self._ready:
                return
        self._awake.set()

    async def _wait(self) -> None:
        self._awake.clear()
        self._waited_for = True
        await self._awake.wait()
        self._waited_for = False

    def _begins(self, channel: Channel) -> int:
        cursor = self._behind.get(channel.company_id)
        return channel.seq if cursor is None else min(cursor.seq, channel.seq)

    def _take_ready(self) -> list[Message]:
        if self._ready:
            ready, self._ready = self._ready, []
            return ready
        if self._page:
            return self._hub.messages(_cut(self._page), batch=self._batch)
        if not self._may_send:
            return []
        self._may_send = False
        parcels = _cut(self._queue)
        self._queue_size -= sum(parcel.size for parcel in parcels)
        if self._queue:
            self._hub.pace.ask(self)
        return self._hub.messages(parcels, batch=self._batch)

    async def _catch_up(self) -> None:
        """One step with one company: a page of its log, or its tail and from there live."""
        cursor = next(iter(self._behind.values()))
        channel = self._channels[cursor.company_id]
        if cursor.seq > channel.seq:
            await self._hub.refresh(channel)
        if self._ended is not None:
            return
        if cursor.seq > channel.seq or self._replayed.get(cursor.company_id, 0) > REPLAY_FRAMES:
            self._start_anew(channel)
        elif (parcels := channel.since(cursor, client=self.client)) is not None:
            self._go_live(channel, parcels)
        else:
            first = cursor.seq + 1 if cursor.n >= WHOLE_RECORD else cursor.seq
            records = await self._hub.read(channel, after=first - 1)
            if self._ended is None:
                self._replay(channel, cursor, _contiguous(records, first))

    def _replay(self, channel: Channel, cursor: Cursor, records: Sequence[Record]) -> None:
        if not records:
            self._start_anew(channel)
            return
        for record in records:
            after_n = cursor.n if record.seq == cursor.seq else -1
            self._page += Told(record, self._hub.client_view).rest(after_n, client=self.client)
        frames = sum(len(parcel.texts) for parcel in self._page)
        self._replayed[channel.company_id] = self._replayed.get(channel.company_id, 0) + frames
        self._behind[channel.company_id] = Cursor(channel.company_id, records[-1].seq, WHOLE_RECORD)

    def _start_anew(self, channel: Channel) -> None:
        self._go_live(channel, [self._hub.resync_at(channel.company_id, channel.seq)])

    def _go_live(self, channel: Channel, parcels: Sequence[Parcel]) -> None:
        self._behind.pop(channel.company_id, None)
        channel.members[self] = None
        self.offer(parcels)


class Hub:
    """All subscriptions of this process.

    Counters for /metrics: `subscribers` now; since the start `frames_sent`, `messages_sent`, `overflows`
    (subscriptions ended because they were too slow) and `resyncs` (readers told to read anew).
    """

    def __init__(self, log: Log, feed: Feed, clock: Clock, *, client_view: ClientView = hide_internal) -> None:
        self.client_view = client_view
        self.pace = Pace()
        self.now = clock.now
        self.frames_sent = 0
        self.messages_sent = 0
        self.overflows = 0
        self.resyncs = 0
        self._log = log
        self._feed = feed
        self._channels: dict[str, Channel] = {}
        self._subscriptions: set[Subscription] = set()
        self._replays = asyncio.Semaphore(REPLAYS_AT_ONCE)
        self._joined: dict[tuple[Parcel, ...], Message] = {}
        self._joined_size = 0

    @property
    def subscribers(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)

    async def subscribe(self, scopes: Scopes, after: Iterable[Cursor] = (), *, batch: bool = True) -> Subscription:
        """Begin a stream of these companies, each behind its cursor in `after`, or at its head without one.

        Its first text is `hello`. A cursor that is too old, too far back or not of this log gets a `resync` instead of
        what is missing. Cursors of other companies are ignored. Raises Forbidden, or Unavailable from the log.
        """
        require(scopes.actor, "live.read")
        channels: dict[str, Channel] = {}
        try:
            for company_id in dict.fromkeys(scopes.company_ids):
                if company_id != MSP:
                    channels[company_id] = await self.open(company_id)
        except BaseException:
            for channel in channels.values():
                self.release(channel)
            raise
        subscription = Subscription(self, scopes.actor, channels, after, batch=batch)
        self._subscriptions.add(subscription)
        self.pace.subscribers = len(self._subscriptions)
        return subscription

    def messages(self, parcels: tuple[Parcel, ...], *, batch: bool) -> list[Message]:
        """Parcels as messages to send. Subscribers who stand at the same place share one."""
        messages = [self._join(parcels)] if batch and parcels else single_messages(parcels)
        self.messages_sent += len(messages)
        self.frames_sent += sum(message.frames for message in messages)
        return messages

    async def open(self, company_id: str) -> Channel:
        """The company's channel, followed; each `open` is paid back by a `release`."""
        channel = self._channels.get(company_id)
        if channel is None:
            channel = self._channels[company_id] = Channel(company_id, self.client_view, self.resync_at)
        channel.users += 1
        try:
            async with channel.opening:
                if channel.seq < 0:
                    channel.seq = await self._feed.follow(company_id, channel)
        except BaseException:
            self.release(channel)
            raise
        return channel

    def release(self, channel: Channel) -> None:
        """Pay back an `open`; a channel that nobody uses is followed no longer."""
        channel.users -= 1
        if channel.users == 0:
            del self._channels[channel.company_id]
            self._feed.leave(channel.company_id)

    def left(self, subscription: Subscription) -> None:
        """A subscription was closed."""
        self._subscriptions.discard(subscription)
        self.pace.subscribers = len(self._subscriptions)

    async def refresh(self, channel: Channel) -> None:
        """Hear at once what the company's log has."""
        await self._feed.refresh(channel.company_id)

    async def read(self, channel: Channel, *, after: int) -> list[Record]:
        """A page of the company's log."""
        async with self._replays:
            return await self._log.records(channel.company_id, after=after, limit=REPLAY_PAGE)

    def resync_at(self, company_id: str, seq: int) -> Parcel:
        """A `resync` frame for one reader, or for all of a company's."""
        self.resyncs += 1
        return resync(company_id, seq, self.now())

    def _join(self, parcels: tuple[Parcel, ...]) -> Message:
        message = self._joined.get(parcels)
        if message is None:
            message = one_message(parcels)
            if self._joined_size + len(message.text) > MEMO_SIZE:
                self._joined.clear()
                self._joined_size = 0
            self._joined[parcels] = message
            self._joined_size += len(message.text)
        return message


def _cut(queue: deque[Parcel]) -> tuple[Parcel, ...]:
    """Take from the queue what goes into one message."""
    taken: list[Parcel] = []
    frames = size = 0
    while queue:
        frames += len(queue[0].texts)
        size += queue[0].size
        if taken and (frames > FRAMES_AT_MOST or size > MESSAGE_SIZE):
            break
        taken.append(queue.popleft())
    return tuple(taken)


def _contiguous(records: Sequence[Record], first: int) -> list[Record]:
    """The records from seq `first` up to the first that is missing."""
    return [record for expected, record in enumerate(records, start=first) if record.seq == expected]
