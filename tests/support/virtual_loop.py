"""An event loop in which waiting costs nothing: when nothing can run, its clock jumps to what is due next."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop for tests without sockets; `time` starts at 0 and moves only while everybody waits."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._elapsed

    def jump(self, seconds: float) -> None:
        self._elapsed += seconds


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for something that no timer will bring")
        if timeout > 0:
            self._loop.jump(timeout)
        return super().select(0)


def run_virtually(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
