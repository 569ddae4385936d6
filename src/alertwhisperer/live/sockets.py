"""The WebSocket endpoint `/ws?company=…&after=…&batch=1&ticket=…`: plain ASGI, one application for all sockets."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, cast

import structlog

from alertwhisperer.domain.errors import AlertWhispererError, Forbidden, NotFound, Unauthenticated, Unavailable
from alertwhisperer.domain.event import Record
from alertwhisperer.domain.scope import MSP, Scopes
from alertwhisperer.live.admission import Admission, AsgiMessage, Authenticator, Receive, Send, Wish, read_wish
from alertwhisperer.live.feed import Feed
from alertwhisperer.live.hub import OVERFLOW, Ended, Hub, Subscription
from alertwhisperer.live.message import Message
from alertwhisperer.live.parcels import sees_as_client
from alertwhisperer.live.wire import EXTENSION, DirectSocket
from alertwhisperer.ports import Clock, Log

PATH: Final = "/ws"

FAILED: Final = 1011
COME_AGAIN: Final = 1012
NOT_SIGNED_IN: Final = 4401
NOT_ALLOWED: Final = 4403

PING_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 90.0
STALL_SECONDS: Final = 10.0
ROUND_SECONDS: Final = 1.0
GOODBYE_SECONDS: Final = 1.0

PING: Final = Message("ping")
PONG: Final = Message("pong")

_log = structlog.get_logger(__name__)


class _Socket:
    """One open socket: a subscription, and the connection that it is told to."""

    def __init__(
        self, wish: Wish, admission: Admission, subscription: Subscription, send: Send, direct: DirectSocket | None
    ) -> None:
        now = asyncio.get_running_loop().time()
        self.wish = wish
        self.admission = admission
        self.subscription = subscription
        self.heard_at = now
        self.pinged_at = now
        self.sending_since: float | None = None
        self._send = send
        self._direct = direct
        if direct is not None:
            subscription.send_now = direct.send_now
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def run(self, receive: Receive) -> None:
        """Tell and hear until either is over."""
        self._tasks = (asyncio.create_task(self._tell()), asyncio.create_task(self._hear(receive)))
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in self._tasks:
                task.cancel()
            ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, OSError):
                raise end

    def cut(self) -> None:
        """Drop the connection, with all that still waits to be sent."""
        if self._direct is not None:
            self._direct.abort()
        for task in self._tasks:
            task.cancel()

    async def _tell(self) -> None:
        """Send what the subscription has to tell, until it ends or the client is gone (OSError, by ASGI)."""
        code = await self._stream()
        await self._timed({"type": "websocket.close", "code": code})

    async def _hear(self, receive: Receive) -> None:
        """Hear the client until it goes."""
        loop = asyncio.get_running_loop()
        while (message := await receive())["type"] != "websocket.disconnect":
            self.heard_at = loop.time()
            if message.get("text") == "ping":
                self.subscription.say(PONG)

    async def _stream(self) -> int:
        while True:
            try:
                messages = await self.subscription.next()
            except Ended as ended:
                return ended.code
            except AlertWhispererError as error:
                return _code_of(error)
            for message in messages:
                await self._timed({"type": "websocket.send", "text": message.text})

    async def _timed(self, message: AsgiMessage) -> None:
        self.sending_since = asyncio.get_running_loop().time()
        await self._send(message)
        self.sending_since = None


class Sockets:
    """All open sockets of this process; an ASGI application for the path `/ws`.

    Counters for /metrics: `open` now; since the start `opened`, `refused`, `stalled` (cut because a send made no
    progress for 10 s) and `silent` (cut because the client did not answer for 90 s).
    """

    def __init__(
        self,
        hub: Hub,
        feed: Feed,
        log: Log,
        clock: Clock,
        authenticator: Authenticator,
        *,
        public_url: str | None = None,
    ) -> None:
        self.opened = 0
        self.refused = 0
        self.stalled = 0
        self.silent = 0
        self._hub = hub
        self._feed = feed
        self._clock = clock
        self._authenticator = authenticator
        self._public_url = public_url
        self._sockets: dict[_Socket, None] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self._keeper: asyncio.Task[None] | None = None
        self._renewals: set[asyncio.Task[None]] = set()
        log.on_commit(self._notice_birth)

    @property
    def open(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    async def __call__(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        """Serve one connection, from handshake to end; a path that is not ours is refused as a handshake."""
        await receive()
        if scope["path"] != PATH:
            await send({"type": "websocket.close", "code": NOT_ALLOWED})
            return
        wish = read_wish(scope)
        # A refusal is a close code after the handshake: of a handshake refused, a browser's page learns nothing.
        # Admission comes first: a ticket is spent before any access log can show it.
        try:
            admission = await self._authenticator.authenticate(wish.credential(self._public_url))
            subscription = await self._hub.subscribe(wish.scopes(admission), wish.after, batch=wish.batch)
        except AlertWhispererError as error:
            self.refused += 1
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": _code_of(error), "reason": str(error)[:100]})
            return
        try:
            await send({"type": "websocket.accept"})
            await self._serve(_Socket(wish, admission, subscription, send, _direct(scope)), receive)
        finally:
            subscription.close()

    async def close(self) -> None:
        """End every socket: the server goes away, and its clients come again."""
        for socket in self._sockets:
            socket.subscription.end(COME_AGAIN)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._empty.wait()
        for socket in list(self._sockets):
            socket.cut()
        tasks = [task for task in (self._keeper, *self._renewals) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, socket: _Socket, receive: Receive) -> None:
        self._sockets[socket] = None
        self._empty.clear()
        self.opened += 1
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        try:
            await socket.run(receive)
        finally:
            del self._sockets[socket]
            if not self._sockets:
                self._empty.set()

    # What a socket needs beside its stream: pings, an end when its session ends, a cut when nobody is there.

    async def _keep(self) -> None:
        """Look after the sockets each second, as long as there are any."""
        following = False
        try:
            while self._sockets:
                if not following:
                    following = await self._follow_people()
                self._look_after(asyncio.get_running_loop().time())
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            self._keeper = None
            if following:
                self._feed.leave(MSP)

    async def _follow_people(self) -> bool:
        try:
            await self._feed.follow(MSP, self)
        except Unavailable as error:
            _log.warning("cannot follow who may sign in", error=str(error))
            return False
        return True

    def _look_after(self, now: float) -> None:
        instant = self._clock.now()
        due: list[_Socket] = []
        for socket in list(self._sockets):
            if socket.sending_since is not None and now - socket.sending_since > STALL_SECONDS:
                self.stalled += 1
                socket.cut()
            elif now - socket.heard_at > SILENCE_SECONDS:
                self.silent += 1
                socket.cut()
            elif socket.admission.expires_at <= instant:
                socket.subscription.end(NOT_SIGNED_IN)
            elif now - socket.pinged_at >= PING_SECONDS:
                socket.pinged_at = now
                socket.subscription.say(PING)
                due.append(socket)
        self._renew(due)

    def tell(self, record: Record) -> None:
        """A record of the log of users: whose user was written is looked at again."""
        people = {key for collection, key in record.touched if collection == "users"}
        self._renew(socket for socket in self._sockets if socket.admission.actor.id in people)

    def skip(self, seq: int) -> None:  # noqa: ARG002 - the feed's contract
        """Some records of that log are lost: everybody is looked at again."""
        self._renew(self._sockets)

    def _notice_birth(self, record: Record) -> None:
        """A company's first record: who reads every company in reach may be reading it too."""
        if record.seq == 1 and record.company_id != MSP:
            self._renew(socket for socket in self._sockets if not socket.wish.company_ids)

    def _renew(self, sockets: Iterable[_Socket]) -> None:
        if due := list(sockets):
            task = asyncio.create_task(self._renew_each(due))
            self._renewals.add(task)
            task.add_done_callback(self._renewals.discard)

    async def _renew_each(self, sockets: list[_Socket]) -> None:
        for socket in sockets:
            try:
                await self._renew_one(socket)
            except Unavailable as error:
                # What was granted holds until it expires; the next ping asks again.
                _log.warning("cannot renew a socket's admission", error=str(error))

    async def _renew_one(self, socket: _Socket) -> None:
        before = socket.admission
        after = await self._authenticator.renew(before)
        if after is None:
            socket.subscription.end(NOT_SIGNED_IN)
            return
        socket.admission = after
        lost = set(socket.subscription.company_ids) - set(after.company_ids)
        if lost or sees_as_client(before.actor) != sees_as_client(after.actor):
            socket.subscription.end(COME_AGAIN)
        elif not socket.wish.company_ids:
            await socket.subscription.add(Scopes(after.company_ids, after.actor))


def _direct(scope: AsgiMessage) -> DirectSocket | None:
    extensions = cast("dict[str, dict[str, DirectSocket]]", scope.get("extensions") or {})
    return extensions[EXTENSION]["socket"] if EXTENSION in extensions else None


def _code_of(error: AlertWhispererError) -> int:
    match error:
        case Unauthenticated():
            return NOT_SIGNED_IN
        case Forbidden() | NotFound():
            return NOT_ALLOWED
        case Unavailable():
            return OVERFLOW
        case _:
            return FAILED
