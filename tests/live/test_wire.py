"""Over real sockets: uvicorn with our protocol, or with its own, and clients that are not ours."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from alertwhisperer.domain.event import Frame
from alertwhisperer.live import sockets as sockets_module
from alertwhisperer.live.admission import AsgiMessage, Receive, Send
from alertwhisperer.live.wire import SocketProtocol
from tests.live.doors import House
from tests.live.stage import ACME, GLOBEX, read_message, text_of

OURS = SocketProtocol
UVICORNS = "websockets-sansio"
both = pytest.mark.parametrize("protocol", [OURS, UVICORNS])


@dataclass
class Server:
    house: House
    uvicorn: uvicorn.Server
    port: int

    def client(self, query: str) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/ws?{query}", compression=None, proxy=None)

    @property
    def connections(self) -> int:
        return len(self.uvicorn.server_state.connections)


@asynccontextmanager
async def serving(protocol: type[asyncio.Protocol] | str) -> AsyncIterator[Server]:
    house = House()

    async def app(scope: AsgiMessage, receive: Receive, send: Send) -> None:
        await house.sockets(scope, receive, send)

    config = uvicorn.Config(
        app, ws=protocol, ws_per_message_deflate=False, lifespan="off", log_level="error", timeout_graceful_shutdown=1
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listening]))
    try:
        await until(lambda: server.started)
        yield Server(house, server, listening.getsockname()[1])
    finally:
        await house.sockets.close()
        server.should_exit = True
        await task
        listening.close()


async def frames_of(client: ClientConnection, count: int) -> list[Frame]:
    frames: list[Frame] = []
    while len(frames) < count:
        async with asyncio.timeout(5):
            frames += read_message(str(await client.recv()))
    return frames


@both
async def test_messages_of_every_length_arrive_whole(protocol: type[asyncio.Protocol] | str) -> None:
    async with serving(protocol) as server, server.client("ticket=rio&batch=1") as rio:
        assert (await frames_of(rio, 1))[0].type == "hello"
        texts = ["short", "ü" * 30, "x" * 126, "x" * 65_400, "x" * 65_600, "x" * 200_000]
        for text in texts:
            await server.house.process.say(ACME, text)
            assert [text_of(frame) for frame in await frames_of(rio, 1)] == [text]
        await server.house.process.say(ACME, *texts)
        assert [text_of(frame) for frame in await frames_of(rio, len(texts))] == texts


@both
async def test_pings_are_answered_and_a_refusal_carries_its_code(protocol: type[asyncio.Protocol] | str) -> None:
    async with serving(protocol) as server:
        async with server.client("ticket=rio") as rio:
            await frames_of(rio, 1)
            await rio.send("ping")
            assert await rio.recv() == "pong"
        async with server.client(f"ticket=rio&company={GLOBEX}") as rio:
            with pytest.raises(ConnectionClosed) as refusal:
                await rio.recv()
            assert refusal.value.rcvd is not None
            assert refusal.value.rcvd.code == 4403


@both
async def test_a_client_that_vanishes_leaves_nothing_behind(protocol: type[asyncio.Protocol] | str) -> None:
    async with serving(protocol) as server:
        rio = await server.client("ticket=rio")
        await frames_of(rio, 1)
        rio.transport.abort()
        await until(lambda: server.house.sockets.open == 0 and server.connections == 0)
        assert server.house.process.hub.subscribers == 0


async def test_a_client_that_takes_nothing_is_cut_off_and_holds_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets_module, "STALL_SECONDS", 1.0)
    async with serving(OURS) as server, server.client("ticket=ada&batch=1") as ada:
        await frames_of(ada, 1)
        stalled = await stall(server)
        told = 0
        while server.house.sockets.stalled == 0:
            await server.house.process.say(ACME, f"{told} {'x' * 100_000}")
            began = asyncio.get_running_loop().time()
            assert text_of((await frames_of(ada, 1))[0]).startswith(f"{told} ")
            assert asyncio.get_running_loop().time() - began < 0.5
            told += 1
        await until(lambda: server.connections == 1)
        assert (server.house.sockets.stalled, server.house.process.hub.subscribers) == (1, 1)
        stalled.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


async def stall(server: Server) -> socket.socket:
    """A client that asks for everything and reads nothing."""
    line = socket.create_connection(("127.0.0.1", server.port))
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    key = base64.b64encode(b"a key of 16 byte").decode()
    line.sendall(
        (
            "GET /ws?ticket=rio&batch=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
    )
    await until(lambda: server.house.sockets.open == 2)
    return line
