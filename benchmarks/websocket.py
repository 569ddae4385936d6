"""A WebSocket reader cheap enough for a thousand of them in one process (RFC 6455, by hand)."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Final, cast

_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA

OnText = Callable[[bytes, float], None]


def handshake(path: str, port: int, token: str) -> bytes:
    """The opening request of RFC 6455 §4.1, without extensions."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


class Reader(asyncio.Protocol):
    """Calls `on_text(payload, perf_counter)` for every text message; answers pings.

    `stall()` stops reading for good, as a laptop does whose lid is shut.
    """

    def __init__(self, request: bytes, on_text: OnText) -> None:
        self._request = request
        self._on_text = on_text
        self._received = bytearray()
        self._message = bytearray()
        self._transport: asyncio.Transport
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.close_code: int | None = None
        self.lost = False
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def stall(self) -> None:
        self._transport.pause_reading()

    def close(self) -> None:
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"closed before it was open: {exc}"))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        received = self._received
        received += data
        if not self._upgraded and not self._upgrade():
            return
        at = 0
        while (frame := _next_frame(received, at)) is not None:
            opcode, final, start, end = frame
            self._on_frame(opcode, final=final, payload=bytes(received[start:end]), now=now)
            at = end
        del received[:at]

    def _upgrade(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        if self._received[9:12] != b"101":
            refusal = bytes(self._received[:200])
            self.opened.set_exception(ConnectionError(f"not upgraded: {refusal!r}"))
            return False
        del self._received[: end + 4]
        self._upgraded = True
        self.opened.set_result(None)
        return True

    def _on_frame(self, opcode: int, *, final: bool, payload: bytes, now: float) -> None:
        if opcode in {_TEXT, 0}:
            if final and not self._message:
                self._on_text(payload, now)
                return
            self._message += payload
            if final:
                self._on_text(bytes(self._message), now)
                self._message.clear()
        elif opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self.close_code = struct.unpack("!H", payload[:2])[0] if payload else 1005

    def _send(self, opcode: int, payload: bytes) -> None:
        """A short masked frame; the mask is zero, which RFC 6455 allows a test to be."""
        self._transport.write(bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)


def _next_frame(data: bytearray, at: int) -> tuple[int, bool, int, int] | None:
    """(opcode, final, start, end) of the frame at an offset; None while it is incomplete."""
    if len(data) < at + 2:
        return None
    length, start = data[at + 1] & 0x7F, at + 2
    if length == 126:
        start += 2
        length = int.from_bytes(data[at + 2 : start], "big") if len(data) >= start else 1 << 62
    elif length == 127:
        start += 8
        length = int.from_bytes(data[at + 2 : start], "big") if len(data) >= start else 1 << 62
    if len(data) < start + length:
        return None
    return data[at] & 0x0F, bool(data[at] & 0x80), start, start + length


async def open_reader(port: int, path: str, token: str, on_text: OnText) -> Reader:
    """An open socket; ConnectionError when the server refuses it."""
    _, reader = await asyncio.get_running_loop().create_connection(
        lambda: Reader(handshake(path, port, token), on_text), "127.0.0.1", port
    )
    await reader.opened
    return reader


async def open_stalled(port: int, path: str, token: str) -> Reader:
    """An open socket with a small window that never reads again."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(0)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", port))
    _, reader = await loop.create_connection(
        lambda: Reader(handshake(path, port, token), lambda _text, _now: None), sock=raw
    )
    await reader.opened
    reader.stall()
    return reader
