"""One keep-alive connection that says plainly when an answer never came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Unanswered(ConnectionError):
    """The request may have been carried out or not: its answer did not arrive whole."""


@dataclass
class Wire:
    """Posts to 127.0.0.1, connecting when it must."""

    port: int
    _streams: Streams | None = field(default=None, init=False)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """The status and the body of the answer; Unanswered when the connection broke."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        )
        return await self.exchange(head.encode() + body)

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """The same for a whole rendered request."""
        try:
            reader, writer = await self._connected()
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().partition(b"content-length:")[2].partition(b"\r")[0]
            return int(answer[9:12]), await reader.readexactly(int(length or b"0"))
        except (OSError, asyncio.IncompleteReadError) as lost:
            self.close()
            raise Unanswered(str(lost)) from lost

    async def _connected(self) -> Streams:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        return self._streams

    def close(self) -> None:
        """Drops the connection; the next post opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
