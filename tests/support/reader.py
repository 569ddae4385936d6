"""A live reader that resumes where it was cut off, as the browser does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException


class Frame(msgspec.Struct, frozen=True):
    """One live frame; `data` is the whole document for the events that carry one."""

    id: str
    type: str
    data: dict[str, object] = {}

    @property
    def position(self) -> tuple[int, int]:
        """(seq, n) within its company."""
        _, seq, n = self.id.rsplit(":", 2)
        return int(seq), int(n)


_FRAMES = msgspec.json.Decoder(list[Frame] | Frame)


@dataclass
class LiveReader:
    """Keeps every frame of one company, and reconnects from the last one until it is closed.

    `after` is the cursor it begins at: a seq whose commit and those before it are not wanted.
    """

    port: int
    company_id: str
    token: str
    after: int
    frames: list[Frame] = field(default_factory=list)
    hellos: int = 0
    resyncs: int = 0
    _task: asyncio.Task[None] | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self.come()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.leave()

    def come(self) -> None:
        """Listen, from the last frame it has heard."""
        self._task = asyncio.create_task(self._run())

    async def leave(self) -> None:
        """Disconnect, and hear nothing until it comes again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def cursor(self) -> str:
        return self.frames[-1].id if self.frames else f"{self.company_id}:{self.after}:999999"

    @property
    def seq(self) -> int:
        return self.frames[-1].position[0] if self.frames else self.after

    async def wait_until_greeted(self) -> None:
        """Returns when it has been connected once."""
        while not self.hellos:
            self._arrived.clear()
            await self._arrived.wait()

    async def wait_until_at(self, frame_id: str, *, seconds: float) -> None:
        """Returns when the frame is the last one heard."""
        try:
            async with asyncio.timeout(seconds):
                while self.cursor != frame_id:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pytest.fail(f"heard {self.cursor}, not {frame_id}; {self.hellos} greetings, {self.resyncs} resyncs")

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, WebSocketException, InvalidHandshake, TimeoutError):
                await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        url = f"ws://127.0.0.1:{self.port}/ws?company={self.company_id}&after={self.cursor}&batch=1"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with connect(url, additional_headers=headers, compression=None, open_timeout=5, max_size=None) as socket:
            async for message in socket:
                self._keep(message)

    def _keep(self, message: str | bytes) -> None:
        decoded = _FRAMES.decode(message)
        for frame in decoded if isinstance(decoded, list) else [decoded]:
            if frame.type == "hello":
                self.hellos += 1
            elif frame.type == "resync":
                self.resyncs += 1
            elif frame.id.startswith(f"{self.company_id}:"):
                self.frames.append(frame)
        self._arrived.set()


def head_of(client: httpx.Client, company_id: str) -> int:
    """The seq of a company's newest commit."""
    answer = client.get("/api/overview", params={"company_id": company_id}).raise_for_status()
    seq: int = answer.json()["cursors"][company_id]
    return seq
