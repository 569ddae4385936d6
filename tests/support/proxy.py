"""Stands between the product and a real database server, and does to the wire what networks and clouds do."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

from tests.support.faults import Fault, Faults

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
START_SECONDS = 10


class Request(Protocol):
    """One whole request: what it asks for, and its bytes."""

    @property
    def verb(self) -> str: ...

    @property
    def raw(self) -> bytes: ...


R = TypeVar("R", bound=Request)


@dataclass
class Proxy(ABC, Generic[R]):
    """A listener on a free port of 127.0.0.1 that hands on to `target`, in a thread with a loop of its own.

    So it serves tests that block as well as those that do not. One request at a time goes through a connection.
    """

    target: int
    faults: Faults = field(default_factory=Faults)
    port: int = field(default=0, init=False)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)
    _connections: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _ends: set[asyncio.StreamWriter] = field(default_factory=set, init=False)
    _errors: list[Exception] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *exc: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._errors:
            raise ExceptionGroup("the proxy did not understand what went through it", self._errors)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for each in self._ends:
            each.transport.abort()
        # Both ends are gone, and so each connection ends by itself.
        while self._connections:
            await asyncio.wait(self._connections)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        task = self._loop.create_task(self._serve((reader, writer)))
        self._connections.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if isinstance(error := task.exception(), Exception):
            self._errors.append(error)

    async def _serve(self, client: Streams) -> None:
        """One connection of a client, with one to the server of its own, until either ends."""
        ends = [client[1]]
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                server = await asyncio.open_connection("127.0.0.1", self.target)
                ends.append(server[1])
                self._ends.add(server[1])
                while await self._exchange(client, server):
                    pass
        finally:
            for writer in ends:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()
                self._ends.discard(writer)

    async def _exchange(self, client: Streams, server: Streams) -> bool:
        """One request and its answer; whether the connection goes on."""
        request = await self.read_request(client[0])
        fault = self.faults.draw(request.verb)
        if fault == "cut":
            return False
        if fault == "arrive late":
            client[1].transport.abort()
        if fault in {"delay", "arrive late"}:
            await asyncio.sleep(self.faults.delay_seconds)
        async for answer in self.answers(request, fault, server):
            if fault in {"lose answer", "arrive late"}:
                return False
            client[1].write(answer)
            await client[1].drain()
        return True

    async def answers(self, request: R, _: Fault, server: Streams) -> AsyncIterator[bytes]:
        """What comes back: the server's own, unless the fault is one that this proxy answers in its place."""
        server[1].write(request.raw)
        await server[1].drain()
        async for answer in self.read_answers(server[0]):
            yield answer

    @abstractmethod
    async def read_request(self, reader: asyncio.StreamReader) -> R:
        """The next whole request of a client."""

    @abstractmethod
    def read_answers(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """The answer of the server to one request, in as many pieces as are sent by themselves."""
