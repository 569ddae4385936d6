"""Two databases, and the whole API on the one that is moved away from."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from alertwhisperer.engine.retention import defaults
from alertwhisperer.ports import Storage
from alertwhisperer.storage.transfer import Mover
from alertwhisperer.storage.transfer_back import WayBack
from alertwhisperer.storage.transfer_handover import Means, Side
from tests.support.engines import ENGINES, Engine
from tests.support.office import Office

PAIRS: Final = (("sqlite", "sqlite"), ("sqlite", "mongodb"), ("mongodb", "dynamodb"), ("dynamodb", "sqlite"))
"""Each engine is moved from and to; the way back goes the other way round."""


@dataclass
class Onlooker:
    """Remembers what it was told; `on_advance` may stop the move where a test wants it stopped."""

    said: list[str] = field(default_factory=list)
    copied: int = 0
    on_advance: Callable[[int], None] = lambda _: None

    def begin(self, collection: str, _: int | None) -> None:
        self.said.append(collection)

    def advance(self, count: int) -> None:
        self.copied += count
        self.on_advance(self.copied)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


class Move:
    """An office on the source, and the empty target beside it."""

    def __init__(self, source: Engine, target: Engine) -> None:
        self._engines = (source, target)
        self.onlooker = Onlooker()

    async def open(self) -> None:
        source, target = [await each.open() for each in self._engines]
        self.source, self.target = Side("old", source), Side("new", target)
        self.office = Office(source)
        await self.office.open()

    async def close(self) -> None:
        await self.office.close()
        for each in self._engines:
            await each.close()

    @property
    def means(self) -> Means:
        return Means(self.office.clock, self.office.ids, defaults(), self.onlooker)

    @property
    def mover(self) -> Mover:
        return Mover(self.source, self.target, self.means)

    @property
    def way_back(self) -> WayBack:
        return WayBack(self.source, self.target, self.means)

    async def fire(self, count: int, prefix: str = "host") -> None:
        """So many alerts of hosts of their own come in."""
        for number in range(count):
            await self.office.fire(self.office.acme, f"{prefix}-{number}")

    def office_on(self, storage: Storage) -> Office:
        """The same office, served from another database."""
        moved = Office(storage)
        moved.acme, moved.globex, moved.people = self.office.acme, self.office.globex, self.office.people
        return moved


@pytest.fixture(params=PAIRS, ids="-".join)
async def move(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Move]:
    """A move between each two engines."""
    made = _move(request, tmp_path, *request.param)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def local(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Move]:
    """A move from one SQLite file to another, where the engines do not matter."""
    made = _move(request, tmp_path, "sqlite", "sqlite")
    await made.open()
    yield made
    await made.close()


def _move(request: pytest.FixtureRequest, folder: Path, source: str, target: str) -> Move:
    places = (folder / "source", folder / "target")
    for each in places:
        each.mkdir()
    return Move(ENGINES[source](request, places[0]), ENGINES[target](request, places[1]))
