"""The cast and what the tests of live updates share: one process with its hub, and a reader who notes all it hears."""

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from alertwhisperer.clock import SequentialIds, VirtualClock
from alertwhisperer.domain.change import Change, Event
from alertwhisperer.domain.event import Cursor, Frame, Record
from alertwhisperer.domain.scope import SYSTEM, Actor, Role, Scope, Scopes
from alertwhisperer.live.feed import Feed
from alertwhisperer.live.hub import Ended, Hub, Subscription
from tests.support.memory_log import MemoryDatabase, MemoryLog

ACME = "acme"
GLOBEX = "globex"


def person(name: str, role: Role) -> Actor:
    return Actor(kind="user", id=name.lower(), name=name, role=role)


ADA = person("Ada", "msp_admin")
RIO = person("Rio", "technician")
VIC = person("Vic", "client")
EVE = person("Eve", "company_admin")


class Fact(Struct, frozen=True):
    """What an event tells in these tests."""

    text: str


def fact(text: str, *, internal: bool = False) -> Event:
    return Event("timeline", Fact(text), internal)


class Process:
    """One process: its view of the database, its feed and its hub."""

    def __init__(self, database: MemoryDatabase | None = None, *, deaf: bool = False) -> None:
        self.clock = VirtualClock()
        self.ids = SequentialIds()
        self.log = MemoryLog(database, deaf=deaf)
        self.feed = Feed(self.log)
        self.hub = Hub(self.log, self.feed, self.clock)

    async def commit(self, company_id: str, *events: Event) -> Record:
        seq, _ = await self.log.head(company_id)
        return await self.log.commit(
            Scope(company_id, SYSTEM),
            seq,
            Change(events=events),
            commit_id=self.ids.new_id(),
            at=self.clock.now(),
        )

    async def say(self, company_id: str, *texts: str) -> Record:
        return await self.commit(company_id, *(fact(text) for text in texts))


class Listener:
    """Somebody at a subscription: `frames` are all they were told, `heard` the facts among them, `closed` the end."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.messages: list[list[Frame]] = []
        self.at: list[float] = []
        self.closed: int | None = None
        self.holding = asyncio.Event()
        self.holding.set()
        self._task = asyncio.create_task(self._listen())

    @property
    def frames(self) -> list[Frame]:
        return [frame for message in self.messages for frame in message]

    @property
    def heard(self) -> list[str]:
        return [text_of(frame) for frame in self.frames if frame.type == "timeline"]

    @property
    def ids(self) -> list[str]:
        return [frame.id for frame in self.frames if frame.id]

    @property
    def kinds(self) -> list[str]:
        return [frame.type for frame in self.frames]

    def stall(self) -> None:
        """Take nothing more, like a browser whose machine sleeps."""
        self.holding.clear()

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.subscription.close()

    async def _listen(self) -> None:
        try:
            while True:
                for message in await self.subscription.next():
                    self.messages.append(read_message(message.text))
                    self.at.append(asyncio.get_running_loop().time())
                await self.holding.wait()
        except Ended as ended:
            self.closed = ended.code


def text_of(frame: Frame) -> str:
    return msgspec.json.decode(frame.data, type=Fact).text


def read_message(text: str) -> list[Frame]:
    decoded = msgspec.json.decode(text, type=list[Frame] | Frame)
    return decoded if isinstance(decoded, list) else [decoded]


async def listen(
    process: Process, actor: Actor = ADA, companies: Sequence[str] = (ACME,), after: Sequence[Cursor] = ()
) -> Listener:
    return Listener(await process.hub.subscribe(Scopes(tuple(companies), actor), after))


async def settle(seconds: float = 1.0) -> None:
    """Let everything happen that is due within a while."""
    await asyncio.sleep(seconds)
